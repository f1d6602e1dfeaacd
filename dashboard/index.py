"""The days of all products, kept in memory: what sums over thousands of products would be too slow to read on each look.

Only what changed is read again. ``watch`` decides when.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
from redis.asyncio import Redis

from consumers.aggregate.contribution import MICROS
from consumers.read.counts import Counts
from dashboard.counts import CHANNELS, FIELDS, SERIES, counts_of, series_arguments
from dashboard.periods import Period
from schemas.events import Channel
from schemas.redis_keys import Ranking, ViewKeys

REVISIONS = (files("dashboard") / "revisions.lua").read_text()

DAYS = 56
"""Days held: two periods of four weeks, so that one can be compared with the one before."""

MAX_PRODUCTS = 20_000
"""Products whose days are held, those with most reviews first: 6 kB each, so 120 MB at most. The rest can be searched
and read one by one, and takes no part in sums and comparisons over all products."""

PRODUCTS_A_ROUND_TRIP = 50
"""Of which the days are read at once: some milliseconds of Redis, which other readers wait for."""


@dataclass(frozen=True)
class Days:
    """What was counted: ``counts`` of shape (..., field) by ``FIELDS``, ``micros`` of shape (...), the sums of scores in millionths."""

    counts: npt.NDArray[np.integer[Any]]
    micros: npt.NDArray[np.integer[Any]]

    def sum(self, axis: int) -> "Days":
        """Summed over one axis but the fields'."""
        return Days(self.counts.sum(axis=axis, dtype=np.int64), self.micros.sum(axis=axis, dtype=np.int64))

    def __getitem__(self, at: Any) -> "Days":
        return Days(self.counts[at], self.micros[at])

    def of(self, field: str) -> npt.NDArray[np.integer[Any]]:
        """One field."""
        return self.counts[..., FIELDS.index(field)]

    def as_counts(self) -> Counts:
        """A single cell, as it would be read from Redis."""
        return counts_of(map(int, self.counts), Decimal(int(self.micros)) / MICROS)


class ProductIndex:
    """Every product's id, and the days of those with most reviews.

    Args:
        redis: a client with ``decode_responses``.
        keys: names of the view's keys.
        today: the last day that is held.
        max_products: of which days are held.
    """

    def __init__(self, redis: Redis, keys: ViewKeys, today: date, max_products: int = MAX_PRODUCTS) -> None:
        self.names: list[str] = []
        """Every product, by its id."""
        self.period = Period.until(today, DAYS)
        self.complete = False
        """Whether the days were read once; before that, sums are too small."""
        self.version = 0
        """Grows with every change of what is held."""
        self._redis = redis
        self._keys = keys
        self._max_products = max_products
        self._revisions: dict[str, int] = {}
        self._rows: dict[str, int] = {}
        self._counts = np.zeros((0, len(CHANNELS), DAYS, len(FIELDS)), np.int32)
        self._micros = np.zeros((0, len(CHANNELS), DAYS), np.int64)

    @property
    def products(self) -> list[str]:
        """The products whose days are held, in the order of their rows."""
        return list(self._rows)

    @property
    def leaves_out(self) -> int:
        """Products that take no part in sums, for there are too many."""
        return len(self.names) - len(self._rows)

    def days(self, channel: Channel, period: Period) -> Days:
        """Of shape (product, day); the part of ``period`` that is held."""
        start = (period.first - self.period.first).days
        chosen = slice(max(0, start), max(0, start + len(period)))
        place, rows = CHANNELS.index(channel), len(self._rows)
        return Days(self._counts[:rows, place, chosen], self._micros[:rows, place, chosen])

    async def refresh(self, *, everything: bool = False) -> set[str]:
        """Read what changed since the last time, and return the products that it concerns."""
        text: Any = await self._redis.eval_ro(REVISIONS, 1, self._keys.ranking_revisions(Ranking.REVIEWS))
        flat: Any = json.loads(text)  # an empty table is written as an object
        revisions = {name: int(revision) for name, revision in _pairs(flat)}
        changed = {name for name, revision in revisions.items() if self._revisions.get(name) != revision}
        if revisions.keys() != self._revisions.keys():
            self.names = sorted(revisions)
            await self._place(revisions)
        stale = self._rows.keys() if everything else changed & self._rows.keys()
        for names in _batches(stale, PRODUCTS_A_ROUND_TRIP):
            await self._read(names)
            # Remembered step by step: what is cut short goes on where it was.
            self._revisions |= {name: revisions[name] for name in names if name in revisions}
            self.version += 1
        self._revisions = revisions
        self.complete = True
        self.version += 1
        return changed

    async def turn_to(self, today: date) -> None:
        """Hold the days that end with ``today``; does nothing while they are held."""
        if today != self.period.last:
            self.period = Period.until(today, DAYS)
            self._forget()
            await self.refresh()

    async def _place(self, revisions: Mapping[str, int]) -> None:
        """Give a row to each product that is new, as long as there is room."""
        if self._rows.keys() - revisions.keys():  # another view: nothing of the old one counts
            self._forget()
        room = self._max_products - len(self._rows)
        wanted = [name for name in revisions if name not in self._rows]
        if len(wanted) > room and not self._rows:
            ranking = self._keys.ranking(Ranking.REVIEWS)
            best: Sequence[Any] = await self._redis.zrange(ranking, 0, room - 1, desc=True)
            wanted = [str(name) for name in best]
        wanted = wanted[:room]
        for name in wanted:
            self._rows.setdefault(name, len(self._rows))
        if len(self._rows) > len(self._counts):
            grown = 2 * len(self._rows) - len(self._counts)
            self._counts = np.pad(self._counts, ((0, grown), (0, 0), (0, 0), (0, 0)))
            self._micros = np.pad(self._micros, ((0, grown), (0, 0), (0, 0)))

    def _forget(self) -> None:
        self._rows, self._revisions = {}, {}
        self._counts[:], self._micros[:] = 0, 0
        self.complete = False

    async def _read(self, names: Sequence[str]) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for name in names:
            pipeline.eval_ro(SERIES, len(CHANNELS), *series_arguments(self._keys, name, self.period))
        for name, text in zip(names, await pipeline.execute(), strict=True):
            row = self._rows[name]
            self._counts[row], self._micros[row] = 0, 0
            for line in text.splitlines():
                channel, day, *whole, score_sum = line.split(" ")
                at = row, int(channel), int(day)
                self._counts[at] = whole
                self._micros[at] = int(score_sum.replace(".", ""))


def _pairs(flat: Sequence[str]) -> Iterator[tuple[str, str]]:
    """``a, b, c, d`` as ``(a, b), (c, d)``."""
    values = iter(flat)
    return zip(values, values, strict=True)


def _batches(names: Iterable[str], size: int) -> Iterator[list[str]]:
    names = list(names)
    return (names[start : start + size] for start in range(0, len(names), size))
