"""The topics of one test: what a shop and its people publish, and what came of it."""

import json
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any, Self

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec
from kafka.errors import RetriableError
from waiting import eventually

from console.topics import create_topics
from schemas.dead_letters import DeadLetter
from schemas.events import ScoredReview
from schemas.settings import KafkaSettings, ScorerSettings, TopicSettings

Place = tuple[int, int]
"""Partition and offset of a raw record."""

RAW_MAX_BYTES = 1_048_588
"""Kafka's default max.message.bytes."""


@dataclass(frozen=True)
class Raw:
    """A record for the raw topic."""

    value: bytes | None
    key: bytes | None = b"key"
    partition: int = 0
    timestamp_ms: int | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()


def client_of(servers: str) -> dict[str, Any]:
    """The configuration of a client that asks another broker after 3 s of silence, and waits a minute for the first."""
    return KafkaSettings(bootstrap_servers=servers, outage_deadline=6).client_config() | {
        "bootstrap_timeout_ms": 60_000
    }


class OddName(str):
    """A header's name that goes over the wire as bytes that are no UTF-8; clients of other languages send such."""

    __slots__ = ()

    def encode(self, *_: str) -> bytes:
        return b"\xff" + super().encode()


def review(review_id: str, product_id: str = "kettle", **fields: Any) -> bytes:
    """A review as JSON."""
    return json.dumps(
        {"review_id": review_id, "product_id": product_id, "text": f"It says {review_id}."} | fields
    ).encode()


class Topics:
    """Topics that no other test uses, and one open producer and reader of them."""

    def __init__(self, servers: str, prefix: str, partitions: int) -> None:
        self.servers = servers
        self.raw, self.scored, self.dead_letters, self.labels = (
            f"{prefix}{name}" for name in ("raw", "scored", "dlq", "labels")
        )
        self.names: dict[str, Any] = {
            "raw_topic": self.raw,
            "scored_topic": self.scored,
            "dead_letter_topic": self.dead_letters,
            "labels_topic": self.labels,
        }
        self.group = f"{prefix}scorer"
        create_topics(TopicSettings(bootstrap_servers=servers, partitions=partitions, **self.names))
        self._stack = ExitStack()
        self._producer = self._stack.enter_context(
            KafkaProducer(
                **client_of(servers),
                acks="all",
                max_request_size=2 * RAW_MAX_BYTES,
                metadata_max_age_ms=5000,  # partitions that a test adds are known soon
            )
        )
        self.outcomes = self._stack.enter_context(Watch(servers, self.scored, self.dead_letters))

    def settings(self, **fields: Any) -> ScorerSettings:
        """A scorer's settings for these topics, impatient as tests are."""
        return ScorerSettings(**{**self.environment(), **fields})

    def environment(self, **fields: str) -> dict[str, Any]:
        """The same for a process."""
        return {
            "bootstrap_servers": self.servers,
            "scorer_group": self.group,
            "session_timeout": "6",
            "outage_deadline": "60",
            **self.names,
            **fields,
        }

    def publish(self, *records: Raw, topic: str | None = None) -> list[Place]:
        """Publish to the raw topic, or to another; returns where each record stands."""
        sends = [self._send(record, topic or self.raw) for record in records]
        return [(stored.partition, stored.offset) for stored in (sent.get(timeout=60) for sent in sends)]

    def widen(self, partitions: int) -> None:
        """Add partitions to the raw topic; returns once the producer knows them."""
        with KafkaAdminClient(**client_of(self.servers)) as admin:
            admin.create_partitions({self.raw: partitions})
        eventually(lambda: len(self._producer.partitions_for(self.raw)) == partitions)

    def widen_scored(self, partitions: int) -> None:
        """Add partitions to the scored topic; returns once new clients know them."""

        def known() -> bool:
            with KafkaAdminClient(**client_of(self.servers)) as admin:
                (topic,) = admin.describe_topics([self.scored])
            return len(topic["partitions"]) == partitions

        with KafkaAdminClient(**client_of(self.servers)) as admin:
            admin.create_partitions({self.scored: partitions})
        eventually(known)

    def publish_reviews(self, count: int, *, partitions: int, name: str = "r") -> list[Place]:
        """``count`` reviews of ten products, spread over the partitions by product."""
        return self.publish(
            *(
                Raw(review(f"{name}{number}", f"product-{number % 10}"), partition=number % 10 % partitions)
                for number in range(count)
            )
        )

    def members(self) -> int:
        """How many scorers the group has."""
        return members(self.servers, self.group)

    def committed(self) -> dict[int, int]:
        """What the scorers' group has committed, by partition; nothing while the broker is still loading it."""
        with suppress(RetriableError), KafkaAdminClient(**client_of(self.servers)) as admin:
            offsets = admin.list_group_offsets(self.group)[self.group]
            return {place.partition: committed.offset for place, committed in offsets.items()}
        return {}

    def allow_any_timestamp(self) -> None:
        """As brokers did before Kafka 4; its default refuses times that are an hour ahead."""
        resource = ConfigResource(
            ConfigResourceType.TOPIC, self.raw, {"message.timestamp.after.max.ms": str(2**63 - 1)}
        )
        with KafkaAdminClient(**client_of(self.servers)) as admin:
            admin.alter_configs([resource])

    def labelled(self) -> list[Any]:
        """The committed records of the scored topic, those of added partitions too."""
        with Watch(self.servers, self.scored) as watch:
            return watch.all()

    def close(self) -> None:
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, record: Raw, topic: str) -> Any:
        if record.key is None and record.value is None:
            return self._send_nothing(record.partition)
        return self._producer.send(
            topic,
            record.value,
            record.key,
            headers=list(record.headers),
            partition=record.partition,
            timestamp_ms=record.timestamp_ms,
        )

    def _send_nothing(self, partition: int) -> Any:
        """A record without key and value: other clients write such, this one's ``send`` refuses to."""
        self._producer.partitions_for(self.raw)
        future, *_ = self._producer._accumulator.append(
            TopicPartition(self.raw, partition), None, None, None, []
        )
        self._producer._sender.wakeup()
        return future


