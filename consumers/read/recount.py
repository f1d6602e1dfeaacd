"""The scored topic and what people say of it, as far as a recount needs them, from Kafka into the store."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from consumers.aggregate.contribution import Contribution, encode_meaning
from consumers.aggregate.labels import StoredLabel
from consumers.aggregate.relabel import meaning_of
from consumers.read.report import PartitionRange
from consumers.read.store import Store
from consumers.records import Record
from consumers.topic_reader import TopicReader
from schemas.codec import decode_label, decode_scored
from schemas.errors import InvalidEvent

Progress = Callable[[int, int], None]
"""Told offsets done, and offsets in all."""

RECORDS_A_STEP = 5_000
"""Records between two steps of the store: a second of reading, which a killed verification repeats at most."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Said = tuple[str, str, str, int, str | None]
"""Of an event: product, review, label or code, microseconds of ``scored_at``, and the letter of what a person says; None for the
model's own, whose code may be "" for a delete."""

Row = tuple[str, str, int, int, int, str, int, str | None]
"""Of the table of events."""


def scored_at_of(microseconds: int) -> str:
    """``scored_at`` of an event, as Redis holds it."""
    return (_EPOCH + microseconds * _MICROSECOND).isoformat()


def applied_offset(applied: Mapping[str, str], place: str) -> int:
    """The last offset applied to a product at ``<topic>:<partition>``; -1 for none, or for what is no number."""
    text = applied.get(place, "")
    return int(text) if text.isdecimal() else -1


def read_scored(value: bytes | None) -> Said:
    """A record of the scored topic.

    Raises:
        InvalidEvent: it is no labelled review.
    """
    scored = decode_scored(value)
    label = StoredLabel.of(scored)
    code = "" if label is None else label.encode()
    return scored.product_id, scored.review_id, code, (scored.scored_at - _EPOCH) // _MICROSECOND, None


def read_label(value: bytes | None) -> Said:
    """A record of the topic of labels.

    Raises:
        InvalidEvent: it is no label.
    """
    event = decode_label(value)
    meaning = meaning_of(event)
    letter = encode_meaning(meaning) if meaning else ""
    return event.product_id, event.review_id, Contribution.judged(event.scored).encode(), 0, letter


class Recount:
    """Reads a topic's partitions from where the store's events end. Positions and events are stored in the same step.

    Args:
        store: takes the events.
        name: of what is read, among the store's notes.
        read: what a record says.
    """

    def __init__(self, store: Store, name: str, read: Callable[[bytes | None], Said]) -> None:
        self._store = store
        self._name = name
        self._read = read
        progress: Mapping[str, Any] = store.note(name, {})
        self.records: int = progress.get("records", 0)
        self.unreadable: int = progress.get("unreadable", 0)
        """Records that are no event."""
        self._positions = {int(part): at for part, at in progress.get("positions", {}).items()}
        self._times = {int(part): at for part, at in progress.get("times", {}).items()}
        """Of each partition: the latest time of its records so far. Merged by it, a product whose events moved to an
        added partition keeps its order, and so does each partition although record times may go back."""
        self._rows: list[Row] = []

    def read(self, reader: TopicReader, partitions: Sequence[PartitionRange], progress: Progress) -> None:
        """Read the rest of ``partitions``, which have all their records from offset 0 on."""
        targets = {part.partition: part.recounted_to for part in partitions}
        reader.seek({part: self._positions.get(part, 0) for part in targets})
        total, seen = sum(targets.values()), self.records
        while behind := {part for part, target in targets.items() if reader.position(part) < target}:
            for record in reader.poll_only(behind):
                if record.offset < targets[record.partition]:
                    self._take(record)
            self._positions.update({part: reader.position(part) for part in behind})
            if self.records - seen >= RECORDS_A_STEP:
                self._keep()
                seen = self.records
                progress(sum(min(reader.position(part), target) for part, target in targets.items()), total)
        self._keep()
        if total:
            progress(total, total)

    def _take(self, record: Record) -> None:
        self.records += 1
        partition = record.partition
        self._times[partition] = max(self._times.get(partition, 0), record.timestamp_ms)
        try:
            product_id, review_id, code, scored_us, letter = self._read(record.value)
        except InvalidEvent:
            self.unreadable += 1
            return
        self._rows.append(
            (product_id, review_id, self._times[partition], partition, record.offset, code, scored_us, letter)
        )

    def _keep(self) -> None:
        noted = {
            "positions": self._positions,
            "times": self._times,
            "records": self.records,
            "unreadable": self.unreadable,
        }
        with self._store.step() as store:
            store.sql.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self._rows)
            store.set_note(self._name, noted)
        self._rows = []
