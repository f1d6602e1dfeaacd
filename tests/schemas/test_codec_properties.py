import json
from contextlib import suppress
from typing import Any

from event_strategies import json_values, review_events, scored_reviews
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import decode_review, decode_scored
from schemas.errors import InvalidEvent
from schemas.events import ReviewEvent, ScoredReview

FIELDS = sorted(ScoredReview.model_fields)


def decode_both(value: bytes) -> None:
    """Whatever the bytes are, decoding ends in an event or in ``InvalidEvent``, and raises nothing else."""
    for decode in (decode_review, decode_scored):
        with suppress(InvalidEvent):
            decode(value)


@given(st.binary())
def test_any_bytes_are_an_event_or_an_invalid_event(value: bytes) -> None:
    decode_both(value)


@given(event=review_events() | scored_reviews(), noise=st.binary(max_size=8), data=st.data())
def test_an_event_overwritten_with_noise_is_an_event_or_an_invalid_event(
    event: ReviewEvent | ScoredReview, noise: bytes, data: st.DataObject
) -> None:
    value = event.to_json()
    start = data.draw(st.integers(0, len(value)))
    end = data.draw(st.integers(start, len(value)))
    decode_both(value[:start] + noise + value[end:])


@given(json_values)
def test_any_json_is_an_event_or_an_invalid_event(value: Any) -> None:
    decode_both(json.dumps(value).encode())


@given(st.dictionaries(st.sampled_from(FIELDS), json_values))
def test_any_json_in_our_fields_is_an_event_or_an_invalid_event(value: dict[str, Any]) -> None:
    decode_both(json.dumps(value).encode())


@given(review_events())
def test_a_review_survives_the_trip_through_json(event: ReviewEvent) -> None:
    assert decode_review(event.to_json()) == event


@given(scored_reviews())
def test_a_scored_review_survives_the_trip_through_json(event: ScoredReview) -> None:
    assert decode_scored(event.to_json()) == event


@given(scored_reviews())
def test_a_scored_review_is_a_review_too(event: ScoredReview) -> None:
    assert decode_review(event.to_json()).review_id == event.review_id


@given(event=review_events(), extra=st.dictionaries(st.text(), json_values))
def test_unknown_fields_change_nothing(event: ReviewEvent, extra: dict[str, Any]) -> None:
    value = {**extra, **json.loads(event.to_json())}
    assert decode_review(json.dumps(value).encode()) == event


@given(event=review_events(), ascii_only=st.booleans(), indent=st.none() | st.integers(0, 4))
def test_how_the_json_is_spelled_changes_nothing(
    event: ReviewEvent, ascii_only: bool, indent: int | None
) -> None:
    value = json.dumps(json.loads(event.to_json()), ensure_ascii=ascii_only, indent=indent)
    assert decode_review(value.encode()) == event
