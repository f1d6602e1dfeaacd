"""All that a run left behind: the records of the four topics, and every key of the view with its expiry."""

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from raw_topics import Topics, client_of
from redis import Redis

SCAN_COUNT = 5000


class Entry(NamedTuple):
    """A committed record as Kafka holds it."""

    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True)
class Observation:
    """What there is, without any judgement."""

    raw_topic: str
    scored_topic: str
    labels_topic: str
    prefix: str
    raw: list[Entry]
    scored: list[Entry]
    labels: list[Entry]
    dead_letters: list[Entry]
    ends: dict[str, dict[int, int]]
    """Of the two topics that are counted, by partition: the offset after the last committed record, or after its
    transaction's marker."""
    keys: dict[str, Any]
    """Hash -> dict, list -> list, sorted set -> dict of scores."""
    expiries: dict[str, int]
    """Of those keys that expire: Unix seconds."""


def observe(topics: Topics, redis: Redis, prefix: str) -> Observation:
    """Read everything. Nothing should be at work any more."""
    raw, _ = read_topic(topics.servers, topics.raw)
    scored, scored_ends = read_topic(topics.servers, topics.scored)
    labels, labels_ends = read_topic(topics.servers, topics.labels)
    dead_letters, _ = read_topic(topics.servers, topics.dead_letters)
    keys, expiries = read_keys(redis, prefix)
    return Observation(
        raw_topic=topics.raw,
        scored_topic=topics.scored,
        labels_topic=topics.labels,
        prefix=prefix,
        raw=raw,
        scored=scored,
        labels=labels,
        dead_letters=dead_letters,
        ends={topics.scored: scored_ends, topics.labels: labels_ends},
        keys=keys,
        expiries=expiries,
    )


def read_topic(servers: str, topic: str) -> tuple[list[Entry], dict[int, int]]:
    """All committed records of a topic, each partition in its order, and the partitions' ends."""
    entries: list[Entry] = []
    with closing(
        KafkaConsumer(**client_of(servers), isolation_level="read_committed", enable_auto_commit=False)
    ) as consumer:
        places = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic))]
        ends = consumer.end_offsets(places)
        consumer.assign(places)
        consumer.seek_to_beginning()
        while any(consumer.position(place) < end for place, end in ends.items()):
            for records in consumer.poll(timeout_ms=200, max_records=100_000).values():
                entries += map(_entry, records)
    return entries, {place.partition: end for place, end in ends.items()}


def read_keys(redis: Redis, prefix: str) -> tuple[dict[str, Any], dict[str, int]]:
    """Every key that has the prefix in it, and the expiries of those that have one."""
    names = sorted(set(redis.scan_iter(match=f"*{prefix}*", count=SCAN_COUNT)))
    types = _ask(redis, "type", names)
    read = {"hash": redis.hgetall, "list": lambda key: redis.lrange(key, 0, -1), "zset": _scores(redis)}
    keys = {name: read[kind](name) for name, kind in zip(names, types, strict=True)}
    expiries = zip(names, _ask(redis, "expiretime", names), strict=True)
    return keys, {name: second for name, second in expiries if second >= 0}


def _scores(redis: Redis) -> Any:
    return lambda key: dict(redis.zrange(key, 0, -1, withscores=True))


def _ask(redis: Redis, command: str, names: Iterable[str]) -> list[Any]:
    with redis.pipeline(transaction=False) as pipeline:
        for name in names:
            getattr(pipeline, command)(name)
        return pipeline.execute()


def _entry(record: Any) -> Entry:
    headers = tuple(record.headers or ())
    return Entry(record.partition, record.offset, record.timestamp, record.key, record.value, headers)
