"""Aggregators as processes, and a Redis, that are killed, cut off, emptied or put back: the counts equal a recount."""

import random
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jobs import Job
from labelled import ScoredTopic, chunks, stream
from raw_topics import members
from recounted import assert_equal, stored_offsets, wait_until_caught_up
from redis import Redis
from waiting import eventually

from embedded import KafkaCluster, ValkeyServer
from schemas.errors import ServerUnavailable

EVENTS = 800
"""Published at a time, in small transactions."""

KILLS = 4
FLUSHES = 4
SEED = 11
PARTITIONS = 3

SESSION_S = 3
OUTAGE_S = 4
LEAVE_S = 30
"""A process leaves so long after the deadline at the latest, on a busy machine."""

StartJob = Callable[..., Job]


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A Valkey that tests may kill and that keeps what it confirmed."""
    with ValkeyServer(data_dir=tmp_path / "valkey", appendonly=True) as server:
        yield server


@pytest.fixture
def redis(durable: ValkeyServer) -> Iterator[Redis]:
    with Redis.from_url(durable.url, decode_responses=True) as client:
        yield client


class Flow(ScoredTopic):
    """A scored topic into which the same stream flows on, call by call."""

    published = 0

    def flow(self) -> None:
        for transaction in chunks(stream(EVENTS, self.published), 40):
            self.publish(*transaction)
        self.published += EVENTS


@pytest.fixture
def scored(fragile: KafkaCluster, durable: ValkeyServer, topic_prefix: str) -> Iterator[Flow]:
    with Flow(fragile.bootstrap_servers, topic_prefix, PARTITIONS, durable.url) as topic:
        yield topic


@pytest.fixture
def aggregate(scored: Flow, start_job: StartJob) -> StartJob:
    """Starts an aggregator on the topic of the test that goes in small steps."""

    def start(instance: str = "a", **environment: str) -> Job:
        small = {"session_timeout": str(SESSION_S), "apply_batch_size": "10"}
        return start_job("aggregate", **scored.environment(instance_id=instance, **small | environment))

    return start


def wait_for_progress(scored: Flow, redis: Redis, before: int) -> None:
    """Return once more than before is applied, but hardly all."""
    eventually(lambda: applied(scored, redis) > before)


def applied(scored: Flow, redis: Redis) -> int:
    return sum(stored_offsets(scored, redis).values())


def test_an_aggregator_that_is_killed_again_and_again(
    scored: Flow, redis: Redis, aggregate: StartJob
) -> None:
    moments = random.Random(SEED)
    aggregator = aggregate()

    for _ in range(KILLS):
        before = applied(scored, redis)
        scored.flow()
        wait_for_progress(scored, redis, before)
        aggregator.kill_and_restart(after_s=moments.uniform(0, 0.3))

    assert_equal(scored, redis)
    assert aggregator.stop() == 0


def test_a_redis_that_is_killed_and_comes_back(
    scored: Flow, redis: Redis, durable: ValkeyServer, aggregate: StartJob
) -> None:
    aggregator = aggregate()
    scored.flow()
    wait_for_progress(scored, redis, 0)

    durable.kill()
    scored.flow()
    durable.restart()
    scored.flow()

    assert_equal(scored, redis)
    assert aggregator.stop() == 0


@pytest.mark.parametrize("busy", [False, True])
def test_a_redis_that_is_put_back_to_an_older_state_under_a_running_aggregator(
    scored: Flow, redis: Redis, durable: ValkeyServer, aggregate: StartJob, tmp_path: Path, busy: bool
) -> None:
    aggregator = aggregate()
    scored.flow()
    wait_until_caught_up(scored, redis)
    durable.kill()
    shutil.copytree(tmp_path / "valkey", tmp_path / "backup")
    durable.restart()
    scored.flow()
    wait_until_caught_up(scored, redis)
    if busy:
        scored.flow()

    durable.kill()
    shutil.rmtree(tmp_path / "valkey")
    shutil.copytree(tmp_path / "backup", tmp_path / "valkey")
    durable.restart()

    assert_equal(scored, redis)
    assert aggregator.stop() == 0


def test_a_redis_that_is_emptied_again_and_again_while_events_flow(
    scored: Flow, redis: Redis, aggregate: StartJob
) -> None:
    aggregator = aggregate()

    for _ in range(FLUSHES):
        before = applied(scored, redis)
        scored.flow()
        wait_for_progress(scored, redis, before)
        redis.flushall()

    assert_equal(scored, redis)
    assert aggregator.stop() == 0


def test_an_emptied_redis_is_rebuilt_by_a_new_aggregator(
    scored: Flow, redis: Redis, aggregate: StartJob
) -> None:
    scored.flow()
    with aggregate():
        wait_until_caught_up(scored, redis)
    redis.flushall()

    aggregate()

    assert_equal(scored, redis)


def test_an_aggregator_that_hangs_until_another_has_its_work_and_then_wakes_up(
    scored: Flow, redis: Redis, aggregate: StartJob
) -> None:
    sleeper, other = aggregate("a"), aggregate("b")
    eventually(lambda: members(scored.servers, scored.group) == 2)
    scored.flow()
    wait_for_progress(scored, redis, 0)

    sleeper.send(signal.SIGSTOP)
    scored.flow()
    eventually(lambda: members(scored.servers, scored.group) == 1)
    wait_until_caught_up(scored, redis)
    scored.flow()
    sleeper.send(signal.SIGCONT)
    scored.flow()

    assert_equal(scored, redis)
    assert (sleeper.stop(), other.stop()) == (0, 0)


def test_a_redis_that_stays_away_is_waited_for_until_the_deadline(
    scored: Flow, redis: Redis, durable: ValkeyServer, aggregate: StartJob
) -> None:
    aggregator = aggregate(outage_deadline=str(OUTAGE_S))
    scored.flow()
    wait_for_progress(scored, redis, 0)

    durable.kill()

    assert aggregator.wait(OUTAGE_S + LEAVE_S) == ServerUnavailable.exit_code, aggregator.log
    assert "Redis did not take the counts" in aggregator.log
    durable.restart()
    aggregate()
    assert_equal(scored, redis)


def test_an_aggregator_leaves_when_it_is_asked_to_while_redis_is_away(
    scored: Flow, redis: Redis, durable: ValkeyServer, aggregate: StartJob
) -> None:
    aggregator = aggregate()
    scored.flow()
    wait_for_progress(scored, redis, 0)
    durable.kill()
    eventually(lambda: "trying again" in aggregator.log)

    assert aggregator.stop() == 0
    durable.restart()
    aggregate()
    assert_equal(scored, redis)


def test_a_kafka_that_stays_away_is_waited_for_until_the_deadline(
    scored: Flow, redis: Redis, fragile: KafkaCluster, aggregate: StartJob
) -> None:
    aggregator = aggregate(outage_deadline=str(OUTAGE_S))
    scored.flow()
    wait_until_caught_up(scored, redis)

    fragile.kill(0)
    try:
        assert aggregator.wait(OUTAGE_S + LEAVE_S) == ServerUnavailable.exit_code, aggregator.log
        assert "Kafka has not answered" in aggregator.log
    finally:
        fragile.start_broker(0)
