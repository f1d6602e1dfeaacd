"""A view in Redis written plainly from the fold, so that a test may falsify any of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from redis import Redis
from redis.client import Pipeline
from scored_events import START
from scored_topic import ScoredTopic

from consumers.aggregate.contribution import score_text
from consumers.aggregate.fold import Fold
from consumers.read.recount import Progress
from consumers.read.report import VerifyReport
from consumers.read.verify import verify
from schemas.events import ScoredReview
from schemas.redis_keys import (
    CLOCK,
    LABEL_RETENTION,
    RISK_FROM,
    UPDATED_AT,
    Counter,
    Ranking,
    ViewKeys,
    campaign_member,
    strong_negative_member,
)
from schemas.settings import ReaderSettings

DAY_RETENTION = 400
TODAY = START.date()


class StoredView:
    """Publishes events, folds them, and stores the whole fold."""

    def __init__(
        self,
        scored_topic: ScoredTopic,
        redis: Redis,
        settings: ReaderSettings | None = None,
        label_retention: int | None = None,
    ) -> None:
        self.scored_topic = scored_topic
        self.settings = settings or scored_topic.settings
        self.keys = ViewKeys(self.settings.redis_prefix)
        self.topic = scored_topic.name
        self.redis = redis
        self._label_retention = label_retention
        self._fold = Fold(label_retention=label_retention)

    def publish_and_apply(self, *events: ScoredReview, partition: int = 0) -> None:
        """Publish events in one transaction, count them in Redis, and claim all that is published."""
        self.apply(events, self.scored_topic.publish(*events, partition=partition), partition=partition)
        self.claim_all()

    def apply(
        self,
        events: Sequence[ScoredReview],
        offsets: Sequence[int],
        *,
        partition: int = 0,
        rank: bool = True,
    ) -> None:
        """Count events that stand at these offsets, at one instant."""
        for event, offset in zip(events, offsets, strict=True):
            self._fold.apply(event, self.topic, partition, offset)
        self._store(rank)

    def claim_all(self) -> None:
        """Say that everything published is applied."""
        self.claim(self.scored_topic.ends())

    def claim(self, offsets: Mapping[int, int]) -> None:
        """Say that everything below these offsets is applied."""
        self.redis.hset(
            self.keys.offsets(self.topic), mapping={str(part): end for part, end in offsets.items()}
        )
        if self._label_retention is not None:
            self.redis.hset(self.keys.offsets(self.topic), LABEL_RETENTION, self._label_retention)

    def verify(
        self,
        *,
        today: date = TODAY,
        pause: Callable[[float], object] = lambda _seconds: None,
        progress: Progress = lambda _done, _total: None,
        state: Path | None = None,
    ) -> VerifyReport:
        """Compare the view with the topic; pauses take no time."""
        return verify(
            self.settings,
            self.redis,
            day_retention=DAY_RETENTION,
            today=lambda: today,
            pause=pause,
            progress=progress,
            state=state,
        )

    def _store(self, rank: bool) -> None:
        keys, pipeline = self.keys, self.redis.pipeline()
        for place, counters in self._fold.counts.items():
            product_id, channel, _, *campaigns = place
            fields = {str(counter): str(value) for counter, value in counters.items()}
            fields[Counter.SCORE_SUM] = score_text(counters[Counter.SCORE_SUM])
            fields[UPDATED_AT] = self._fold.updated_at[place]
            pipeline.hset(keys.counts(*place), mapping=fields)
            for campaign_id in campaigns:
                pipeline.zadd(keys.campaigns, {campaign_id: 0})
                pipeline.zadd(keys.campaign(campaign_id), {campaign_member(channel, product_id): 0})
        self._store_customers(pipeline)
        for product_id, labels in self._fold.labels.items():
            pipeline.delete(keys.labels(product_id))
            for review_id, label in labels.items():
                pipeline.hset(keys.labels(product_id), review_id, label.encode())
        for product_id, applied in self._fold.applied.items():
            pipeline.hset(keys.applied(product_id), mapping=applied)
        for product_id, clock in self._fold.clocks.items():
            pipeline.hset(keys.applied(product_id), CLOCK, clock)
        for ranking in Ranking:
            if rank and (values := self._fold.ranking(ranking)):
                pipeline.zadd(keys.ranking(ranking), values)
        pipeline.execute()

    def _store_customers(self, pipeline: Pipeline) -> None:
        keys = self.keys
        for customer, reviews in self._fold.customers.items():
            pipeline.delete(keys.customer(customer))
            pipeline.zrem(keys.customers, customer)
            if reviews:
                days = {strong_negative_member(*review): day for review, day in reviews.items()}
                pipeline.zadd(keys.customer(customer), days)
                if len(days) >= RISK_FROM:
                    pipeline.zadd(keys.customers, {customer: max(days.values())})


@dataclass(frozen=True)
class Falsehood:
    """Something done to a right view, and the one difference that must be found."""

    name: str
    do: Callable[[Redis, ViewKeys], object]
    key: Callable[[ViewKeys], str]
    field: str
    expected: str | None
    found: str | None
