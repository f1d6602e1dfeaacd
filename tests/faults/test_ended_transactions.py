"""A transaction whose timeout passes while its broker is down is ended once the broker is back, and readers get past it.

Kafka takes partitions that have no leader for a moment for deleted ones, and then leaves their transaction open for ever
(KAFKA-20734). That happens where it looks for overdue transactions within a second of its start: with
``transaction.abort.timed.out.transaction.cleanup.interval.ms`` at 1,000 every restart of 4.4.0 ended so, at 5,000 none.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from raw_topics import Raw, Topics, client_of, review
from waiting import eventually, let_pass

from embedded import KafkaCluster

TIMEOUT_S = 1.5
DOWN_S = 2.0


@pytest.mark.parametrize("restarts", [1, pytest.param(10, marks=pytest.mark.long)])
def test_no_transaction_outlives_a_restart_of_the_only_broker(
    fragile: KafkaCluster, topic_prefix: str, restarts: int
) -> None:
    with Topics(fragile.bootstrap_servers, topic_prefix, 2) as topics:
        for number in range(restarts):
            with open_transaction(topics, f"{topic_prefix}{number}"):
                fragile.kill(0)
                let_pass(DOWN_S)
                fragile.start_broker(0)
                eventually(lambda: ends(topics, "read_committed") == ends(topics, "read_uncommitted"))
        topics.publish(Raw(review("afterwards")))
        eventually(lambda: ends(topics, "read_committed") == ends(topics, "read_uncommitted"))


@contextmanager
def open_transaction(topics: Topics, name: str) -> Iterator[None]:
    """Its records are stored, and nobody ends it."""
    producer = KafkaProducer(
        **client_of(topics.servers), transactional_id=name, transaction_timeout_ms=int(TIMEOUT_S * 1000)
    )
    producer.init_transactions()
    producer.begin_transaction()
    for partition in (0, 1):
        producer.send(topics.raw, b"open", partition=partition).get(timeout=60)
    yield
    with suppress(KafkaError):
        producer.close(timeout=1)


def ends(topics: Topics, level: str) -> dict[TopicPartition, int]:
    """Offsets after the last record that a reader of this isolation level gets."""
    places = [TopicPartition(topics.raw, number) for number in (0, 1)]
    with closing(KafkaConsumer(**client_of(topics.servers), isolation_level=level)) as consumer:
        found: dict[TopicPartition, int] = consumer.end_offsets(places)
    return found
