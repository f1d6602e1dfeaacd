"""What all products say together, in a period against the one before."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from consumers.read.counts import Counts, Share, share
from dashboard.counts import CHANNELS
from dashboard.index import Days, ProductIndex
from dashboard.periods import Period
from dashboard.statistics import Difference, difference, discoveries, wilson
from schemas.events import Channel

ENOUGH_TO_RANK = 20
"""Reviews of a period without which a product is called neither best nor worst."""

ENOUGH_TO_MOVE = 10
"""Reviews in each of two periods without which a product's change is not tested."""

LISTED = 8

KEPT_S = 3.0
"""Seconds for which an overview is shown although counts changed: an open page does not ask more often. To make one takes up to
0.1 s of a core for 10,000 products, and a busy shop changes every second."""

FALSE_DISCOVERIES = 0.05
"""Share of the moves that are called real that may be chance."""

_CANDIDATE_Z = 1.8
"""Changes smaller than this many standard errors are never called real (two-sided p above 0.07): not worth the exact test."""


@dataclass(frozen=True)
class Standing:
    """One product in the period, and its share of positive reviews."""

    product_id: str
    counts: Counts
    positive: Share


@dataclass(frozen=True)
class Move:
    """How a product's share of positive reviews changed."""

    product_id: str
    now: Counts
    before: Counts
    change: Difference
    real: bool
    """Whether it is more than noise, with ``FALSE_DISCOVERIES`` over all products that were tested."""


@dataclass(frozen=True)
class Overview:
    """Everything but the series concerns one channel."""

    period: Period
    channel: Channel
    complete: bool
    """False for some seconds after the start: counts are too small then."""
    products: int
    left_out: int
    now: Counts
    before: Counts
    change: Difference | None
    series: Sequence[tuple[date, Counts]]
    channels: Sequence[tuple[Channel, Counts, Counts]]
    """Each channel now and before."""
    worse: Sequence[Move]
    better: Sequence[Move]
    tested: int
    """Products with enough reviews to test whether they moved."""
    worst: Sequence[Standing]
    best: Sequence[Standing]
    ranked: int
    """Products with enough reviews to be ranked."""


class Overviews:
    """Makes overviews from the index; one that nothing changed since is not made again, and none twice in ``KEPT_S``.

    Args:
        index: of all products.
        clock: seconds that only grow.
    """

    def __init__(self, index: ProductIndex, clock: Callable[[], float] = time.monotonic) -> None:
        self._index = index
        self._clock = clock
        self._made: dict[tuple[int, Channel], tuple[float, int, Overview]] = {}
        """By days and channel: when it was made, of which version of the index."""

    def overview(self, days: int, channel: Channel) -> Overview:
        """The last ``days`` days."""
        now, index = self._clock(), self._index
        if made := self._made.get((days, channel)):
            at, version, overview = made
            is_whole = overview.complete and overview.period.last == index.period.last
            if version == index.version or (is_whole and now - at < KEPT_S):
                return overview
        overview = self._make(days, channel)
        self._made[days, channel] = now, index.version, overview
        return overview

    def _make(self, span: int, channel: Channel) -> Overview:
        index = self._index
        period = Period.until(index.period.last, span)
        days = index.days(channel, period)
        now, before = days.sum(axis=1), index.days(channel, period.before).sum(axis=1)
        summed, summed_before = now.sum(axis=0).as_counts(), before.sum(axis=0).as_counts()
        moves, tested = _moves(index.products, now, before)
        worst, best, ranked = _standings(index.products, now)
        return Overview(
            period=period,
            channel=channel,
            complete=index.complete,
            products=len(index.names),
            left_out=index.leaves_out,
            now=summed,
            before=summed_before,
            change=difference(summed.positive, summed.reviews, summed_before.positive, summed_before.reviews),
            series=_series(period, days),
            channels=[
                (
                    one,
                    _summed(index.days(one, period)),
                    _summed(index.days(one, period.before)),
                )
                for one in CHANNELS
            ],
            worse=[move for move in moves if move.change.value < 0][:LISTED],
            better=[move for move in moves if move.change.value > 0][:LISTED],
            tested=tested,
            worst=worst,
            best=best,
            ranked=ranked,
        )


def _summed(days: Days) -> Counts:
    return days.sum(axis=0).sum(axis=0).as_counts()


def _series(period: Period, days: Days) -> list[tuple[date, Counts]]:
    by_day = days.sum(axis=0)
    return [(day, by_day[number].as_counts()) for number, day in enumerate(period)]


def _standings(products: Sequence[str], now: Days) -> tuple[list[Standing], list[Standing], int]:
    """The worst by the upper end of the interval, the best by its lower end, and how many were ranked."""
    rows = np.flatnonzero(now.of("reviews") >= ENOUGH_TO_RANK)
    ranked = now[rows]
    low, high = wilson(ranked.of("positive"), ranked.of("reviews"))
    worst = min(LISTED, len(rows) // 2)
    best = min(LISTED, len(rows) - len(rows) // 2)  # so that no product is both
    return (
        [
            _standing(products[row], now[row])
            for row in map(int, rows[np.argsort(high, kind="stable")[:worst]])
        ],
        [
            _standing(products[row], now[row])
            for row in map(int, rows[np.argsort(-low, kind="stable")[:best]])
        ],
        len(rows),
    )


def _standing(product_id: str, now: Days) -> Standing:
    counts = now.as_counts()
    positive = share(counts.positive, counts.reviews)
    assert positive is not None
    return Standing(product_id, counts, positive)


def _moves(products: Sequence[str], now: Days, before: Days) -> tuple[list[Move], int]:
    """The likeliest to be real first, and how many products were tested."""
    n, n_before = now.of("reviews"), before.of("reviews")
    tested = np.flatnonzero((n >= ENOUGH_TO_MOVE) & (n_before >= ENOUGH_TO_MOVE))
    found = []
    for row in map(int, tested[_may_be_real(now[tested], before[tested])]):
        counts, counts_before = now[row].as_counts(), before[row].as_counts()
        change = difference(counts.positive, counts.reviews, counts_before.positive, counts_before.reviews)
        assert change is not None
        found.append((change.p, products[row], counts, counts_before, change))
    found.sort(key=lambda one: one[:2])
    limit = discoveries([p for p, *_ in found], len(tested), FALSE_DISCOVERIES)
    return [
        Move(product_id, counts, counts_before, change, real=p <= limit)
        for p, product_id, counts, counts_before, change in found
    ], len(tested)


def _may_be_real(now: Days, before: Days) -> npt.NDArray[np.bool_]:
    """By the pooled z-test, which is quick for thousands of products."""
    n, n_before = now.of("reviews"), before.of("reviews")
    part, part_before = now.of("positive"), before.of("positive")
    pooled = (part + part_before) / (n + n_before)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / n_before))
    moved: npt.NDArray[np.bool_] = np.abs(part / n - part_before / n_before) > _CANDIDATE_Z * error
    return moved
