"""Every way in which a raw record can be bad, with the reason that its dead letter must give."""

import json

from raw_topics import RAW_MAX_BYTES, Raw, review

from schemas.dead_letters import DeadLetterReason

_BATCH_OVERHEAD = 100
"""What Kafka adds to a record; the limit is on the sum."""


def record_of(size: int) -> bytes:
    """A JSON object of so many bytes, without the fields of a review."""
    empty = json.dumps({"padding": ""})
    return json.dumps({"padding": "x" * (size - len(empty))}).encode()


BAD = {
    "null value": (Raw(None), DeadLetterReason.NULL_VALUE),
    "null key and value": (Raw(None, key=None), DeadLetterReason.NULL_VALUE),
    "empty": (Raw(b""), DeadLetterReason.EMPTY_VALUE),
    "bad UTF-8": (Raw(b'{"review_id": "\xff\xfe"}'), DeadLetterReason.INVALID_UTF8),
    "bad JSON": (Raw(b'{"review_id": '), DeadLetterReason.INVALID_JSON),
    "NaN": (Raw(review("nan", rating=float("nan"))), DeadLetterReason.INVALID_JSON),
    "lone surrogate": (Raw(review("lone", text="\ud800")), DeadLetterReason.LONE_SURROGATE),
    "deep nesting": (Raw(b"[" * 100_000 + b"]" * 100_000), DeadLetterReason.NESTED_TOO_DEEP),
    "not an object": (Raw(b'["a review"]'), DeadLetterReason.NOT_AN_OBJECT),
    "missing field": (Raw(b'{"review_id": "r", "text": "Fine."}'), DeadLetterReason.MISSING_FIELD),
    "wrong type": (Raw(review("typed", rating="five")), DeadLetterReason.INVALID_FIELD),
    "text too long": (Raw(review("long", text="x" * 20_001)), DeadLetterReason.TEXT_TOO_LONG),
    "unknown op": (Raw(review("op", op="merge")), DeadLetterReason.UNKNOWN_OP),
    "unknown version": (Raw(review("v2", schema_version=2)), DeadLetterReason.UNKNOWN_SCHEMA_VERSION),
    "as large as can be": (Raw(record_of(RAW_MAX_BYTES - _BATCH_OVERHEAD)), DeadLetterReason.MISSING_FIELD),
    "poison for the model": (Raw(review("ill", text="poison")), DeadLetterReason.MODEL_ERROR),
}
