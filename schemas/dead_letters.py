"""Dead letters: the reasons a record can be refused for, the headers that carry them, and those of a redrive."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self

Headers = list[tuple[str, bytes]]
ReadHeaders = Iterable[tuple[str, bytes | None]]
"""As a client reads them: whoever wrote them may have left a value out."""


class DeadLetterReason(StrEnum):
    """Stable codes: programs may match on them, so a code is never renamed."""

    NULL_VALUE = "null_value"
    EMPTY_VALUE = "empty_value"
    INVALID_UTF8 = "invalid_utf8"
    INVALID_JSON = "invalid_json"
    LONE_SURROGATE = "lone_surrogate"
    NESTED_TOO_DEEP = "nested_too_deep"
    NOT_AN_OBJECT = "not_an_object"
    MISSING_FIELD = "missing_field"
    INVALID_FIELD = "invalid_field"
    TEXT_TOO_LONG = "text_too_long"
    UNKNOWN_OP = "unknown_op"
    UNKNOWN_SCHEMA_VERSION = "unknown_schema_version"
    MODEL_ERROR = "model_error"


MAX_DETAIL_CHARACTERS = 500
"""A detail may quote the record; this bounds how much a hostile record can make us copy."""


@dataclass(frozen=True)
class Origin:
    """The record that was refused. Its headers stand on the dead letter, and again on the copy that a redrive makes."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int

    def headers(self) -> Headers:
        """Where the refused record stood, and the time that it bore."""
        fields = {
            "dlq.source.topic": self.topic,
            "dlq.source.partition": str(self.partition),
            "dlq.source.offset": str(self.offset),
            "dlq.source.timestamp": str(self.timestamp_ms),
        }
        return _encoded(fields)

    @classmethod
    def from_headers(cls, headers: ReadHeaders) -> Self:
        """Read the headers back.

        Raises:
            ValueError: a header is missing or does not parse.
        """
        fields = _decoded(headers)
        try:
            return cls(
                topic=fields["dlq.source.topic"],
                partition=int(fields["dlq.source.partition"]),
                offset=int(fields["dlq.source.offset"]),
                timestamp_ms=int(fields["dlq.source.timestamp"]),
            )
        except KeyError as error:
            raise ValueError(f"dead letter without the header {error}") from error


@dataclass(frozen=True)
class DeadLetter:
    """Why one source record was refused, and which record it was."""

    reason: DeadLetterReason
    detail: str
    source_topic: str
    source_partition: int
    source_offset: int
    source_timestamp_ms: int
    failed_at: datetime

    @property
    def origin(self) -> Origin:
        """The record that was refused."""
        return Origin(self.source_topic, self.source_partition, self.source_offset, self.source_timestamp_ms)

    def headers(self) -> Headers:
        """The Kafka headers that stand beside the source record's untouched bytes."""
        detail = self.detail.encode("utf-8", "replace").decode()[:MAX_DETAIL_CHARACTERS]
        return [
            *_encoded({"dlq.reason": self.reason.value, "dlq.detail": detail}),
            *self.origin.headers(),
            *_encoded({"dlq.failed_at": _instant(self.failed_at)}),
        ]

    @classmethod
    def from_headers(cls, headers: ReadHeaders) -> "DeadLetter":
        """Read the headers back.

        Raises:
            ValueError: a header is missing or does not parse; the record was not written by reviewstream.
        """
        headers = list(headers)
        fields = _decoded(headers)
        origin = Origin.from_headers(headers)
        try:
            return cls(
                reason=DeadLetterReason(fields["dlq.reason"]),
                detail=fields["dlq.detail"],
                source_topic=origin.topic,
                source_partition=origin.partition,
                source_offset=origin.offset,
                source_timestamp_ms=origin.timestamp_ms,
                failed_at=_parsed(fields["dlq.failed_at"]),
            )
        except KeyError as error:
            raise ValueError(f"dead letter without the header {error}") from error


@dataclass(frozen=True)
class RedriveMarker:
    """Says that a dead letter went back, and which record it became.

    It stands in the letter's own partition, so after the letter, and retention takes the letter first. Its value is null.
    It is committed in one transaction with the record that it tells of.
    """

    letter_offset: int
    topic: str
    partition: int
    offset: int
    redriven_at: datetime

    def headers(self) -> Headers:
        """The Kafka headers of the marker."""
        fields = {
            "dlq.redriven.letter": str(self.letter_offset),
            "dlq.redriven.topic": self.topic,
            "dlq.redriven.partition": str(self.partition),
            "dlq.redriven.offset": str(self.offset),
            "dlq.redriven_at": _instant(self.redriven_at),
        }
        return _encoded(fields)

    @classmethod
    def from_headers(cls, headers: ReadHeaders) -> Self | None:
        """Read the headers back; None if the record is no marker.

        Raises:
            ValueError: a header is missing or does not parse.
        """
        fields = _decoded(headers)
        if "dlq.redriven.letter" not in fields:
            return None
        try:
            return cls(
                letter_offset=int(fields["dlq.redriven.letter"]),
                topic=fields["dlq.redriven.topic"],
                partition=int(fields["dlq.redriven.partition"]),
                offset=int(fields["dlq.redriven.offset"]),
                redriven_at=_parsed(fields["dlq.redriven_at"]),
            )
        except KeyError as error:
            raise ValueError(f"marker of a redrive without the header {error}") from error


def _encoded(fields: Mapping[str, str]) -> Headers:
    return [(name, value.encode()) for name, value in fields.items()]


def _decoded(headers: ReadHeaders) -> dict[str, str]:
    return {name: value.decode() for name, value in headers if name.startswith("dlq.") and value is not None}


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _parsed(instant: str) -> datetime:
    moment = datetime.fromisoformat(instant)
    if moment.tzinfo is None:
        raise ValueError(f"a time without an offset: {instant}")
    return moment
