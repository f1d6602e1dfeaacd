from datetime import UTC, datetime, timedelta, timezone

import pytest
from event_strategies import instants, review_events, sentiments
from hypothesis import given
from pydantic import ValidationError

from schemas.codec import decode_scored
from schemas.events import ModelReference, Op, ReviewEvent, ScoredReview, Sentiment, SourceRecord

MODEL = ModelReference(name="m", version="0123456789ab")
SOURCE = SourceRecord(topic="reviews.raw", partition=1, offset=2)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def scored(
    event: ReviewEvent, sentiment: Sentiment | None = None, record_time: datetime = NOW
) -> ScoredReview:
    return ScoredReview.of(
        event, sentiment=sentiment, model=MODEL, source=SOURCE, record_time=record_time, scored_at=NOW
    )


def delete(created_at: datetime | None = None) -> ReviewEvent:
    return ReviewEvent(review_id="r", product_id="p", op=Op.DELETE, created_at=created_at)


@given(event=review_events(), sentiment=sentiments, record_time=instants)
def test_what_is_joined_without_validation_is_valid(
    event: ReviewEvent, sentiment: Sentiment, record_time: datetime
) -> None:
    joined = scored(event, sentiment if event.op is Op.UPSERT else None, record_time)
    assert decode_scored(joined.to_json()) == joined


def test_the_records_time_stands_in_for_a_missing_created_at() -> None:
    assert scored(delete()).created_at == NOW


def test_a_given_created_at_wins_over_the_records_time() -> None:
    earlier = NOW - timedelta(days=1)
    assert scored(delete(created_at=earlier)).created_at == earlier


def test_created_at_is_published_in_utc() -> None:
    local = datetime(2026, 1, 2, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert b'"created_at":"2026-01-01T23:30:00Z"' in scored(delete(created_at=local)).to_json()


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        delete().review_id = "other"  # type: ignore[misc]
