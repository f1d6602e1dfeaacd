"""What is read and how far: records of a topic, and the offsets to go on from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kafka import OffsetAndMetadata, TopicPartition

from schemas.dead_letters import Origin

Offsets = Mapping[TopicPartition, OffsetAndMetadata]
"""Next offsets to read, in the client's form: ``commit_form`` makes it."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record as polled, in the terms of this project."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()

    @property
    def written_ms(self) -> int:
        """When it was written: its timestamp, or that of the record which a redrive repeats with it."""
        if not self.headers:
            return self.timestamp_ms
        try:
            return Origin.from_headers(self.headers).timestamp_ms
        except ValueError:
            return self.timestamp_ms

    @property
    def topic_partition(self) -> TopicPartition:
        return TopicPartition(self.topic, self.partition)


def to_record(raw: Any) -> Record:
    """A record of the client in our terms."""
    headers = tuple(raw.headers or ())
    return Record(raw.topic, raw.partition, raw.offset, raw.timestamp, raw.key, raw.value, headers)


def next_offsets(records: Iterable[Record]) -> dict[TopicPartition, int]:
    """The offset to go on from in each partition, once ``records`` are done."""
    return {record.topic_partition: record.offset + 1 for record in records}


def commit_form(
    offsets: Mapping[TopicPartition, int], notes: Mapping[TopicPartition, str] | None = None
) -> dict[TopicPartition, OffsetAndMetadata]:
    """Offsets as the client wants them, with notes to keep beside them."""
    notes = notes or {}
    return {
        partition: OffsetAndMetadata(offset, notes.get(partition, ""), -1)
        for partition, offset in offsets.items()
    }
