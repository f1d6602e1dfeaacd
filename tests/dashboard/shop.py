"""A shop whose reviews are counted by the aggregator's own code, into a Valkey."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from redis import Redis

from consumers.aggregate.relabel import PositionedLabel
from consumers.aggregate.view import PositionedEvent, RedisView
from schemas.errors import ServerUnavailable
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
from schemas.labels import ReviewLabel
from schemas.redis_keys import ViewKeys

NOW = datetime(2026, 3, 28, 12, tzinfo=UTC)
TOPIC = "reviews.scored"
LABELS = "reviews.labels"


def written(
    product_id: str,
    positive: bool = True,
    *,
    strong: bool = True,
    days_ago: float = 0,
    channel: Channel = Channel.REVIEW,
    uncertain: bool = False,
    review_id: str | None = None,
    **fields: Any,
) -> ScoredReview:
    """A labelled review; its id is new unless one is given."""
    written.number += 1  # type: ignore[attr-defined] -- ids that never come twice
    score = 0.9 if positive else 0.1
    created_at = NOW - timedelta(days=days_ago)
    return ScoredReview(
        review_id=review_id or f"r{written.number}",  # type: ignore[attr-defined]
        product_id=product_id,
        channel=channel,
        created_at=created_at,
        sentiment=Sentiment(
            label=Label.POSITIVE if positive else Label.NEGATIVE,
            score=score,
            intensity=Intensity.STRONG if strong else Intensity.WEAK,
            intensity_score=0.8,
            confidence=0.9,
            needs_review=uncertain,
        ),
        model=ModelReference(name="test", version="0123456789ab"),
        source=SourceRecord(topic="reviews.raw", partition=0, offset=0),
        scored_at=NOW,
        **{"text": "A kettle.", **fields},
    )


written.number = 0  # type: ignore[attr-defined]


def taken_back(product_id: str, review_id: str) -> ScoredReview:
    """A delete."""
    return ScoredReview(
        review_id=review_id,
        product_id=product_id,
        op=Op.DELETE,
        created_at=NOW,
        sentiment=None,
        model=ModelReference(name="test", version="0123456789ab"),
        source=SourceRecord(topic="reviews.raw", partition=0, offset=0),
        scored_at=NOW,
    )


class Shop:
    """Counts what is written, as an aggregator that reads one partition does; ``kept`` entries stand in each list."""

    def __init__(self, redis: Redis, prefix: str, kept: int = 100) -> None:
        self.redis = redis
        self.keys = ViewKeys(prefix)
        self._view = RedisView(
            redis,
            self.keys,
            day_retention=400,
            negatives_kept=kept,
            uncertain_kept=kept,
            customer_retention=10_000,  # Redis has a clock of its own
        )
        self._offsets = {TOPIC: 0, LABELS: 0}
        for topic in self._offsets:
            self._view.advance(topic, {0: (None, 0)})

    def count(self, events: Sequence[ScoredReview]) -> None:
        """Apply them, and store the offset after them."""
        start = self._offsets[TOPIC]
        self._apply(TOPIC, [PositionedEvent(0, start + number, event) for number, event in enumerate(events)])

    def say(self, event: ReviewLabel) -> None:
        """Count what a person says."""
        self._apply(LABELS, [PositionedLabel(0, self._offsets[LABELS], event)])

    def _apply(self, topic: str, placed: Sequence[PositionedEvent | PositionedLabel]) -> None:
        start, end = self._offsets[topic], self._offsets[topic] + len(placed)
        assert self._view.apply(topic, placed, {0: start}) == set()
        assert self._view.advance(topic, {0: (start, end)}) == set()
        self._offsets[topic] = end


class LabelLogOfTheShop:
    """Stands for the topic of labels and the aggregator that reads it: what is published is counted at once."""

    def __init__(self, shop: Shop) -> None:
        self.trouble: str | None = None
        self.away = False
        self.events: list[ReviewLabel] = []
        self._shop = shop

    def publish(self, event: ReviewLabel) -> None:
        if self.away:
            raise ServerUnavailable("no broker answers")
        self.events.append(event)
        self._shop.say(event)

    def history(self, product_id: str, review_id: str | None = None) -> list[ReviewLabel]:
        return [
            event
            for event in reversed(self.events)
            if event.product_id == product_id and review_id in (None, event.review_id)
        ]
