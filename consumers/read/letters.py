"""The dead-letter topic read as what it says: letters that wait, and letters that went back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self

from consumers.records import Record
from consumers.topic_reader import TopicReader
from schemas.dead_letters import DeadLetter, DeadLetterReason, RedriveMarker

Progress = Callable[[int, int], None]
"""Told offsets done, and offsets in all."""

_PROGRESS_EVERY = 1000


class Place(NamedTuple):
    """Where a record stands in its topic."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``PARTITION:OFFSET``.

        Raises:
            ValueError: it is none.
        """
        partition, _, offset = text.partition(":")
        if not (partition.isdecimal() and offset.isdecimal()):
            raise ValueError(f"{text!r} is no PARTITION:OFFSET, such as 3:17")
        return cls(int(partition), int(offset))


@dataclass(frozen=True)
class LetterFilter:
    """Which letters are meant; an empty set or None accepts all."""

    places: frozenset[Place] = frozenset()
    reasons: frozenset[DeadLetterReason] = frozenset()
    since: datetime | None = None
    """Refused at this instant or later."""
    until: datetime | None = None
    """Refused before this instant."""

    def accepts(self, place: Place, letter: DeadLetter) -> bool:
        """Whether the letter has all that is asked for."""
        return (
            (not self.places or place in self.places)
            and (not self.reasons or letter.reason in self.reasons)
            and (self.since is None or letter.failed_at >= self.since)
            and (self.until is None or letter.failed_at < self.until)
        )


@dataclass(frozen=True)
class Entry:
    """A letter, with the marker that says where it went, if it did."""

    letter: DeadLetter
    marker: RedriveMarker | None = None


class Ledger:
    """Letters and markers, entered in the order of each partition.

    Memory grows with the letters that are accepted, by about a kilobyte each, and not with their bytes.
    """

    def __init__(self, wanted: LetterFilter) -> None:
        self.waiting: dict[Place, DeadLetter] = {}
        self.redriven: dict[Place, Entry] = {}
        self.foreign = 0
        """Records that reviewstream did not write."""
        self._wanted = wanted

    def enter(self, record: Record) -> DeadLetter | None:
        """Take a record in; returns the letter that it is, if it is one and accepted."""
        place = Place(record.partition, record.offset)
        try:
            if marker := RedriveMarker.from_headers(record.headers):
                self._settle(Place(record.partition, marker.letter_offset), marker)
                return None
            letter = DeadLetter.from_headers(record.headers)
        except ValueError:
            self.foreign += 1
            return None
        if not self._wanted.accepts(place, letter):
            return None
        self.waiting[place] = letter
        return letter

    def entry(self, place: Place) -> Entry | None:
        """What is known of the letter at ``place``."""
        if letter := self.waiting.get(place):
            return Entry(letter)
        return self.redriven.get(place)

    def _settle(self, place: Place, marker: RedriveMarker) -> None:
        if letter := self.waiting.pop(place, None):
            self.redriven[place] = Entry(letter, marker)


def read_letters(
    reader: TopicReader, enter: Callable[[Record], object], progress: Progress = lambda _done, _total: None
) -> dict[int, int]:
    """Hand all committed records of the dead-letter topic to ``enter``; returns the offsets to go on from."""
    starts, ends = reader.starts(), reader.ends()
    reader.seek(starts)
    total = sum(ends.values()) - sum(starts.values())
    for number, record in enumerate(reader.read_to(ends)):
        enter(record)
        if number % _PROGRESS_EVERY == 0:
            progress(sum(reader.position(part) - start for part, start in starts.items()), total)
    return ends
