"""Labelled reviews as the scorer publishes them, for the aggregator: what tests draw, and a topic of them."""

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from fake_engine import FakeEngine, sentiment_of
from hypothesis import strategies as st
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from waiting import eventually

from console.topics import create_topics
from schemas.events import Channel, Intensity, Label, Op, ReviewEvent, ScoredReview, SourceRecord
from schemas.labels import JudgedReview, LabelOp, ReviewLabel
from schemas.settings import AggregatorSettings, TopicSettings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def labelled(
    review_id: str = "r1",
    product_id: str = "kettle",
    text: str | None = "It boils.",
    *,
    channel: Channel = Channel.REVIEW,
    created_at: datetime = NOW,
    minute: int = 0,
    campaign_id: str | None = None,
    customer: str | None = None,
) -> ScoredReview:
    """A review, scored ``minute`` minutes after ``NOW``; without a text it is a delete."""
    event = ReviewEvent(
        review_id=review_id,
        product_id=product_id,
        op=Op.DELETE if text is None else Op.UPSERT,
        channel=channel,
        text=text,
        created_at=created_at,
        campaign_id=campaign_id,
    )
    return ScoredReview.of(
        event,
        sentiment=None if text is None else sentiment_of(text),
        model=FakeEngine.model,
        source=SourceRecord(topic="reviews.raw", partition=0, offset=0),
        record_time=NOW,
        scored_at=NOW + timedelta(minutes=minute),
        customer_hash=customer,
    )


def judged(
    scored: ScoredReview,
    meaning: tuple[Label, Intensity] | None = (Label.POSITIVE, Intensity.WEAK),
    *,
    offset: int = 0,
) -> ReviewLabel:
    """What a person says of a review as it was scored; None withdraws it."""
    assert scored.sentiment is not None
    label, intensity = meaning or (None, None)
    return ReviewLabel(
        review_id=scored.review_id,
        product_id=scored.product_id,
        op=LabelOp.LABEL if meaning else LabelOp.WITHDRAW,
        label=label,
        intensity=intensity,
        reason="It says so.",
        labelled_by="anna",
        labelled_at=NOW,
        scored=JudgedReview(
            topic="reviews.scored",
            partition=0,
            offset=offset,
            channel=scored.channel,
            created_at=scored.created_at,
            label=scored.sentiment.label,
            intensity=scored.sentiment.intensity,
            score=scored.sentiment.score,
            needs_review=scored.sentiment.needs_review,
        ),
    )


def stream(count: int, start: int = 0) -> list[ScoredReview]:
    """Reviews of ten products; each third is corrected and each fifth deleted some events later."""
    events = []
    for number in range(start, start + count):
        subject = number - number % 3
        text = None if number % 5 == 0 and number % 3 else f"word {number * 7919 % 1009}"
        events.append(labelled(f"r{subject}", f"product-{subject % 10}", text, minute=number))
    return events


# Ids that are awkward in keys, globs, Lua patterns and JSON.
review_ids = st.sampled_from(["r1", "r2", "r3", '"\\u0000"', "\x00", "ä:b", "%d"])
product_ids = st.sampled_from(["kettle", "pan", "{p}:labels", "a}b", "*?[x]", "%s|\n", "ünï"])
campaign_ids = st.none() | st.sampled_from(
    ["summer", "{{campaign.id}}", "a}:labels", "#~@ü%:day:2026-01-01", "\x00"]
)
customers = st.none() | st.sampled_from(["0" * 32, "f" * 32])
days = st.one_of(
    st.integers(-40, 40).map(lambda hours: NOW + timedelta(hours=hours)),
    st.sampled_from([datetime(1, 1, 1, tzinfo=UTC), datetime(1969, 12, 31, tzinfo=UTC)]),
    st.sampled_from([datetime(2024, 2, 29, 23, 59, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)]),
    st.sampled_from(
        [datetime.now(UTC), datetime.now(UTC) - timedelta(days=1)]
    ),  # what is late is not kept of a customer
)
events = st.builds(
    labelled,
    review_ids,
    product_ids,
    st.one_of(st.none(), st.integers(0, 99).map(lambda number: f"text {number}\t\u2028")),
    channel=st.sampled_from(Channel),
    created_at=days,
    minute=st.integers(0, 1000),
    campaign_id=campaign_ids,
    customer=customers,
)


class ScoredTopic:
    """A scored topic that no other test uses, written in transactions; a product stays in its partition."""

    def __init__(self, servers: str, prefix: str, partitions: int, redis_url: str) -> None:
        self.servers = servers
        self._partitions = partitions
        self.names: dict[str, Any] = {
            f"{role}_topic": f"{prefix}{role}" for role in ("raw", "scored", "dead_letter", "labels")
        }
        self.name = self.names["scored_topic"]
        self.group = f"{self.name}.group"
        self.redis_url = redis_url
        self.prefix = f"{prefix.rstrip('.')}:"
        create_topics(TopicSettings(bootstrap_servers=servers, partitions=partitions, **self.names))
        self._producer = KafkaProducer(
            bootstrap_servers=servers, transactional_id=self.name, retry_backoff_ms=1
        )
        self._producer.init_transactions()

    def settings(self, **fields: Any) -> AggregatorSettings:
        """An aggregator's settings for this topic, impatient as tests are."""
        return AggregatorSettings(**{**self.environment(), **fields})

    def environment(self, **fields: str) -> dict[str, Any]:
        """The same for a process."""
        return {
            "bootstrap_servers": self.servers,
            "redis_url": self.redis_url,
            "redis_prefix": self.prefix,
            "aggregator_group": self.group,
            "session_timeout": "6",
            "outage_deadline": "60",
            **self.names,
            **fields,
        }

    def publish(self, *published: ScoredReview) -> None:
        """Commit events in one transaction."""
        self.publish_bytes(*((hash_of(event.product_id), event.to_json()) for event in published))

    def publish_bytes(self, *values: tuple[int, bytes], commit: bool = True) -> None:
        """Records of whatever content, each with a number that chooses its partition."""
        self._producer.begin_transaction()
        sends = [
            self._producer.send(self.name, value, b"key", partition=number % self._partitions)
            for number, value in values
        ]
        for sent in sends:
            sent.get(timeout=60)
        (self._producer.commit_transaction if commit else self._producer.abort_transaction)()

    def ends(self) -> dict[int, int]:
        """The offset after the last record or marker of each partition, once its transaction has ended."""
        places = [TopicPartition(self.name, number) for number in range(self._partitions)]
        with (
            closing(KafkaConsumer(bootstrap_servers=self.servers)) as any_records,
            closing(
                KafkaConsumer(bootstrap_servers=self.servers, isolation_level="read_committed")
            ) as committed,
        ):
            ends = eventually(
                lambda: (end := any_records.end_offsets(places)) == committed.end_offsets(places) and end
            )
        return {place.partition: end for place, end in ends.items()}

    def close(self) -> None:
        self._producer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def hash_of(product_id: str) -> int:
    """The same number in every run."""
    return sum(product_id.encode())


def chunks(published: Sequence[ScoredReview], size: int) -> list[Sequence[ScoredReview]]:
    """Transactions of so many events."""
    return [published[start : start + size] for start in range(0, len(published), size)]
