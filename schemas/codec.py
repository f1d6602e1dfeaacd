"""Bytes to events. Bad input is data: every way a record can be wrong ends in one ``InvalidEvent``."""

import json
from typing import NoReturn, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from schemas.dead_letters import DeadLetterReason
from schemas.errors import InvalidEvent
from schemas.events import ReviewEvent, ScoredReview
from schemas.labels import ReviewLabel

AnyEvent = TypeVar("AnyEvent", ReviewEvent, ScoredReview, ReviewLabel)


def decode_review(value: bytes | None) -> ReviewEvent:
    """Read a record of ``reviews.raw``.

    Raises:
        InvalidEvent: the bytes are no valid event, with the reason.
    """
    return _decode(ReviewEvent, value)


def decode_scored(value: bytes | None) -> ScoredReview:
    """Read a record of ``reviews.scored``.

    Raises:
        InvalidEvent: the bytes are no valid event, with the reason.
    """
    return _decode(ScoredReview, value)


def decode_label(value: bytes | None) -> ReviewLabel:
    """Read a record of ``reviews.labels``.

    Raises:
        InvalidEvent: the bytes are no valid event, with the reason.
    """
    return _decode(ReviewLabel, value)


def _decode(model: type[AnyEvent], value: bytes | None) -> AnyEvent:
    if value is None:
        raise InvalidEvent(DeadLetterReason.NULL_VALUE, "the record has no value (a tombstone)")
    if not value.strip():
        raise InvalidEvent(DeadLetterReason.EMPTY_VALUE, "the record's value is empty")
    # pydantic's parser accepts NaN and Infinity in fields that we ignore; JSON does not.
    if b"NaN" in value or b"Infinity" in value:
        _refuse_constants(value)
    try:
        return model.model_validate_json(value)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if problem["type"] == "json_invalid":
        _check_json(value)
        too_deep = "recursion limit" in problem["msg"]
        reason = DeadLetterReason.NESTED_TOO_DEEP if too_deep else DeadLetterReason.INVALID_JSON
        raise InvalidEvent(reason, problem["msg"])
    raise InvalidEvent(_reason_of(problem), _detail_of(problem))


def _refuse_constants(value: bytes) -> None:
    """Tell NaN and Infinity as numbers from the same words in a text."""
    try:
        from_json(value, allow_inf_nan=False)
    except ValueError:
        _check_json(value)


def _check_json(value: bytes) -> None:
    """Name what is wrong with bytes that pydantic could not parse; slow, for bad records only."""
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        raise InvalidEvent(DeadLetterReason.INVALID_UTF8, f"byte {error.start}: {error.reason}") from None
    try:
        parsed = json.loads(text, parse_constant=_not_json)
        if "\\u" in text:  # only an escape can spell half of a surrogate pair
            json.dumps(parsed, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        detail = "a \\ud800..\\udfff escape without its partner"
        raise InvalidEvent(DeadLetterReason.LONE_SURROGATE, detail) from None
    except RecursionError:
        raise InvalidEvent(DeadLetterReason.NESTED_TOO_DEEP, "objects or arrays nested too deep") from None
    except ValueError as error:
        raise InvalidEvent(DeadLetterReason.INVALID_JSON, str(error)) from None


def _not_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _reason_of(problem: ErrorDetails) -> DeadLetterReason:
    kind, field = problem["type"], problem["loc"][:1]
    if kind == "model_type":
        return DeadLetterReason.NOT_AN_OBJECT if not field else DeadLetterReason.INVALID_FIELD
    if kind == "missing":
        return DeadLetterReason.MISSING_FIELD
    if field == ("schema_version",):
        return DeadLetterReason.UNKNOWN_SCHEMA_VERSION
    if field == ("op",):
        return DeadLetterReason.UNKNOWN_OP
    if field == ("text",) and kind == "string_too_long":
        return DeadLetterReason.TEXT_TOO_LONG
    return DeadLetterReason.INVALID_FIELD


def _detail_of(problem: ErrorDetails) -> str:
    place = ".".join(map(str, problem["loc"]))
    message = problem["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
