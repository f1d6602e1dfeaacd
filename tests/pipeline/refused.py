"""Dead letters without a scorer, and what a redrive makes of them."""

from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from raw_topics import Place, Raw, Topics, Watch
from waiting import eventually

from consumers.read.letters import LetterFilter
from consumers.read.letters import Place as LetterPlace
from consumers.redrive.plan import Plan, make_plan
from consumers.redrive.put_back import Redrive
from schemas.dead_letters import DeadLetter, DeadLetterReason
from schemas.topics import DEAD_LETTER_MAX_BYTES

FAILED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVERY = LetterFilter()


def refuse(topics: Topics, *records: Raw, **fields: Any) -> list[LetterPlace]:
    """Publish raw records, and a dead letter for each as the scorer would; returns where the letters stand."""
    places = topics.publish(*records)
    return write_letters(topics, records, places, **fields)


def write_letters(
    topics: Topics,
    records: Sequence[Raw],
    sources: Sequence[Place],
    *,
    reason: DeadLetterReason = DeadLetterReason.MODEL_ERROR,
    source_topic: str | None = None,
    failed_at: datetime = FAILED_AT,
) -> list[LetterPlace]:
    """Dead letters of raw records that stand at ``sources``."""
    with KafkaProducer(
        bootstrap_servers=topics.servers, acks="all", max_request_size=DEAD_LETTER_MAX_BYTES
    ) as producer:
        sends = [
            producer.send(
                topics.dead_letters,
                record.value,
                record.key,
                headers=DeadLetter(
                    reason=reason,
                    detail="it raised",
                    source_topic=source_topic or topics.raw,
                    source_partition=partition,
                    source_offset=offset,
                    source_timestamp_ms=record.timestamp_ms or 0,
                    failed_at=failed_at,
                ).headers(),
            )
            for record, (partition, offset) in zip(records, sources, strict=True)
        ]
        stored = [sent.get(timeout=60) for sent in sends]
    return [LetterPlace(one.partition, one.offset) for one in stored]


def plan_of(topics: Topics, wanted: LetterFilter = EVERY, **options: Any) -> Plan:
    return make_plan(topics.settings(), wanted, **options)


def redrive(
    topics: Topics,
    wanted: LetterFilter = EVERY,
    make_producer: Callable[..., KafkaProducer] = KafkaProducer,
    **options: Any,
) -> int:
    """Plan and put back; returns how many went, once all can see it."""
    plan = plan_of(topics, wanted, **options)
    done = Redrive(topics.settings(), make_producer=make_producer).run(plan.going)
    settle(topics)
    return done


def settle(topics: Topics) -> None:
    """Wait for the ends of transactions, which are written a moment after a commit returns."""
    with (
        closing(KafkaConsumer(bootstrap_servers=topics.servers)) as any_records,
        closing(
            KafkaConsumer(bootstrap_servers=topics.servers, isolation_level="read_committed")
        ) as committed,
    ):
        places = [
            TopicPartition(topic, number)
            for topic in (topics.raw, topics.dead_letters)
            for number in any_records.partitions_for_topic(topic)
        ]
        eventually(lambda: any_records.end_offsets(places) == committed.end_offsets(places))


def copies(topics: Topics) -> list[Any]:
    """The committed raw records that redrives wrote."""
    with Watch(topics.servers, topics.raw) as watch:
        return [record for record in watch.all() if record.headers]


def copied_sources(topics: Topics) -> list[Place]:
    """Of which raw records there are copies; one that has two stands there twice."""
    return sorted(
        (int(headers["dlq.source.partition"]), int(headers["dlq.source.offset"]))
        for headers in (dict(record.headers) for record in copies(topics))
    )
