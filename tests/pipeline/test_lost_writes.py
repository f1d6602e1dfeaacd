"""A Redis that loses its latest writes, at any moment and however many: a replica took over, or an old snapshot came back.

The aggregator runs on a real Valkey; a small fake stands for its topic. Before one command the server falls back to what
it held before an earlier one, and every such pair of commands is tried.
"""

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from kafka import ConsumerGroupMetadata, TopicPartition
from labelled import hash_of, stream
from redis import Redis
from redis.client import Pipeline
from redis_views import DAY_RETENTION, TOPIC, View, comparable, expected

from consumers.aggregate.aggregator import Aggregator
from consumers.aggregate.fold import Fold
from consumers.aggregate.view import RedisView
from consumers.intake import Polled
from consumers.process import Health, Shutdown
from consumers.records import Record
from schemas.codec import decode_scored
from schemas.settings import AggregatorSettings

EVENTS = stream(5)
PARTITIONS = 2
BATCH = 2
"""Events of a poll, of one or two products in one or two partitions."""

NEVER = -1


class Topic:
    """What the aggregator needs of an intake, over ``EVENTS``; it is its own consumer."""

    def __init__(self, when_idle: Callable[[], None]) -> None:
        self.records: dict[TopicPartition, list[Record]] = {
            TopicPartition(TOPIC, number): [] for number in range(PARTITIONS)
        }
        for event in EVENTS:
            partition = hash_of(event.product_id) % PARTITIONS
            stored = self.records[TopicPartition(TOPIC, partition)]
            stored.append(Record(TOPIC, partition, len(stored), 0, b"key", event.to_json()))
        self.consumer = self
        self.held_back = 0
        self._positions = dict.fromkeys(self.records, 0)
        self._when_idle = when_idle

    def poll(self, _timeout_s: float, _max_records: int) -> Polled:
        waiting = [
            record for place, stored in self.records.items() for record in stored[self._positions[place] :]
        ]
        for record in waiting[:BATCH]:
            self._positions[record.topic_partition] = record.offset + 1
        if not waiting:
            self._when_idle()
        return Polled(ConsumerGroupMetadata(group_id="group"), tuple(waiting[:BATCH]))

    def ends(self) -> dict[TopicPartition, int]:
        return {place: len(stored) for place, stored in self.records.items()}

    def assignment(self) -> set[TopicPartition]:
        return set(self.records)

    def bounds(self, _places: object) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
        return dict.fromkeys(self.records, 0), self.ends()

    def position(self, place: TopicPartition) -> int:
        return self._positions[place]

    def seek(self, place: TopicPartition, offset: int) -> None:
        self._positions[place] = offset

    def commit_async(self, _offsets: object) -> None:
        """For lag monitors; none looks."""

    def close(self) -> None:
        """Nothing is open."""


class ForgetfulRedis(Redis):
    """Before its command number ``fails_at`` the database goes back to what it held before number ``back_to``."""

    fails_at = back_to = NEVER
    commands = 0
    other: Redis
    """A second connection to the same database."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if self.commands == self.back_to:
            self._saved = [
                (key, max(0, self.other.pexpiretime(key)), self.other.dump(key))
                for key in self.other.scan_iter()
            ]
        if self.commands == self.fails_at:
            self.other.flushdb()
            for key, expires, content in self._saved:
                self.other.restore(key, expires, content, absttl=True)
        self.commands += 1
        return super().execute_command(*args, **options)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        forgetful = self

        class OneByOne(Pipeline):
            def execute(self, raise_on_error: bool = True) -> list[Any]:
                del raise_on_error
                return [forgetful.execute_command(*args, **options) for args, options in self.command_stack]

        return OneByOne(self.connection_pool, self.response_callbacks, transaction, shard_hint)


@pytest.fixture
def forgetful(redis_url: str) -> Iterator[ForgetfulRedis]:
    with (
        ForgetfulRedis.from_url(redis_url, decode_responses=True) as redis,
        Redis.from_url(redis_url) as other,
    ):
        redis.other = other
        yield redis


def aggregate(redis: ForgetfulRedis, fails_at: int = NEVER, back_to: int = NEVER) -> tuple[View, int]:
    """Empty the database and count all events; returns how many commands it took until all was stored."""
    redis.other.flushdb()
    view = View(Redis(connection_pool=redis.connection_pool))
    shutdown = Shutdown(grace_period=60)
    needed = 0

    def stop_when_all_is_stored() -> None:
        nonlocal needed
        stored = view.redis.hgetall(view.keys.offsets(TOPIC))
        if {str(place.partition): str(end) for place, end in topic.ends().items()}.items() <= stored.items():
            needed = redis.commands
            shutdown.request()

    topic = Topic(stop_when_all_is_stored)
    seconds = count(step=10)
    redis.commands, redis.fails_at, redis.back_to = 0, fails_at, back_to
    Aggregator(
        AggregatorSettings(redis_prefix=view.keys.prefix),
        view=RedisView(redis, view.keys, day_retention=DAY_RETENTION, negatives_kept=100),
        intake=topic,  # type: ignore[arg-type]
        dead_letters=lambda _letters: None,
        shutdown=shutdown,
        health=Health(None),
        clock=lambda: next(seconds),  # every turn is due to look at the stored offsets
    ).run()
    return view, needed


@pytest.fixture
def right() -> Fold:
    """All events counted."""
    fold = Fold()
    for place, records in Topic(lambda: None).records.items():
        for record in records:
            fold.apply(decode_scored(record.value), TOPIC, place.partition, record.offset)
    return fold


def holds(view: View, fold: Fold) -> bool:
    dump, wanted = comparable(view.dump()), comparable(expected(fold, view.keys))
    del wanted[view.keys.offsets(TOPIC)], dump[view.keys.offsets(TOPIC)]
    return dump == wanted


def test_whatever_writes_are_lost_at_whatever_moment_the_counts_end_right(
    forgetful: ForgetfulRedis, right: Fold
) -> None:
    undisturbed, commands = aggregate(forgetful)
    assert holds(undisturbed, right)

    wrong = []
    for fails_at in range(commands):
        for back_to in range(fails_at):
            view, _ = aggregate(forgetful, fails_at, back_to)
            if not holds(view, right):
                wrong.append((fails_at, back_to))

    assert wrong == []
