"""Proof that the counts in Redis equal a recount of ``reviews.scored``, also while aggregators are at work.

Every product says in ``applied`` up to which offset its events are counted, and Redis changes both in one step.
So a product, read at one instant, must equal a fold of its events up to its own ``applied``. ``offsets`` says, a
little later, before which offset everything is counted; so no event of a product below it may lie past ``applied``.
One pass shows both, in this order:

1. read ``offsets``, then take a snapshot of all products, each at one instant;
2. read the topic from its beginning: fold events within their product's ``applied``, and note those that lie past it
   though ``offsets`` claims them;
3. compare the folds with the snapshot;
4. compare the rankings. They are written after the counts, so these are read again while they disagree and move.

The lists of latest negatives are not compared: what they keep depends on a setting that may have changed.
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta

from redis import Redis

from consumers.read.compare import compare_products
from consumers.read.rankings import compare_rankings
from consumers.read.recount import Progress, Recount, applied_offset
from consumers.read.report import Differences, PartitionRange, VerifyReport
from consumers.read.snapshot import Snapshot, take_snapshot
from consumers.topic_reader import TopicReader, open_reader
from schemas.errors import ViewMismatch
from schemas.redis_keys import ViewKeys
from schemas.settings import ReaderSettings


def verify(
    settings: ReaderSettings,
    redis: Redis,
    *,
    day_retention: int,
    progress: Progress = lambda _done, _total: None,
    today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    pause: Callable[[float], object] = time.sleep,
) -> VerifyReport:
    """Recount the scored topic and compare Redis with it. Aggregators may be running.

    Memory grows with the products and review ids, in Redis and in the topic.

    Args:
        settings: where Kafka and the view are.
        redis: a client with ``decode_responses``.
        day_retention: days after which the counts of a day may be gone from Redis.
        progress: told offsets done, and offsets in all.
        today: the day in UTC.
        pause: sleeps for some seconds, between looks at rankings that still move.

    Raises:
        MissingTopic: there is no scored topic.
        ViewMismatch: Redis claims offsets that the topic does not have.
        ServerUnavailable: Kafka was away for longer than the outage deadline.
    """
    keys = ViewKeys(settings.redis_prefix)
    topic = settings.scored_topic
    claimed = _claimed_offsets(redis, keys, topic)
    snapshot = take_snapshot(redis, keys)
    with open_reader(settings, topic) as reader:
        partitions = _ranges(reader, claimed, snapshot)
        if reason := _gone(reader):
            return VerifyReport(topic, partitions, reason)
        recount = Recount(claimed, snapshot)
        recount.read(reader, partitions, progress)
        if reason := _gone(reader):
            return VerifyReport(topic, partitions, reason, recount.records)
    differences = Differences()
    oldest_day = today() - timedelta(days=day_retention)
    products = compare_products(differences, keys, recount, snapshot, oldest_day=oldest_day)
    unsettled = compare_rankings(differences, redis, keys, recount.fold, snapshot, pause=pause)
    return VerifyReport(
        topic,
        partitions,
        records=recount.records,
        unreadable=recount.unreadable,
        products=products,
        difference_count=differences.count,
        differences=tuple(differences.listed),
        unsettled=unsettled,
    )


def _claimed_offsets(redis: Redis, keys: ViewKeys, topic: str) -> dict[int, int]:
    pipeline = redis.pipeline(transaction=False)
    pipeline.hgetall(keys.offsets(topic))
    return {int(partition): int(offset) for partition, offset in pipeline.execute()[0].items()}


def _ranges(
    reader: TopicReader, claimed: Mapping[int, int], snapshot: Snapshot
) -> tuple[PartitionRange, ...]:
    starts, ends = reader.starts(), reader.ends()
    for partition, offset in claimed.items():
        if offset > ends.get(partition, 0):
            raise ViewMismatch(
                f"Redis has applied {reader.topic}:{partition} up to {offset}, but the topic ends at "
                f"{ends.get(partition, 'no such partition')}: was it made anew, or does --redis-prefix name another view?"
            )
    ranges = []
    for partition in sorted(reader.partitions):
        place = f"{reader.topic}:{partition}"
        applied = max((applied_offset(product, place) for product in snapshot.products.values()), default=-1)
        recounted_to = min(max(claimed.get(partition, 0), applied + 1), ends[partition])
        ranges.append(
            PartitionRange(
                partition, starts[partition], ends[partition], claimed.get(partition, 0), recounted_to
            )
        )
    return tuple(ranges)


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