class Watch:
    """The committed records of some topics, from the beginning, in the order of each partition."""

    def __init__(self, servers: str, *topics: str, isolation_level: str = "read_committed") -> None:
        self.records: list[Any] = []
        self._consumer = KafkaConsumer(
            **client_of(servers),
            isolation_level=isolation_level,
            enable_auto_commit=False,
            max_poll_records=10_000,
        )
        self._places = [
            TopicPartition(topic, number)
            for topic in topics
            for number in sorted(self._consumer.partitions_for_topic(topic))
        ]
        self._consumer.assign(self._places)
        self._consumer.seek_to_beginning()

    def until(self, count: int, timeout: float = 60.0) -> list[Any]:
        """All records, once there are at least ``count``."""
        eventually(lambda: self._poll() >= count, timeout)
        return self.records

    def all(self) -> list[Any]:
        """All records that are committed by now."""
        ends = self._consumer.end_offsets(self._places)
        eventually(
            lambda: (
                self._poll() >= 0
                and all(self._consumer.position(place) >= end for place, end in ends.items())
            )
        )
        return self.records

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def _poll(self) -> int:
        for records in self._consumer.poll(timeout_ms=100).values():
            self.records.extend(records)
        return len(self.records)


def members(servers: str, group: str) -> int:
    """How many members a consumer group has; none while the broker is still loading it."""
    with suppress(RetriableError), KafkaAdminClient(**client_of(servers)) as admin:
        return len(admin.describe_groups([group])[group]["members"])
    return 0


def lag(servers: str, group: str, topic: str) -> int | None:
    """What any tool shows: the ends of the log less what the group has committed; None where it has not everywhere."""
    with suppress(RetriableError), KafkaAdminClient(**client_of(servers)) as admin:
        offsets = admin.list_group_offsets(group)[group]
        partitions = range(len(admin.describe_topics([topic])[0]["partitions"]))
        ends = admin.list_partition_offsets(
            {TopicPartition(topic, number): OffsetSpec.LATEST for number in partitions}
        )
        if offsets.keys() >= ends.keys():
            return sum(end.offset - offsets[place].offset for place, end in ends.items())
    return None


def scored_of(records: Iterable[Any]) -> list[ScoredReview]:
    """Those of the records that are labelled reviews."""
    return [ScoredReview.model_validate_json(record.value) for record in records if not record.headers]


def source_of(record: Any) -> Place:
    """The raw record that an outcome, labelled or refused, is of."""
    if record.headers:
        letter = DeadLetter.from_headers(record.headers)
        return letter.source_partition, letter.source_offset
    source = json.loads(record.value)["source"]
    return source["partition"], source["offset"]


def sources_of(records: Sequence[Any]) -> list[Place]:
    """Sorted, so that it can be compared with all that was published."""
    return sorted(map(source_of, records))


def ends_of(places: Iterable[Place]) -> dict[int, int]:
    """The next offset of each partition."""
    return {partition: offset + 1 for partition, offset in sorted(places)}
