"""Entries of the list of latest strong negatives, which customer service reads."""

import json

from schemas.events import Intensity, Label, ScoredReview

EXCERPT_CHARACTERS = 1000
"""The whole text stands in ``reviews.scored``; this bounds what a list of hostile reviews can take in Redis."""


def negative_entry(scored: ScoredReview, topic: str, partition: int, offset: int) -> str | None:
    """A strong negative as JSON, or ``None`` for any other event."""
    sentiment = scored.sentiment
    if sentiment is None or (sentiment.label, sentiment.intensity) != (Label.NEGATIVE, Intensity.STRONG):
        return None
    return json.dumps(
        {
            "review_id": scored.review_id,
            "channel": scored.channel,
            "text": (scored.text or "")[:EXCERPT_CHARACTERS],
            "score": sentiment.score,
            "intensity_score": sentiment.intensity_score,
            "rating": scored.rating,
            "language": scored.language,
            "created_at": scored.created_at.isoformat(),
            "scored_at": scored.scored_at.isoformat(),
            "source": {"topic": topic, "partition": partition, "offset": offset},
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )
