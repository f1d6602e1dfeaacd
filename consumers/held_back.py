"""Tell a topic that is rightly silent from one whose records are held back by a transaction that does not end."""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from kafka import TopicPartition
from kafka.errors import RetriableError

from consumers.process import Clock

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0

HELD_BACK_AFTER_S = 60.0
"""Said after this long, and again each time it has passed. Our own transactions end within ``transaction_timeout``, 10 s by
default; Kafka lets no producer ask for more than 15 minutes (``transaction.max.timeout.ms``)."""


@dataclass(frozen=True)
class Reached:
    """How far a partition is read, and where it ends if what open transactions have written is counted in."""

    position: int
    end: int


@dataclass
class _Stall:
    position: int
    since: float
    said: float


class HeldBackWatch:
    """Readers of committed records stand still before an open transaction and see no record and no error: say so.

    Args:
        stable_ends: asks Kafka for the offset after the last record of each partition that a reader of committed records may
            have; raises ``RetriableError`` without an answer.
        clock: seconds, never going back.
        after_s: seconds of standing still after which it is said, and said again.
    """

    def __init__(
        self,
        stable_ends: Callable[[Collection[TopicPartition]], Mapping[TopicPartition, int]],
        clock: Clock,
        after_s: float = HELD_BACK_AFTER_S,
    ) -> None:
        self.records = 0
        """Records and markers that are held back by now, in partitions of which it was said."""
        self._stable_ends = stable_ends
        self._clock = clock
        self._after_s = after_s
        self._stalls: dict[TopicPartition, _Stall] = {}
        self._next_look = clock()

    def look(self, reached: Callable[[], Mapping[TopicPartition, Reached]]) -> None:
        """Call it after every poll; it looks once in a second."""
        now = self._clock()
        if now < self._next_look:
            return
        self._next_look = now + LOOK_EVERY_S
        partitions = reached()
        behind = {place: at for place, at in partitions.items() if at.end > at.position}
        self._stalls = {
            place: stall
            if (stall := self._stalls.get(place)) and stall.position == at.position
            else _Stall(at.position, now, now)
            for place, at in behind.items()
        }
        due = {place for place, stall in self._stalls.items() if now - stall.said >= self._after_s}
        self._say(due, behind, now)
        self.records = sum(
            behind[place].end - behind[place].position
            for place, stall in self._stalls.items()
            if stall.said > stall.since
        )

    def _say(
        self, due: Collection[TopicPartition], behind: Mapping[TopicPartition, Reached], now: float
    ) -> None:
        if not due:
            return
        try:
            ends = self._stable_ends(due)
        except RetriableError as error:  # the next look asks again
            log.debug("where committed records end is not known yet: %r", error)
            return
        for place in due:
            stall = self._stalls[place]
            if (
                ends[place] > stall.position
            ):  # there is something to read: we are slow, and nobody holds us back
                del self._stalls[place]
                continue
            stall.said = now
            log.warning(
                "%s:%d: a transaction that does not end has held back what follows offset %d for %.0f s (%d records and markers "
                "so far); kafka-transactions.sh find-hanging names it, see docs/faults.md",
                place.topic, place.partition, stall.position, now - stall.since, behind[place].end - stall.position,
            )  # fmt: skip
