"""Whether a product has more strong negatives than usual, by a test whose false alarms are counted beforehand.

The reviews of the window and of the baseline, thrown together: if each is a strong negative with the same probability and
independently of the others, every choice of which of them lie in the window is equally likely. So the number of strong
negatives there is hypergeometric, whatever that probability is, and its upper tail is an exact p-value: Fisher's exact test,
one-sided. A look at K products, of which a day has L, compares it with rate / (K L). By adding up (Bonferroni), no more than
``rate`` false alarms are expected a day, of all products together, however much the looks depend on each other.

Which products are watched, and so K, depends on their baselines alone, as it must: not on what the window holds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, lgamma

import numpy as np

from alerts.counts import Counted
from dashboard.counts import CHANNELS
from schemas.alert_rules import AlertRule

_NEGLIGIBLE = 1e-18
"""Share of a sum below which a term changes no digit of it."""


@dataclass(frozen=True)
class Side:
    """What was counted in some days."""

    reviews: int
    strong_negative: int

    @property
    def share(self) -> float:
        """Of strong negatives; 0 without reviews."""
        return self.strong_negative / self.reviews if self.reviews else 0.0


@dataclass(frozen=True)
class Suspect:
    """A product whose window is unusual, and how likely chance makes it so: enough to alarm if ``p`` is at most the level."""

    product_id: str
    window: Side
    baseline: Side
    p: float


@dataclass(frozen=True)
class Look:
    """What one look at some products, as of one day, has found."""

    watched: int
    """Products with enough reviews in their baseline."""
    suspects: Sequence[Suspect]
    """Those with enough in the window, and far enough above the usual. Of what is left out, nothing can alarm."""


def look(rule: AlertRule, looks_per_day: int, names: Sequence[str], counted: Counted) -> Look:
    """Look at products.

    Args:
        rule: what to look for.
        looks_per_day: how often a day that is done.
        names: the products.
        counted: their days, of shape (product, channel, day, 2); the last day is the day of the look.
    """
    channels = [CHANNELS.index(channel) for channel in rule.channels]
    days = counted[:, channels, -rule.days :].sum(axis=1, dtype=np.int64)
    baseline, window = days[:, : rule.baseline_days].sum(axis=1), days[:, rule.baseline_days :].sum(axis=1)
    chosen = np.array([rule.chooses(name) for name in names], bool)
    watched = chosen & (baseline[:, 0] >= rule.minimum_baseline_reviews)
    unusual = (
        watched
        & (window[:, 0] >= rule.minimum_reviews)
        & (window[:, 1] >= rule.minimum_strong_negatives)
        & (window[:, 1] * baseline[:, 0] >= rule.at_least_times * baseline[:, 1] * window[:, 0])
    )
    suspects = [
        _suspect(names[at], Side(*map(int, window[at])), Side(*map(int, baseline[at])))
        for at in np.flatnonzero(unusual).tolist()
    ]
    return Look(int(watched.sum()), [one for one in suspects if one.p <= level(rule, looks_per_day, 1)])


def level(rule: AlertRule, looks_per_day: int, watched: int) -> float:
    """What a p-value may be at most for an alarm: the false alarms of a day, shared by its looks and the products."""
    return 1 / rule.days_per_false_alarm / looks_per_day / max(1, watched)


def alarming(suspects: Iterable[Suspect], limit: float) -> list[Suspect]:
    """Those at or below the level, least likely first."""
    return sorted((one for one in suspects if one.p <= limit), key=lambda one: (one.p, one.product_id))


def _suspect(name: str, window: Side, baseline: Side) -> Suspect:
    p = upper_tail(window.strong_negative, window.reviews, baseline.strong_negative, baseline.reviews)
    return Suspect(name, window, baseline, p)


def upper_tail(part: int, n: int, part_before: int, n_before: int) -> float:
    """How likely ``n`` reviews drawn from all hold ``part`` strong negatives or more.

    Args:
        part: strong negatives of the window.
        n: its reviews.
        part_before: strong negatives of the baseline.
        n_before: its reviews.
    """
    hits, both = part + part_before, n + n_before
    if part <= max(0, hits - n_before):
        return 1.0
    # The first term, and each further one by its ratio to the one before; beyond the peak they fall faster and faster.
    log_first = _log_choose(n, part) + _log_choose(n_before, part_before) - _log_choose(both, hits)
    total = term = 1.0
    for hit in range(part, min(hits, n)):
        ratio = (n - hit) * (hits - hit) / ((hit + 1) * (n_before - hits + hit + 1))
        term *= ratio
        total += term
        if ratio < 1 and term < _NEGLIGIBLE * total:
            break
    return min(1.0, exp(log_first) * total)


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
