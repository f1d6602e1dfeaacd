import json
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.codec import decode_review, decode_scored
from schemas.dead_letters import DeadLetterReason
from schemas.errors import InvalidEvent
from schemas.events import MAX_TEXT_CHARACTERS, Op

REVIEW = {"review_id": "r-1", "product_id": "p-1", "text": "Good."}
SCORED = {
    **REVIEW,
    "created_at": "2026-01-02T03:04:05Z",
    "sentiment": {
        "label": "positive",
        "score": 0.9,
        "intensity": "weak",
        "intensity_score": 0.2,
        "confidence": 0.9,
        "needs_review": False,
    },
    "model": {"name": "m", "version": "v"},
    "source": {"topic": "reviews.raw", "partition": 0, "offset": 7},
    "scored_at": "2026-01-02T03:04:06Z",
}
LONE_SURROGATE = b'"\\ud800"'
MEGABYTE = 1_048_576


def review(**changes: Any) -> bytes:
    return json.dumps({**REVIEW, **changes}).encode()


def review_without(name: str) -> bytes:
    return json.dumps({key: value for key, value in REVIEW.items() if key != name}).encode()


def review_with_raw(value: bytes, *, name: bytes = b"ignored") -> bytes:
    """A valid event and one more field, spelled as given."""
    return review()[:-1] + b', "' + name + b'": ' + value + b"}"


def scored(**changes: Any) -> bytes:
    return json.dumps({**SCORED, **changes}).encode()


def refusal(value: bytes | None) -> InvalidEvent:
    with pytest.raises(InvalidEvent) as caught:
        decode_review(value)
    return caught.value


def scored_refusal(value: bytes | None) -> InvalidEvent:
    with pytest.raises(InvalidEvent) as caught:
        decode_scored(value)
    return caught.value


