"""Lag as any tool shows it, the end of the log less what the group has committed, is 0 once a topic is idle."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fake_engine import FakeEngine
from jobs import run_aggregator, run_scorer
from kafka import KafkaProducer
from labelled import ScoredTopic, stream
from raw_topics import Raw, Topics, lag, review
from waiting import eventually

from consumers.score import IDLE_POLL_S
from embedded import KafkaCluster
from schemas.settings import Delivery

PARTITIONS = 3


@contextmanager
def transactions(topics: Topics) -> Iterator[KafkaProducer]:
    """A shop that publishes in transactions, as one with an outbox does."""
    with KafkaProducer(
        bootstrap_servers=topics.servers, transactional_id=f"{topics.group}.shop", retry_backoff_ms=1
    ) as producer:
        producer.init_transactions()
        yield producer


def transact(producer: KafkaProducer, topic: str, *partitions: int, commit: bool = True) -> None:
    """One review to each of these partitions, in one transaction."""
    producer.begin_transaction()
    for number in partitions:
        producer.send(topic, review(f"r{number}"), b"key", partition=number)
    producer.flush()
    (producer.commit_transaction if commit else producer.abort_transaction)()


@pytest.mark.parametrize("delivery", Delivery)
def test_the_scorers_lag_is_nothing_although_the_raw_topic_ends_with_markers(
    topics: Topics, delivery: Delivery
) -> None:
    with transactions(topics) as shop, run_scorer(topics.settings(delivery=delivery)):
        transact(shop, topics.raw, 0, 1)
        topics.outcomes.until(2)
        transact(shop, topics.raw, 1, 2, commit=False)

        eventually(lambda: lag(topics.servers, topics.group, topics.raw) == 0)

    assert len(topics.outcomes.all()) == 2


def test_an_idle_partitions_lag_is_nothing_while_another_is_busy(topics: Topics) -> None:
    with transactions(topics) as shop, run_scorer(topics.settings()):
        transact(shop, topics.raw, 0)

        def idle_partition_is_settled() -> bool:
            topics.publish(Raw(review("busy"), partition=1))
            return topics.committed().get(0) == 2

        eventually(idle_partition_is_settled)


def test_what_waits_in_a_batch_is_not_committed(topics: Topics) -> None:
    with run_scorer(topics.settings(batch_deadline=60)) as scorer:
        topics.publish(Raw(review("waits")))
        eventually(lambda: scorer.worker._batcher.room < 128)
        two_idle_turns = 2 * IDLE_POLL_S
        eventually(lambda: scorer.worker._clock() > scorer.worker._next_settling + two_idle_turns)

        assert topics.committed().get(0, 0) == 0


def test_the_aggregators_lag_is_nothing_although_the_scored_topic_ends_with_markers(
    kafka: KafkaCluster, redis_url: str, topic_prefix: str
) -> None:
    with (
        ScoredTopic(kafka.bootstrap_servers, topic_prefix, PARTITIONS, redis_url) as scored,
        run_aggregator(scored.settings()),
    ):
        scored.publish(*stream(30))
        scored.publish_bytes((0, b"never committed"), commit=False)

        eventually(lambda: lag(scored.servers, scored.group, scored.name) == 0)


def test_a_lone_review_does_not_wait_for_others_to_fill_its_batch(topics: Topics) -> None:
    engine = FakeEngine()
    with run_scorer(topics.settings(batch_deadline=0.5), engine):
        topics.publish(Raw(review("lone")))

        topics.outcomes.until(1)

    assert engine.batches == [1]
