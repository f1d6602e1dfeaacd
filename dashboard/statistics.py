"""Whether two shares differ by more than noise."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, floor, lgamma, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from consumers.read.counts import Z_95, share

Numbers = npt.NDArray[np.integer[Any]]

_FAR = 12.0
"""Standard deviations from the mean beyond which a hypergeometric table counts as impossible: its probability is below 1e-30,
and a shop with millions of reviews would have millions of such tables to add up."""


@dataclass(frozen=True)
class Difference:
    """How much a share changed: ``value`` with its 95 % interval, and how likely chance alone does as much."""

    value: float
    low: float
    high: float
    p: float


def difference(part: int, n: int, part_before: int, n_before: int) -> Difference | None:
    """Of ``part`` of ``n`` against ``part_before`` of ``n_before``; None where either has no reviews.

    The interval is Newcombe's hybrid score interval, made of two Wilson intervals (Newcombe 1998, "Interval Estimation for
    the Difference Between Independent Proportions", method 10); ``p`` is that of Fisher's exact test, two-sided.
    """
    now, before = share(part, n), share(part_before, n_before)
    if now is None or before is None:
        return None
    value = now.value - before.value
    low = value - sqrt((now.value - now.low) ** 2 + (before.high - before.value) ** 2)
    high = value + sqrt((now.high - now.value) ** 2 + (before.value - before.low) ** 2)
    return Difference(value, max(-1.0, low), min(1.0, high), _fisher(part, n, part_before, n_before))


def _fisher(part: int, n: int, part_before: int, n_before: int) -> float:
    """The sum of the probabilities of all tables with these margins that are no likelier than this one."""
    hits, both = part + part_before, n + n_before
    mean = n * hits / both
    reach = 10 + _FAR * sqrt(mean * (1 - hits / both) * n_before / max(1, both - 1))
    lowest, highest = max(0, hits - n_before, floor(mean - reach)), min(hits, n, ceil(mean + reach))
    if not lowest <= part <= highest:
        return 0.0
    fixed = _log_choose(both, hits)
    logs = [
        _log_choose(n, hit) + _log_choose(n_before, hits - hit) - fixed for hit in range(lowest, highest + 1)
    ]
    # Tables that are equally likely differ in their last digits only.
    limit = logs[part - lowest] + 1e-7
    return min(1.0, sum(exp(log) for log in logs if log <= limit))


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def wilson(part: Numbers, n: Numbers) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Both ends of the 95 % interval of ``consumers.read.counts.share`` for many products at once; each ``n`` is above 0."""
    value, spread = part / n, Z_95**2 / n
    centre = (value + spread / 2) / (1 + spread)
    margin = Z_95 * np.sqrt(value * (1 - value) / n + spread / (4 * n)) / (1 + spread)
    return centre - margin, centre + margin


def discoveries(p_values: Sequence[float], tested: int, rate: float = 0.05) -> float:
    """The largest p-value to believe so that at most ``rate`` of what is believed is chance; -1 for none.

    Benjamini and Hochberg 1995, "Controlling the False Discovery Rate".

    Args:
        p_values: the smallest of all, in any order.
        tested: how many were tested in all.
        rate: share of false discoveries among them.
    """
    believed = [p for rank, p in enumerate(sorted(p_values), start=1) if p <= rate * rank / tested]
    return believed[-1] if believed else -1.0
