"""The clock of each product, where labels are forgotten: what it showed when each event was counted."""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from itertools import groupby
from operator import itemgetter

from consumers.aggregate.labels import StoredLabel
from consumers.read.store import Store

Moment = tuple[int, int, int]
"""Merged record time in milliseconds, partition, offset: the order in which events count."""

_US_A_DAY = 86_400_000_000

# Sorted as the products of a comparison are, so that both are read once.
_EVENTS = """
SELECT product, time_ms, partition, position, scored_us FROM events WHERE letter IS NULL
ORDER BY product, time_ms, partition, position
"""


class Clock:
    """One product's clock: the latest day of ``scored_at`` so far. Memory grows with the days on which it rose.

    Args:
        retention: days after which a label is forgotten.
        events: each that is applied, in the order in which they count: when, and ``scored_at`` in microseconds since 1970.
    """

    def __init__(self, retention: int, events: Iterable[tuple[Moment, int]]) -> None:
        self._retention = retention
        self._moments: list[Moment] = []
        self._days: list[int] = []
        for moment, scored_us in events:
            day = scored_us // _US_A_DAY
            if not self._days or day > self._days[-1]:
                self._moments.append(moment)
                self._days.append(day)

    def at(self, moment: Moment) -> int:
        """What it showed once the event of this moment was counted, in days since 1970-01-01."""
        return self._days[bisect_right(self._moments, moment) - 1]

    @property
    def latest(self) -> int | None:
        """What it shows in the end; None if no event is applied."""
        return self._days[-1] if self._days else None

    def forgets(self, label: StoredLabel, moment: Moment | None = None) -> bool:
        """Whether a label is forgotten by the event of a moment, or in the end."""
        now = self.latest if moment is None else self.at(moment)
        return now is not None and label.is_forgotten(now, self._retention)


class Clocks:
    """The clocks of all products, asked for in the order of their ids."""

    def __init__(self, store: Store, retention: int) -> None:
        self._retention = retention
        self._products = groupby(store.sql.execute(_EVENTS), key=itemgetter(0))
        self._next = next(self._products, None)

    def of(self, product_id: str, is_applied: Callable[[int, int], bool]) -> Clock:
        """The clock of a product, as the events whose partition and offset are applied turned it."""
        if self._next is None or self._next[0] != product_id:
            return Clock(self._retention, ())
        clock = Clock(
            self._retention,
            (
                ((time_ms, partition, offset), scored_us)
                for _, time_ms, partition, offset, scored_us in self._next[1]
                if is_applied(partition, offset)
            ),
        )
        self._next = next(self._products, None)
        return clock
