"""The Kafka producer: its configuration, its topic, its end."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import ConfigResource
from kafka.errors import (
    InvalidTopicError,
    KafkaError,
    KafkaTimeoutError,
    NoError,
    UnknownTopicOrPartitionError,
    for_code,
)
from kafka.partitioner import Partitioner, murmur2

from schemas.errors import ConfigurationError, MissingTopic, ServerUnavailable
from schemas.refusals import raise_if_refused
from schemas.settings import KafkaSettings

LINGER_MS = 10
"""Long enough to fill batches at thousands of sends a second, too short to be felt."""

BATCH_BYTES = 65_536
"""Four times the client's default: each request costs the client far more than the bytes in it."""

MAX_RECORD_BYTES = 1_048_576
"""With key and framing; just below what a topic takes unless it is told otherwise."""

CLOSE_SECONDS = 5.0

_PRODUCTS_REMEMBERED = 65_536

_hash = lru_cache(_PRODUCTS_REMEMBERED)(murmur2)


class ProductPartitioner(Partitioner):  # type: ignore[misc]  # the client has no types
    """Chooses the partition that every Kafka client chooses for a key, and remembers the hash of each product.

    The client's own partitioner hashes byte by byte in Python each time, at a good part of what a send costs.
    """

    def partition(
        self, topic: str, _key: object, key: bytes, _value: object, _serialized_value: object, cluster: Any
    ) -> int:
        """The number of the partition for ``key``."""
        partitions: int = len(cluster.partitions_for_topic(topic))
        hashed: int = _hash(key)
        return (hashed & 0x7FFF_FFFF) % partitions


def producer_config(settings: KafkaSettings, max_record_bytes: int = MAX_RECORD_BYTES) -> dict[str, Any]:
    """Idempotent, acknowledged by all replicas, and tried again until the outage deadline has passed."""
    deadline_ms = int(settings.outage_deadline * 1000)
    client = settings.client_config()
    return client | {
        "acks": "all",
        "enable_idempotence": True,
        "linger_ms": LINGER_MS,
        "batch_size": min(BATCH_BYTES, max_record_bytes),
        "max_request_size": max_record_bytes,
        "delivery_timeout_ms": max(deadline_ms, client["request_timeout_ms"] + LINGER_MS),
        "max_block_ms": deadline_ms,
        "allow_auto_create_topics": False,
        "partitioner": ProductPartitioner(),
    }


@contextmanager
def connected(settings: KafkaSettings) -> Iterator[KafkaProducer]:
    """A producer for the raw topic, which exists.

    What is not settled at the end is given up, not waited for.

    Raises:
        ConfigurationError: Kafka refuses this client.
        MissingTopic: the raw topic does not exist.
        ServerUnavailable: Kafka did not answer within the deadline.
    """
    try:
        limit = _record_limit(settings)
        producer = KafkaProducer(**producer_config(settings, limit))
    except KafkaError as error:
        raise_if_refused(error)
        raise ServerUnavailable(
            f"Kafka at {settings.bootstrap_servers} did not answer within {settings.outage_deadline:g} s: {error}; "
            "are address and protocol right (--bootstrap-servers, --security-protocol)?"
        ) from error
    try:
        yield producer
    finally:
        # close() alone first waits for every send, and leaves its thread running when that takes too long.
        producer._sender.force_close()  # noqa: SLF001 -- there is no public way
        with suppress(KafkaTimeoutError):
            producer.close(timeout=CLOSE_SECONDS)


def _record_limit(settings: KafkaSettings) -> int:
    """The most bytes that the raw topic takes as one record.

    Asked before the first send: the producer would wait for a missing topic until its deadline, and once the broker
    has refused a single record an idempotent producer (kafka-python 3.0) delivers nothing any more.
    """
    name = settings.raw_topic
    with KafkaAdminClient(**settings.client_config()) as admin:
        [topic] = admin.describe_topics([name])
        configs = admin.describe_configs([ConfigResource("topic", name)], config_filter="all")["topic"][name]
    error = for_code(topic["error_code"])
    if error is UnknownTopicOrPartitionError:
        raise MissingTopic(
            f"Kafka at {settings.bootstrap_servers} has no topic {name}; 'reviewstream init' creates it"
        )
    if error is InvalidTopicError:
        raise ConfigurationError(f"{name!r} is no name for a topic")
    if error is not NoError:
        raise error(name)
    limit = configs.get("max.message.bytes")  # absent where this client may not read it
    return min(MAX_RECORD_BYTES, int(limit["value"])) if limit else MAX_RECORD_BYTES
