"""A slow model or Redis pauses the intake: what is taken from Kafka and not yet done is bounded, however much waits there."""

from collections.abc import Iterator
from typing import Any

import pytest
from fake_engine import FakeEngine
from jobs import run_aggregator, run_scorer
from kafka import KafkaConsumer
from labelled import ScoredTopic, stream
from raw_topics import Topics
from recounted import assert_equal, wait_until_caught_up
from redis import Redis
from waiting import eventually, let_pass

from embedded import KafkaCluster, ValkeyServer

BACKLOG = 300
BATCH = 10
A_WHILE_S = 2.0


class Taken:
    """Makes consumers, and counts the records that their polls hand out."""

    def __init__(self) -> None:
        self.records = 0

    def consumer(self, **settings: Any) -> KafkaConsumer:
        taken = self

        class Counting(KafkaConsumer):  # type: ignore[misc] -- the client has no types
            def poll(self, *args: Any, **options: Any) -> Any:
                polled = super().poll(*args, **options)
                taken.records += sum(map(len, polled.values()))
                return polled

        return Counting(**settings)


@pytest.fixture
def taken() -> Taken:
    return Taken()


@pytest.fixture
def own_redis() -> Iterator[ValkeyServer]:
    """One that may be suspended."""
    with ValkeyServer() as server:
        yield server


def test_a_scorer_takes_one_batch_and_no_more_while_its_model_is_busy(topics: Topics, taken: Taken) -> None:
    engine = FakeEngine()
    engine.hold()
    topics.publish_reviews(BACKLOG, partitions=3)

    with run_scorer(topics.settings(batch_size=BATCH), engine, make_consumer=taken.consumer):
        eventually(lambda: engine.batches)
        let_pass(A_WHILE_S)
        assert taken.records == BATCH

        engine.release()
        topics.outcomes.until(BACKLOG)


def test_an_aggregator_takes_one_batch_and_no_more_while_redis_hangs(
    kafka: KafkaCluster, own_redis: ValkeyServer, topic_prefix: str, taken: Taken
) -> None:
    with (
        ScoredTopic(kafka.bootstrap_servers, topic_prefix, 2, own_redis.url) as scored,
        Redis.from_url(own_redis.url, decode_responses=True) as redis,
        run_aggregator(scored.settings(apply_batch_size=BATCH), make_consumer=taken.consumer),
    ):
        scored.publish(*stream(2))
        wait_until_caught_up(scored, redis)
        own_redis.suspend()
        before = taken.records
        scored.publish(*stream(BACKLOG))

        let_pass(A_WHILE_S)
        assert taken.records - before <= BATCH

        own_redis.resume()
        assert_equal(scored, redis)
        assert taken.records - before >= BACKLOG