BAD_RECORDS = {
    "a tombstone": (None, DeadLetterReason.NULL_VALUE),
    "no bytes": (b"", DeadLetterReason.EMPTY_VALUE),
    "only white space": (b" \r\n\t", DeadLetterReason.EMPTY_VALUE),
    "Latin-1": ('{"text": "caf\xe9"}'.encode("latin-1"), DeadLetterReason.INVALID_UTF8),
    "bad UTF-8 in an ignored field": (review_with_raw(b'"\xff"'), DeadLetterReason.INVALID_UTF8),
    "bad UTF-8 in a key": (review_with_raw(b"1", name=b"\xff"), DeadLetterReason.INVALID_UTF8),
    "an overlong encoding": (review_with_raw(b'"\xc0\x80"'), DeadLetterReason.INVALID_UTF8),
    "a surrogate as bytes": (review_with_raw(b'"\xed\xa0\x80"'), DeadLetterReason.INVALID_UTF8),
    "UTF-16": (review().decode().encode("utf-16"), DeadLetterReason.INVALID_UTF8),
    "a megabyte of garbage": (b"\xff" * MEGABYTE, DeadLetterReason.INVALID_UTF8),
    "not JSON": (b"hello", DeadLetterReason.INVALID_JSON),
    "half an object": (review()[:-1], DeadLetterReason.INVALID_JSON),
    "two objects": (review() + review(), DeadLetterReason.INVALID_JSON),
    "a trailing comma": (review()[:-1] + b",}", DeadLetterReason.INVALID_JSON),
    "a byte order mark": (b"\xef\xbb\xbf" + review(), DeadLetterReason.INVALID_JSON),
    "a control character in a string": (review_with_raw(b'"\x01"'), DeadLetterReason.INVALID_JSON),
    "NaN for a field": (review_with_raw(b"NaN", name=b"rating"), DeadLetterReason.INVALID_JSON),
    "NaN in an ignored field": (review_with_raw(b"NaN"), DeadLetterReason.INVALID_JSON),
    "Infinity in an ignored field": (review_with_raw(b"[Infinity]"), DeadLetterReason.INVALID_JSON),
    "-Infinity in an ignored field": (review_with_raw(b"-Infinity"), DeadLetterReason.INVALID_JSON),
    "nothing but NaN": (b"NaN", DeadLetterReason.INVALID_JSON),
    "a number of 5,000 digits": (review_with_raw(b"9" * 5000), DeadLetterReason.INVALID_JSON),
    "a lone surrogate in a field": (
        review_with_raw(LONE_SURROGATE, name=b"text"),
        DeadLetterReason.LONE_SURROGATE,
    ),
    "a lone surrogate in an ignored field": (
        review_with_raw(LONE_SURROGATE),
        DeadLetterReason.LONE_SURROGATE,
    ),
    "a lone surrogate in a key": (review_with_raw(b"1", name=b"\\udc00"), DeadLetterReason.LONE_SURROGATE),
    "a lone surrogate beside the word NaN": (
        review_with_raw(b'["NaN", "\\udfff"]'),
        DeadLetterReason.LONE_SURROGATE,
    ),
    "1,000 arrays deep": (review_with_raw(b"[" * 1000 + b"]" * 1000), DeadLetterReason.NESTED_TOO_DEEP),
    "100,000 objects deep": (
        review_with_raw(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        DeadLetterReason.NESTED_TOO_DEEP,
    ),
    "a megabyte of open brackets": (b"[" * MEGABYTE, DeadLetterReason.NESTED_TOO_DEEP),
    "deep beside the word NaN": (
        review_with_raw(b'["NaN", ' + b"[" * 1000 + b"]" * 1000 + b"]"),
        DeadLetterReason.NESTED_TOO_DEEP,
    ),
    "an array": (b"[]", DeadLetterReason.NOT_AN_OBJECT),
    "an array with an event": (b"[" + review() + b"]", DeadLetterReason.NOT_AN_OBJECT),
    "a string": (b'"review"', DeadLetterReason.NOT_AN_OBJECT),
    "a number": (b"1", DeadLetterReason.NOT_AN_OBJECT),
    "null": (b"null", DeadLetterReason.NOT_AN_OBJECT),
    "an empty object": (b"{}", DeadLetterReason.MISSING_FIELD),
    "no review id": (review_without("review_id"), DeadLetterReason.MISSING_FIELD),
    "no product id": (review_without("product_id"), DeadLetterReason.MISSING_FIELD),
    "no text": (review_without("text"), DeadLetterReason.MISSING_FIELD),
    "null for the text": (review(text=None), DeadLetterReason.MISSING_FIELD),
    "an empty text": (review(text=""), DeadLetterReason.INVALID_FIELD),
    "a number for the text": (review(text=5), DeadLetterReason.INVALID_FIELD),
    "a text for a delete": (review(op="delete"), DeadLetterReason.INVALID_FIELD),
    "an empty review id": (review(review_id=""), DeadLetterReason.INVALID_FIELD),
    "a review id of 257 characters": (review(review_id="x" * 257), DeadLetterReason.INVALID_FIELD),
    "a number for the product id": (review(product_id=7), DeadLetterReason.INVALID_FIELD),
    "a product id that empties the hash tag": (review(product_id="}x"), DeadLetterReason.INVALID_FIELD),
    "no star": (review(rating=0), DeadLetterReason.INVALID_FIELD),
    "six stars": (review(rating=6), DeadLetterReason.INVALID_FIELD),
    "stars as text": (review(rating="5"), DeadLetterReason.INVALID_FIELD),
    "stars as true": (review(rating=True), DeadLetterReason.INVALID_FIELD),
    "stars of 400 digits": (review_with_raw(b"9" * 400, name=b"rating"), DeadLetterReason.INVALID_FIELD),
    "stars beyond every float": (review_with_raw(b"1e400", name=b"rating"), DeadLetterReason.INVALID_FIELD),
    "a language that is no tag": (review(language="en_GB"), DeadLetterReason.INVALID_FIELD),
    "an unknown channel": (review(channel="fax"), DeadLetterReason.INVALID_FIELD),
    "a text of a megabyte": (review(text="x" * MEGABYTE), DeadLetterReason.TEXT_TOO_LONG),
    "a text one character too long": (
        review(text="x" * (MAX_TEXT_CHARACTERS + 1)),
        DeadLetterReason.TEXT_TOO_LONG,
    ),
    "an unknown op": (review(op="archive"), DeadLetterReason.UNKNOWN_OP),
    "an op in capitals": (review(op="DELETE"), DeadLetterReason.UNKNOWN_OP),
    "null for the op": (review(op=None), DeadLetterReason.UNKNOWN_OP),
    "schema version 2": (review(schema_version=2), DeadLetterReason.UNKNOWN_SCHEMA_VERSION),
    "schema version 2 of another shape": (b'{"schema_version": 2}', DeadLetterReason.UNKNOWN_SCHEMA_VERSION),
    "a schema version as text": (review(schema_version="1"), DeadLetterReason.UNKNOWN_SCHEMA_VERSION),
    "a schema version as true": (review(schema_version=True), DeadLetterReason.UNKNOWN_SCHEMA_VERSION),
    "a schema version of 400 digits": (
        review_with_raw(b"9" * 400, name=b"schema_version"),
        DeadLetterReason.UNKNOWN_SCHEMA_VERSION,
    ),
}

BAD_INSTANTS = {
    "no offset": "2026-01-02T03:04:05",
    "a date without a time": "2026-01-02",
    "a Unix timestamp": 1_767_323_045,
    "a Unix timestamp as text": "1767323045",
    "before year 1 in UTC": "0001-01-01T00:00:00+01:00",
    "after year 9999 in UTC": "9999-12-31T23:59:59-01:00",
    "a day that does not exist": "2026-02-30T00:00:00Z",
    "an underscore for the T": "2026-01-02_03:04:05Z",
    "an offset of a whole day": "2026-01-02T03:04:05+24:00",
    "Arabic digits": "٢٠٢٦-01-02T03:04:05Z",
    "a newline after it": "2026-01-02T03:04:05Z\n",
    "a boolean": True,
}

GOOD_INSTANTS = {
    "RFC 3339": "2026-01-02T03:04:05Z",
    "small letters": "2026-01-02t03:04:05z",
    "a blank for the T": "2026-01-02 03:04:05+00:00",
    "an offset": "2026-01-02T05:04:05+02:00",
    "an offset without a colon": "2026-01-02T05:04:05+0200",
    "nanoseconds": "2026-01-02T03:04:05.000000000Z",
}


@pytest.mark.parametrize(("value", "reason"), BAD_RECORDS.values(), ids=BAD_RECORDS)
def test_a_bad_record_is_refused_with_its_reason(value: bytes | None, reason: DeadLetterReason) -> None:
    assert refusal(value).reason is reason


def test_every_reason_that_the_codec_can_give_is_shown_above() -> None:
    shown = {reason for _, reason in BAD_RECORDS.values()}
    assert shown == set(DeadLetterReason) - {DeadLetterReason.MODEL_ERROR}


@pytest.mark.parametrize("instant", BAD_INSTANTS.values(), ids=BAD_INSTANTS)
def test_a_bad_created_at_is_an_invalid_field(instant: object) -> None:
    problem = refusal(review(created_at=instant))
    assert problem.reason is DeadLetterReason.INVALID_FIELD
    assert problem.detail.startswith("created_at: ")


@pytest.mark.parametrize("instant", GOOD_INSTANTS.values(), ids=GOOD_INSTANTS)
def test_created_at_is_read_in_what_libraries_write_for_iso_8601(instant: str) -> None:
    assert decode_review(review(created_at=instant)).created_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_created_at_is_kept_in_utc() -> None:
    created_at = decode_review(review(created_at="2026-01-02T00:30:00+01:00")).created_at
    assert created_at is not None
    assert created_at.isoformat() == "2026-01-01T23:30:00+00:00"


def test_the_detail_names_the_field() -> None:
    assert refusal(review(rating=6)).detail == "rating: Input should be less than or equal to 5"


def test_the_detail_names_a_nested_field() -> None:
    source = {"topic": "t", "partition": 0, "offset": -1}
    assert scored_refusal(scored(source=source)).detail.startswith("source.offset: ")


def test_the_detail_does_not_quote_a_field() -> None:
    assert len(refusal(review(review_id="x" * MEGABYTE)).detail) < 100


def test_the_detail_of_bad_utf8_tells_where() -> None:
    assert refusal(b'{"a": "\xff"}').detail == "byte 7: invalid start byte"


def test_the_detail_speaks_of_the_text_without_the_librarys_prefix() -> None:
    assert refusal(review_without("text")).detail == "text is required for an upsert"


def test_the_words_nan_and_infinity_are_fine_in_a_text() -> None:
    assert decode_review(review(text="NaN, Infinity")).text == "NaN, Infinity"


def test_a_surrogate_pair_is_one_character() -> None:
    assert decode_review(review_with_raw(b'"\\ud83d\\ude00"', name=b"text")).text == "\U0001f600"


def test_the_last_of_two_equal_keys_wins() -> None:
    assert decode_review(review_with_raw(b'"later"', name=b"text")).text == "later"


def test_a_huge_integer_is_fine_in_an_ignored_field() -> None:
    assert decode_review(review_with_raw(b"9" * 400)).review_id == "r-1"


def test_a_megabyte_is_fine_in_an_ignored_field() -> None:
    assert decode_review(review(ignored="x" * MEGABYTE)).review_id == "r-1"


def test_a_hundred_arrays_deep_is_fine_in_an_ignored_field() -> None:
    assert decode_review(review_with_raw(b"[" * 100 + b"]" * 100)).review_id == "r-1"


def test_the_longest_text_counts_characters_not_bytes() -> None:
    text = "\U0001f600" * MAX_TEXT_CHARACTERS
    assert decode_review(review(text=text)).text == text


def test_white_space_around_the_object_is_fine() -> None:
    assert decode_review(b" \n" + review() + b"\n").review_id == "r-1"


def test_a_delete_needs_no_text() -> None:
    assert decode_review(b'{"review_id": "r", "product_id": "p", "op": "delete"}').op is Op.DELETE


def test_a_scored_review_is_read() -> None:
    event = decode_scored(scored())
    assert event.sentiment is not None
    assert event.source.offset == 7


@pytest.mark.parametrize("name", ["created_at", "sentiment", "model", "source", "scored_at"])
def test_a_scored_review_without_a_part_is_missing_a_field(name: str) -> None:
    value = json.dumps({key: part for key, part in SCORED.items() if key != name}).encode()
    assert scored_refusal(value).reason is DeadLetterReason.MISSING_FIELD


def test_a_scored_upsert_without_a_sentiment_is_refused() -> None:
    assert scored_refusal(scored(sentiment=None)).reason is DeadLetterReason.INVALID_FIELD


def test_a_scored_delete_with_a_sentiment_is_refused() -> None:
    problem = scored_refusal(scored(op="delete", text=None))
    assert problem.reason is DeadLetterReason.INVALID_FIELD


def test_a_list_for_a_part_is_an_invalid_field() -> None:
    assert scored_refusal(scored(model=[])).reason is DeadLetterReason.INVALID_FIELD


@pytest.mark.parametrize("name", ["created_at", "scored_at"])
def test_a_scored_instant_that_utc_cannot_hold_is_refused(name: str) -> None:
    problem = scored_refusal(scored(**{name: "0001-01-01T00:00:00+01:00"}))
    assert problem.reason is DeadLetterReason.INVALID_FIELD


def test_an_offset_that_kafka_cannot_have_is_refused() -> None:
    problem = scored_refusal(scored(source={"topic": "t", "partition": 0, "offset": 2**63}))
    assert problem.reason is DeadLetterReason.INVALID_FIELD
