"""Bytes of a raw record -> a review event, or the reason why it is none."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from consumers.records import Record
from schemas.codec import decode_review
from schemas.dead_letters import DeadLetterReason
from schemas.errors import InvalidEvent
from schemas.events import ReviewEvent

LATEST_MS = 253_402_300_799_000
"""The last second of the year 9999. A record's time is whatever its producer says, up to 64 bits of milliseconds."""


@dataclass(frozen=True)
class Decoded:
    """A record with what it says."""

    record: Record
    event: ReviewEvent | InvalidEvent

    @property
    def record_time(self) -> datetime:
        """When Kafka or the producer says that the record was written."""
        return datetime.fromtimestamp(min(max(0, self.record.written_ms), LATEST_MS) / 1000, UTC)


def decode_records(records: Iterable[Record]) -> list[Decoded]:
    """Decode each record; bad ones are data, so nothing is raised."""
    return [Decoded(record, decode_record(record)) for record in records]


def decode_record(record: Record) -> ReviewEvent | InvalidEvent:
    """What the record says, or why it is refused."""
    try:
        event = decode_review(record.value)
    except InvalidEvent as invalid:
        return invalid
    if event.created_at is None and record.written_ms > LATEST_MS:
        detail = f"created_at: missing, and the record's time of {record.written_ms} ms is past the year 9999"
        return InvalidEvent(DeadLetterReason.INVALID_FIELD, detail)
    return event
