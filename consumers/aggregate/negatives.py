"""Entries of the lists of latest strong negatives and uncertain reviews, which customer service reads."""

import json

from schemas.events import Channel, Intensity, Label, ScoredReview

QUEUE_CHANNELS = frozenset({Channel.REVIEW, Channel.SUPPORT, Channel.SOCIAL})
"""Where customers can be answered."""

EXCERPT_CHARACTERS = 1000
"""The whole text stands in ``reviews.scored``; this bounds what a list of hostile reviews can take in Redis."""


def list_entry(
    scored: ScoredReview, topic: str, partition: int, offset: int, *, uncertain: bool = False
) -> str | None:
    """A strong negative as JSON, or, if they are wanted, an uncertain review; ``None`` for any other event."""
    sentiment = scored.sentiment
    listed = is_strong_negative(scored) or (uncertain and is_uncertain(scored))
    if sentiment is None or not listed:
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


def is_strong_negative(scored: ScoredReview) -> bool:
    """Whether it belongs to the list of strong negatives."""
    sentiment = scored.sentiment
    return sentiment is not None and (sentiment.label, sentiment.intensity) == (
        Label.NEGATIVE,
        Intensity.STRONG,
    )


def is_uncertain(scored: ScoredReview) -> bool:
    """Whether it belongs to the list of uncertain reviews, which no strong negative is in."""
    sentiment = scored.sentiment
    return (
        sentiment is not None
        and sentiment.needs_review
        and scored.channel in QUEUE_CHANNELS
        and not is_strong_negative(scored)
    )
