"""The Kafka client of a member of a group: what it is told of offsets, sessions and fetches."""

from collections.abc import Callable

from kafka import KafkaConsumer
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

from consumers.odd_headers import tolerate_odd_headers
from schemas.settings import KafkaSettings

FETCH_MAX_BYTES = 8 * 1024 * 1024
"""Bounds what waits in the client's buffers; 8 MiB is over a minute of reviews on two cores."""


def group_consumer(
    settings: KafkaSettings,
    group: str,
    client_id: str,
    session_timeout_s: float,
    make_consumer: Callable[..., KafkaConsumer] = KafkaConsumer,
) -> KafkaConsumer:
    """A consumer that commits nothing by itself and starts at the earliest record.

    ``read_committed`` also makes it wait for offsets that an open transaction is about to commit.
    """
    tolerate_odd_headers()
    return make_consumer(
        **settings.client_config(),
        client_id=client_id,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        partition_assignment_strategy=[CooperativeStickyAssignor],
        session_timeout_ms=int(session_timeout_s * 1000),
        heartbeat_interval_ms=int(session_timeout_s * 1000 / 4),
        fetch_max_wait_ms=250,
        fetch_max_bytes=FETCH_MAX_BYTES,
        metadata_max_age_ms=30_000,  # partitions added to a live topic are taken up within this time
        allow_auto_create_topics=False,
    )
