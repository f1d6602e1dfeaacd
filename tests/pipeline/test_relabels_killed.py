"""Who reads the labels of people is killed, or loses the partition by which it reads: the counts equal a recount."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

import pytest
from jobs import Job
from kafka import KafkaProducer
from labelled import ScoredTopic, chunks, hash_of, judged, stream
from raw_topics import members
from recounted import assert_equal, stored_offsets
from redis import Redis
from waiting import eventually

from embedded import KafkaCluster
from schemas.events import Intensity, Label
from schemas.labels import ReviewLabel
from schemas.redis_keys import ViewKeys, partition_offsets

EVENTS, SAID = 300, 80
"""Of each round: reviews, in small transactions, and labels between them."""

SEED = 23
PARTITIONS = 3
SESSION_S = 3
PATIENCE_S = 180.0
"""A busy machine takes 40 s to start a process, and two may be starting at once."""

MEANINGS = [(label, intensity) for label in Label for intensity in Intensity]

StartJob = Callable[..., Job]


class Spoken(ScoredTopic):
    """A scored topic, and what people say of what stands there, flowing on call by call."""

    published = 0
    said = 0

    def flow(self, draw: random.Random) -> None:
        """Labels of reviews that are counted already, that are not yet, and that never will be; some are taken back."""
        events = stream(EVENTS, self.published)
        spoken = [self._of(draw, event) for event in draw.choices(events, k=SAID) if event.sentiment]
        parts = zip(chunks(events, 40), (spoken[number::8] for number in range(8)), strict=True)
        for transaction, labels in parts:
            first, second = (transaction, labels) if draw.random() < 0.5 else (labels, transaction)
            for part in (first, second):
                self.publish(*part) if part is transaction else self.say(part)
        self.published += EVENTS

    def say(self, events: Sequence[ReviewLabel]) -> None:
        with closing(KafkaProducer(bootstrap_servers=self.servers)) as producer:
            for event in events:
                place = hash_of(event.product_id) % PARTITIONS
                sent = producer.send(self.names["labels_topic"], event.to_json(), b"key", partition=place)
                sent.get(timeout=60)
        self.said += len(events)

    @staticmethod
    def _of(draw: random.Random, event: object) -> ReviewLabel:
        return judged(event, draw.choice([*MEANINGS, None]))  # type: ignore[arg-type] -- a scored review


@pytest.fixture
def scored(fragile: KafkaCluster, redis: Redis, redis_url: str, topic_prefix: str) -> Iterator[Spoken]:
    redis.flushdb()
    with Spoken(fragile.bootstrap_servers, topic_prefix, PARTITIONS, redis_url) as topic:
        yield topic


@pytest.fixture
def aggregate(scored: Spoken, start_job: StartJob) -> StartJob:
    def start(instance: str) -> Job:
        small = {"session_timeout": str(SESSION_S), "apply_batch_size": "10"}
        return start_job("aggregate", **scored.environment(instance_id=instance, **small))

    return start


def labels_applied(scored: Spoken, redis: Redis) -> int:
    key = ViewKeys(scored.prefix).offsets(scored.names["labels_topic"])
    return sum(partition_offsets(redis.hgetall(key)).values())


def assert_all_counted(scored: Spoken, redis: Redis) -> None:
    eventually(lambda: labels_applied(scored, redis) == scored.said, PATIENCE_S)
    assert_equal(scored, redis)
    assert any(key.endswith(":relabels") for key in redis.scan_iter(f"{scored.prefix}*"))


def strike(scored: Spoken, redis: Redis, draw: random.Random, jobs: Sequence[Job], kills: int) -> None:
    """Kill one of the jobs, again and again, while there is something of both topics to count."""
    for number in range(kills):
        before = labels_applied(scored, redis), sum(stored_offsets(scored, redis).values())
        scored.flow(draw)
        eventually(
            lambda before=before: (
                labels_applied(scored, redis) > before[0]
                or sum(stored_offsets(scored, redis).values()) > before[1]
            ),
            PATIENCE_S,
        )
        jobs[number % len(jobs)].kill_and_restart(after_s=draw.uniform(0, 0.3))


def test_the_one_reader_of_labels_is_killed_again_and_again(
    scored: Spoken, redis: Redis, aggregate: StartJob
) -> None:
    strike(scored, redis, random.Random(SEED), [aggregate("a")], kills=3)

    assert_all_counted(scored, redis)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_two_aggregators_hand_the_labels_to_each_other_as_they_are_killed(
    scored: Spoken, redis: Redis, aggregate: StartJob
) -> None:
    jobs = [aggregate("a"), aggregate("b")]
    eventually(lambda: members(scored.servers, scored.group) == 2, PATIENCE_S)
    strike(scored, redis, random.Random(SEED), jobs, kills=20)

    assert_all_counted(scored, redis)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_newcomer_and_a_leaver_move_the_labels(scored: Spoken, redis: Redis, aggregate: StartJob) -> None:
    draw = random.Random(SEED)
    first = aggregate("a")
    for number in range(5):
        scored.flow(draw)
        guest = aggregate(f"guest-{number}")
        eventually(lambda: members(scored.servers, scored.group) == 2, PATIENCE_S)
        scored.flow(draw)
        assert (guest if number % 2 else first).stop() == 0
        first = first if number % 2 else guest
        scored.flow(draw)

    assert_all_counted(scored, redis)
