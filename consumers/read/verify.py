"""Proof that the counts in Redis equal a recount of ``reviews.scored`` and ``reviews.labels``, also while aggregators work.

Every product says in ``applied`` up to which offset its events are counted, and Redis changes both in one step.
So a product, read at one instant, must equal a fold of its events up to its own ``applied``. ``offsets`` says, a
little later, before which offset everything is counted; so no event of a product below it may lie past ``applied``.
One pass shows both, in this order:

1. read ``offsets``, then take a snapshot of all products, each at one instant;
2. read both topics from their beginning, that of labels where there is one;
3. sort the events by product and review, count those within their product's ``applied``, note those that lie past it
   though ``offsets`` claims them, and compare with the snapshot;
4. compare the rankings. They are written after the counts, so these are read again while they disagree and move;
5. compare the strong negatives of customers, which come from many products and so from many instants.

Snapshot and events wait in a working file, so memory does not grow with products, reviews or events. A verification
that is killed goes on from that file: no step depends on when it happens, but for their order.

The lists of latest negatives are not compared: what they keep depends on a setting that may have changed.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from redis import Redis

from consumers.aggregate.contribution import days_since_1970
from consumers.read.compare import Comparison
from consumers.read.customers import Customers
from consumers.read.rankings import Rankings
from consumers.read.recount import Progress, Recount, applied_offset, read_label, read_scored
from consumers.read.report import MAX_LISTED, Differences, PartitionRange, VerifyReport
from consumers.read.snapshot import take_snapshot
from consumers.read.store import Store, open_store
from consumers.topic_reader import TopicReader, open_reader
from schemas.errors import ViewMismatch
from schemas.redis_keys import SWAP, ViewKeys, noted_label_retention, partition_offsets
from schemas.settings import ReaderSettings


def verify(
    settings: ReaderSettings,
    redis: Redis,
    *,
    day_retention: int,
    customer_retention: int = 90,
    state: Path | None = None,
    stage: Callable[[str], object] = lambda _name: None,
    progress: Progress = lambda _done, _total: None,
    today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    pause: Callable[[float], object] = time.sleep,
) -> VerifyReport:
    """Recount the scored topic and compare Redis with it. Aggregators may be running.

    Memory is bounded; the working file takes about 100 bytes an event, and as much again while it is sorted,
    in the folder that ``SQLITE_TMPDIR`` or ``TMPDIR`` names.

    Args:
        settings: where Kafka and the view are.
        redis: a client with ``decode_responses``.
        day_retention: days after which the counts of a day may be gone from Redis.
        customer_retention: days after which the strong negatives of a customer may be.
        state: the working file; it stays if the verification is killed, and the next one goes on from it. By default
            a temporary one.
        stage: told what is being done.
        progress: told offsets done, and offsets in all.
        today: the day in UTC.
        pause: sleeps for some seconds, between looks at rankings that still move.

    Raises:
        MissingTopic: there is no scored topic.
        ViewMismatch: Redis claims offsets that the topic does not have.
        ServerUnavailable: Kafka was away for longer than the outage deadline.
        ConfigurationError: ``state`` is of another view, in use, or cannot be written.
    """
    identity = {"topic": settings.scored_topic, "prefix": settings.redis_prefix}
    with open_store(state, identity) as store:
        report = _verify(
            settings, redis, store, (day_retention, customer_retention), stage, progress, today, pause
        )
    if state is not None:
        state.unlink()
    return report


def _verify(
    settings: ReaderSettings,
    redis: Redis,
    store: Store,
    retentions: tuple[int, int],
    stage: Callable[[str], object],
    progress: Progress,
    today: Callable[[], date],
    pause: Callable[[float], object],
) -> VerifyReport:
    keys, topic, labels_topic = ViewKeys(settings.redis_prefix), settings.scored_topic, settings.labels_topic
    stage("reading Redis")
    _read_view(redis, keys, (topic, labels_topic), store)
    started_at: str = store.note("started_at")
    report = VerifyReport(topic=topic, prefix=settings.redis_prefix, started_at=started_at)
    if store.note("swapping"):
        return replace(report, reason=_SWAPPING)
    stage("recounting")
    scored, said = Recount(store, "scored", read_scored), Recount(store, "said", read_label)
    with open_reader(settings, topic) as reader:
        labelled = reader.lists(labels_topic) or bool(_claimed(store, labels_topic))
        ranges, reason = _recount(reader, scored, store, progress)
        report = replace(report, partitions=ranges, reason=reason)
    if labelled and not reason:
        with open_reader(settings, labels_topic) as reader:
            ranges, reason = _recount(reader, said, store, progress)
            report = replace(report, labels=ranges, reason=reason)
    if reason:
        return report
    report = replace(
        report,
        records=scored.records + said.records,
        unreadable=scored.unreadable + said.unreadable,
    )
    stage("comparing")
    oldest_day, oldest_of_customers = (today() - timedelta(days=days) for days in retentions)
    label_retention = noted_label_retention(store.note("claimed")[topic])
    claimed = {
        f"{name}:{partition}": offset
        for name in (topic, labels_topic)
        for partition, offset in _claimed(store, name).items()
    }
    with store.step():
        differences, rankings = Differences(), Rankings(store)
        customers = Customers(store, keys, days_since_1970(oldest_of_customers))
        compared = Comparison(
            store,
            rankings,
            customers,
            differences,
            keys,
            topic,
            labels_topic=labels_topic,
            claimed=claimed,
            label_retention=label_retention,
            oldest_day=oldest_day,
            exists=lambda key: redis.hlen(key) > 0,
            is_member=lambda key, member: redis.zscore(key, member) is not None,
        ).run()
        behind = rankings.compare(differences, redis, keys, pause=pause)
        moved = customers.compare(differences, redis, forgets=label_retention is not None)
    return replace(
        report,
        digest=compared.digest,
        products=compared.products,
        difference_count=differences.count,
        differences=tuple(differences.listed),
        unsettled=tuple(dict.fromkeys(compared.unsettled + behind + moved))[:MAX_LISTED],
    )


def _recount(
    reader: TopicReader, recount: Recount, store: Store, progress: Progress
) -> tuple[tuple[PartitionRange, ...], str]:
    """Read one topic; returns what was read, and why that is not enough, if it is not."""
    ranges = _ranges(reader, _claimed(store, reader.topic), store)
    if reason := _gone(reader):
        return ranges, reason
    recount.read(reader, ranges, progress)
    return ranges, _gone(reader)


def _claimed(store: Store, topic: str) -> dict[int, int]:
    """Of each partition, the offset before which Redis says that all is applied."""
    return partition_offsets(store.note("claimed")[topic])


_SWAPPING = (
    "a rebuilt view is taking the place of the old one; if that was cut short, run reviewstream rebuild again"
)


def _read_view(redis: Redis, keys: ViewKeys, topics: Sequence[str], store: Store) -> None:
    """Note what Redis claims, then take the snapshot; again if a rebuilt view took the place of the one that was read."""
    while True:
        if store.note("claimed") is None:
            pipeline = redis.pipeline(transaction=True)
            pipeline.get(keys.generation)
            pipeline.hexists(keys.rebuild, SWAP)
            for topic in topics:
                pipeline.hgetall(keys.offsets(topic))
            generation, swapping, *claimed = pipeline.execute()
            with store.step():
                store.set_note("started_at", datetime.now(UTC).isoformat(timespec="seconds"))
                store.set_note("generation", generation)
                store.set_note("swapping", swapping)
                store.set_note("claimed", dict(zip(topics, claimed, strict=True)))
        take_snapshot(redis, keys, store)
        if redis.get(keys.generation) == store.note("generation"):
            return
        store.clear()


def _ranges(reader: TopicReader, claimed: Mapping[int, int], store: Store) -> tuple[PartitionRange, ...]:
    """What is to be recounted: the same when a killed verification goes on, for the ends of a topic only grow."""
    starts, ends = reader.starts(), reader.ends()
    for partition, offset in claimed.items():
        if offset > ends.get(partition, 0):
            raise ViewMismatch(
                f"Redis has applied {reader.topic}:{partition} up to {offset}, but the topic ends at "
                f"{ends.get(partition, 'no such partition')}: was it made anew, or does --redis-prefix name another view?"
            )
    latest = dict.fromkeys(reader.partitions, -1)
    for (applied,) in store.sql.execute("SELECT applied FROM products"):
        found = json.loads(applied)
        for partition in latest:
            latest[partition] = max(latest[partition], applied_offset(found, f"{reader.topic}:{partition}"))
    return tuple(
        PartitionRange(
            partition,
            starts[partition],
            ends[partition],
            claimed.get(partition, 0),
            min(max(claimed.get(partition, 0), latest[partition] + 1), ends[partition]),
        )
        for partition in sorted(reader.partitions)
    )


def _gone(reader: TopicReader) -> str:
    """Why a recount is impossible, or nothing."""
    cut = {partition: start for partition, start in reader.starts().items() if start > 0}
    if not cut:
        return ""
    places = ", ".join(f"{partition} starts at offset {start}" for partition, start in sorted(cut.items()))
    return (
        f"{reader.topic} has lost its first records (partition {places}), by retention or by hand, so the counts "
        "cannot be recounted; keep the topic for ever (retention.ms=-1) to be able to verify"
    )
