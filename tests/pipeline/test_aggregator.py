"""The aggregator on a real Kafka and a real Valkey, as a thread of the test."""

from collections.abc import Iterator

import pytest
from jobs import run_aggregator
from labelled import ScoredTopic, chunks, labelled, stream
from raw_topics import Watch
from recounted import assert_equal, wait_until_caught_up
from redis import Redis
from waiting import eventually

from embedded import KafkaCluster
from schemas.dead_letters import DeadLetter, DeadLetterReason
from schemas.errors import ViewMismatch
from schemas.redis_keys import ViewKeys

PARTITIONS = 3
EVENTS = 600


@pytest.fixture
def scored(kafka: KafkaCluster, redis_url: str, topic_prefix: str) -> Iterator[ScoredTopic]:
    with ScoredTopic(kafka.bootstrap_servers, topic_prefix, PARTITIONS, redis_url) as topic:
        yield topic


def test_the_counts_equal_a_recount(scored: ScoredTopic, redis: Redis) -> None:
    scored.publish(*stream(EVENTS))

    with run_aggregator(scored.settings()) as running:
        assert_equal(scored, redis)

    assert running.worker.counts.applied == EVENTS


def test_an_idle_topic_has_no_lag_although_it_ends_with_a_marker(scored: ScoredTopic, redis: Redis) -> None:
    with run_aggregator(scored.settings()):
        scored.publish(*stream(30))
        wait_until_caught_up(scored, redis)
        scored.publish_bytes((0, b"never committed"), commit=False)

        wait_until_caught_up(scored, redis)


def test_a_record_that_is_no_labelled_review_is_refused_and_its_neighbours_counted(
    scored: ScoredTopic, redis: Redis
) -> None:
    good = labelled().to_json()
    scored.publish_bytes((0, b"{}"), (0, good), (0, b"\xff"), (0, labelled("r2").to_json()), (1, b"[]"))

    with run_aggregator(scored.settings()):
        assert_equal(scored, redis)
        with Watch(scored.settings().bootstrap_servers, scored.names["dead_letter_topic"]) as letters:
            refused = letters.until(3)

    reasons = [DeadLetter.from_headers(record.headers).reason for record in refused]
    assert sorted(reasons) == [
        DeadLetterReason.INVALID_UTF8,
        DeadLetterReason.MISSING_FIELD,
        DeadLetterReason.NOT_AN_OBJECT,
    ]
    assert redis.hget(ViewKeys(scored.prefix).product("kettle"), "reviews") == "2"


def test_a_view_that_is_ahead_of_the_topic_belongs_to_another(scored: ScoredTopic, redis: Redis) -> None:
    redis.hset(ViewKeys(scored.prefix).offsets(scored.name), "1", 1_000_000)

    with (
        pytest.raises(ViewMismatch, match="another --redis-prefix"),
        run_aggregator(scored.settings()) as running,
    ):
        running.join()


def test_a_successor_goes_on_where_redis_is(scored: ScoredTopic, redis: Redis) -> None:
    scored.publish(*stream(EVENTS))
    with run_aggregator(scored.settings()):
        assert_equal(scored, redis)
    scored.publish(*stream(EVENTS, start=EVENTS))

    with run_aggregator(scored.settings()) as successor:
        assert_equal(scored, redis)

    assert successor.worker.counts.applied == EVENTS


def test_two_aggregators_share_the_partitions_and_count_each_event_once(
    scored: ScoredTopic, redis: Redis
) -> None:
    small = scored.settings(apply_batch_size=10)

    with run_aggregator(small) as first, run_aggregator(small, "b") as second:
        for transaction in chunks(stream(EVENTS), 30):
            scored.publish(*transaction)
        eventually(lambda: len(second.worker._stored) == 1 or len(first.worker._stored) == 1)
        scored.publish(*stream(EVENTS, start=EVENTS))
        assert_equal(scored, redis)
        assert first.worker.counts.applied
        assert second.worker.counts.applied


@pytest.mark.parametrize("batch_size", [7, 2000])
def test_a_view_that_is_emptied_under_a_running_aggregator_is_rebuilt(
    scored: ScoredTopic, redis: Redis, batch_size: int
) -> None:
    with run_aggregator(scored.settings(apply_batch_size=batch_size)):
        for number, transaction in enumerate(chunks(stream(EVENTS), 50)):
            scored.publish(*transaction)
            if number in {2, 5, 6}:
                redis.flushdb()

        assert_equal(scored, redis)


def test_a_view_that_is_emptied_while_nothing_comes_is_rebuilt(scored: ScoredTopic, redis: Redis) -> None:
    scored.publish(*stream(EVENTS))
    with run_aggregator(scored.settings()):
        assert_equal(scored, redis)

        redis.flushdb()

        assert_equal(scored, redis)
