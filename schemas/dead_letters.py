"""Dead letters: the reasons a record can be refused for, and the headers that carry them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

Headers = list[tuple[str, bytes]]


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
class DeadLetter:
    """Why one source record was refused, and which record it was."""

    reason: DeadLetterReason
    detail: str
    source_topic: str
    source_partition: int
    source_offset: int
    source_timestamp_ms: int
    failed_at: datetime

    def headers(self) -> Headers:
        """The Kafka headers that stand beside the source record's untouched bytes."""
        detail = self.detail.encode("utf-8", "replace").decode()[:MAX_DETAIL_CHARACTERS]
        fields = {
            "dlq.reason": self.reason.value,
            "dlq.detail": detail,
            "dlq.source.topic": self.source_topic,
            "dlq.source.partition": str(self.source_partition),
            "dlq.source.offset": str(self.source_offset),
            "dlq.source.timestamp": str(self.source_timestamp_ms),
            "dlq.failed_at": self.failed_at.astimezone(UTC).isoformat(timespec="milliseconds"),
        }
        return [(name, value.encode()) for name, value in fields.items()]

    @classmethod
    def from_headers(cls, headers: Iterable[tuple[str, bytes]]) -> "DeadLetter":
        """Read the headers back.

        Raises:
            ValueError: a header is missing or does not parse; the record was not written by reviewstream.
        """
        fields = {name: value.decode() for name, value in headers if name.startswith("dlq.")}
        try:
            return cls(
                reason=DeadLetterReason(fields["dlq.reason"]),
                detail=fields["dlq.detail"],
                source_topic=fields["dlq.source.topic"],
                source_partition=int(fields["dlq.source.partition"]),
                source_offset=int(fields["dlq.source.offset"]),
                source_timestamp_ms=int(fields["dlq.source.timestamp"]),
                failed_at=datetime.fromisoformat(fields["dlq.failed_at"]),
            )
        except KeyError as error:
            raise ValueError(f"dead letter without the header {error}") from error
