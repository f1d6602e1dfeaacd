"""Reviews and strong negatives of every product by channel and day, as Redis holds them."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from redis import Redis

from dashboard.counts import CHANNELS, SERIES, series_arguments
from dashboard.index import PRODUCTS_A_ROUND_TRIP, REVISIONS
from dashboard.periods import Period
from schemas.redis_keys import Ranking, ViewKeys

Counted = npt.NDArray[np.integer[Any]]
"""Of shape (..., channel, day, 2): reviews, and the strong negatives among them."""

_REVIEWS, _STRONG_NEGATIVES = 2, 5
"""Columns of a line of ``series.lua``."""


def read_revisions(redis: Redis, keys: ViewKeys) -> dict[str, str]:
    """Every product that was ever counted, and the state that its counts are in."""
    flat: Any = json.loads(str(redis.eval_ro(REVISIONS, 1, keys.ranking_revisions(Ranking.REVIEWS))))
    values = iter(flat)  # an empty table is written as an object
    return dict(zip(values, values, strict=True))


def read_days(redis: Redis, keys: ViewKeys, names: Sequence[str], period: Period) -> Counted:
    """The days of some products, of shape (product, channel, day, 2), in one round trip."""
    counted = np.zeros((len(names), len(CHANNELS), len(period), 2), np.int32)
    pipeline = redis.pipeline(transaction=False)
    for name in names:
        pipeline.eval_ro(SERIES, len(CHANNELS), *series_arguments(keys, name, period))
    for number, text in enumerate(pipeline.execute()):
        for line in text.splitlines():
            fields = line.split(" ")
            channel, day = int(fields[0]), int(fields[1])
            counted[number, channel, day] = int(fields[_REVIEWS]), int(fields[_STRONG_NEGATIVES])
    return counted


def batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """As many at a time as other readers of Redis gladly wait for."""
    return (
        names[start : start + PRODUCTS_A_ROUND_TRIP] for start in range(0, len(names), PRODUCTS_A_ROUND_TRIP)
    )


class LatestDays:
    """The latest days of all products; only what changed since the last time is read again.

    Memory: 32 bytes a day and product, so 10 MB for 10,000 products and 30 days.
    """

    def __init__(self, redis: Redis, keys: ViewKeys) -> None:
        self._redis = redis
        self._keys = keys
        self._seen: tuple[Period, Any] | None = None
        self._revisions: dict[str, str] = {}
        self._counted: dict[str, Counted] = {}

    def refresh(self, period: Period) -> tuple[list[str], Counted]:
        """Products, and their days of this period, which ends today; of shape (product, channel, day, 2)."""
        seen = period, self._redis.get(self._keys.generation)
        # Another day; or a rebuilt view, in which the same revision may have other counts.
        if seen != self._seen:
            self._revisions, self._counted, self._seen = {}, {}, seen
        revisions = read_revisions(self._redis, self._keys)
        for gone in self._counted.keys() - revisions.keys():
            del self._counted[gone]
        stale = [name for name, revision in revisions.items() if self._revisions.get(name) != revision]
        for names in batches(stale):
            # Remembered step by step: what is cut short goes on where it was.
            self._counted |= zip(names, read_days(self._redis, self._keys, names, period), strict=True)
            self._revisions |= {name: revisions[name] for name in names}
        self._revisions = revisions
        shape = (0, len(CHANNELS), len(period), 2)
        return list(self._counted), np.stack([*self._counted.values()]) if self._counted else np.zeros(
            shape, np.int32
        )
