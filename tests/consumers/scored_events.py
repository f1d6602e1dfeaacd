"""Labelled reviews for tests, each argument optional."""

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.events import (
    Channel,
    Intensity,
    Label,
    ModelReference,
    Op,
    ScoredReview,
    Sentiment,
    SourceRecord,
)

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
MODEL = ModelReference(name="test", version="0123456789ab")


def scored(
    review_id: str = "r1",
    product_id: str = "p1",
    *,
    label: Label = Label.POSITIVE,
    intensity: Intensity = Intensity.STRONG,
    score: float = 0.9,
    needs_review: bool = False,
    channel: Channel = Channel.REVIEW,
    created_at: datetime = START,
    minute: int = 0,
    **fields: Any,
) -> ScoredReview:
    """An upsert, scored ``minute`` minutes after ``START``."""
    return ScoredReview(
        review_id=review_id,
        product_id=product_id,
        channel=channel,
        created_at=created_at,
        sentiment=Sentiment(
            label=label,
            score=score,
            intensity=intensity,
            intensity_score=0.8,
            confidence=max(score, 1 - score),
            needs_review=needs_review,
        ),
        model=MODEL,
        source=SourceRecord(topic="reviews.raw", partition=0, offset=0),
        scored_at=START + timedelta(minutes=minute),
        **{"text": "A fine kettle.", **fields},
    )


def deleted(review_id: str = "r1", product_id: str = "p1", *, minute: int = 0) -> ScoredReview:
    """A delete, scored ``minute`` minutes after ``START``."""
    return ScoredReview(
        review_id=review_id,
        product_id=product_id,
        op=Op.DELETE,
        created_at=START,
        sentiment=None,
        model=MODEL,
        source=SourceRecord(topic="reviews.raw", partition=0, offset=0),
        scored_at=START + timedelta(minutes=minute),
    )


HISTORY = [
    scored("r1", "p1", score=0.934512, minute=1),
    scored("r2", "p1", label=Label.NEGATIVE, score=0.1, created_at=START - timedelta(days=1), minute=2),
    scored("r3", "p1", channel=Channel.SUPPORT, needs_review=True, score=0.55, minute=3),
    scored("r4", "p2", intensity=Intensity.WEAK, minute=4),
    scored("r5", "p2", minute=5),
    deleted("r5", "p2", minute=6),
    scored("r1", "p1", label=Label.NEGATIVE, intensity=Intensity.WEAK, score=0.3, minute=7),
    deleted("unknown", "p3", minute=8),
]
"""Corrections, deletes, channels, days and strengths of three products, for one partition."""
