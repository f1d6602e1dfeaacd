from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatchBuilder

from schemas.dead_letters import MAX_DETAIL_CHARACTERS, DeadLetter, DeadLetterReason, Origin, RedriveMarker
from schemas.topics import DEAD_LETTER_MAX_BYTES

LETTER = DeadLetter(
    reason=DeadLetterReason.INVALID_JSON,
    detail="Extra data: line 1 column 3 (char 2)",
    source_topic="reviews.raw",
    source_partition=3,
    source_offset=41,
    source_timestamp_ms=1_767_323_045_000,
    failed_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
)
KAFKA_MAX_RECORD_BYTES = 1_048_588
"""Kafka's default ``message.max.bytes``: the largest record that a raw topic takes."""

any_text = st.text(st.characters(exclude_categories=()))
"""Half surrogate pairs too, which no UTF-8 can spell."""

letters = st.builds(
    DeadLetter,
    reason=st.sampled_from(DeadLetterReason),
    detail=st.text(max_size=MAX_DETAIL_CHARACTERS),
    source_topic=st.text(),
    source_partition=st.integers(0, 2**31 - 1),
    source_offset=st.integers(0, 2**63 - 1),
    source_timestamp_ms=st.integers(-1, 2**63 - 1),
    failed_at=st.datetimes(timezones=st.just(UTC)).map(lambda instant: instant.replace(microsecond=0)),
)


def detail_of(letter: DeadLetter) -> str:
    return dict(letter.headers())["dlq.detail"].decode()


@given(letters)
def test_a_dead_letter_survives_the_trip_through_its_headers(letter: DeadLetter) -> None:
    assert DeadLetter.from_headers(letter.headers()) == letter


@given(any_text)
def test_any_detail_becomes_valid_utf8(detail: str) -> None:
    assert len(detail_of(replace(LETTER, detail=detail))) == len(detail)


@given(st.text())
def test_a_detail_that_fits_is_kept_whole(detail: str) -> None:
    assert detail_of(replace(LETTER, detail=detail)) == detail


def test_a_long_detail_is_cut_between_characters() -> None:
    letter = replace(LETTER, detail="\U0001f600" * 1_000_000)
    assert detail_of(letter) == "\U0001f600" * MAX_DETAIL_CHARACTERS


def test_the_time_of_failure_is_written_in_utc() -> None:
    local = datetime(2026, 1, 2, 4, 4, 5, tzinfo=timezone(timedelta(hours=1)))
    headers = dict(replace(LETTER, failed_at=local).headers())
    assert headers["dlq.failed_at"] == b"2026-01-02T03:04:05.000+00:00"


def test_headers_of_others_are_ignored() -> None:
    others = [("traceparent", b"\xff"), ("content-type", b"application/json")]
    assert DeadLetter.from_headers([*others, *LETTER.headers()]) == LETTER


def test_our_headers_win_over_equal_ones_that_the_source_record_brought() -> None:
    brought = replace(LETTER, reason=DeadLetterReason.MODEL_ERROR, source_offset=1).headers()
    assert DeadLetter.from_headers([*brought, *LETTER.headers()]) == LETTER


@pytest.mark.parametrize("missing", [name for name, _ in LETTER.headers()])
def test_a_missing_header_is_named(missing: str) -> None:
    headers = [header for header in LETTER.headers() if header[0] != missing]
    with pytest.raises(ValueError, match=missing):
        DeadLetter.from_headers(headers)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dlq.reason", b"bad_weather"),
        ("dlq.detail", b"\xff"),
        ("dlq.source.partition", b"three"),
        ("dlq.source.offset", b""),
        ("dlq.failed_at", b"yesterday"),
    ],
)
def test_a_header_that_does_not_parse_is_a_value_error(name: str, value: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- whatever the parser says
        DeadLetter.from_headers([*LETTER.headers(), (name, value)])


def test_the_largest_record_and_its_headers_fit_the_dead_letter_topic() -> None:
    worst = DeadLetter(
        reason=max(DeadLetterReason, key=len),
        detail="\U0001f600" * MAX_DETAIL_CHARACTERS,
        source_topic="t" * 249,
        source_partition=2**31 - 1,
        source_offset=2**63 - 1,
        source_timestamp_ms=2**63 - 1,
        failed_at=LETTER.failed_at,
    )
    size = DefaultRecordBatchBuilder.estimate_size_in_bytes(
        key=b"", value=b"x" * KAFKA_MAX_RECORD_BYTES, headers=worst.headers()
    )
    assert size <= DEAD_LETTER_MAX_BYTES


@pytest.mark.parametrize("reason", DeadLetterReason)
def test_a_reason_is_a_code_that_programs_can_match(reason: DeadLetterReason) -> None:
    assert reason.value == reason.name.lower()


MARKER = RedriveMarker(
    letter_offset=17,
    topic="reviews.raw",
    partition=3,
    offset=99,
    redriven_at=datetime(2026, 1, 3, tzinfo=UTC),
)


def test_a_marker_survives_the_trip_through_its_headers() -> None:
    assert RedriveMarker.from_headers(MARKER.headers()) == MARKER


def test_a_dead_letter_is_no_marker_and_a_marker_is_no_dead_letter() -> None:
    assert RedriveMarker.from_headers(LETTER.headers()) is None
    with pytest.raises(ValueError, match=r"dlq\."):
        DeadLetter.from_headers(MARKER.headers())


@pytest.mark.parametrize("missing", [name for name, _ in MARKER.headers() if name != "dlq.redriven.letter"])
def test_a_missing_header_of_a_marker_is_named(missing: str) -> None:
    headers = [header for header in MARKER.headers() if header[0] != missing]
    with pytest.raises(ValueError, match=missing):
        RedriveMarker.from_headers(headers)


def test_a_copy_bears_the_headers_that_say_what_it_repeats() -> None:
    assert Origin.from_headers(LETTER.origin.headers()) == Origin("reviews.raw", 3, 41, 1_767_323_045_000)
    assert set(LETTER.origin.headers()) < set(LETTER.headers())


def test_a_time_without_an_offset_is_refused() -> None:
    headers = [*LETTER.headers(), ("dlq.failed_at", b"2026-01-02T03:04:05")]
    with pytest.raises(ValueError, match="without an offset"):
        DeadLetter.from_headers(headers)


def test_a_header_without_a_value_counts_as_missing() -> None:
    with pytest.raises(ValueError, match=r"dlq\.reason"):
        DeadLetter.from_headers([*LETTER.headers()[1:], ("dlq.reason", None)])
