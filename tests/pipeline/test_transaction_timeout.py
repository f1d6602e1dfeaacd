"""A transaction that Kafka aborts by itself while it is written: the batch is not taken for committed."""

from collections.abc import Iterator
from typing import Any

import pytest
from kafka import ConsumerGroupMetadata, KafkaAdminClient, KafkaProducer, TopicPartition
from raw_topics import Topics
from waiting import eventually

from consumers.process import OutageGuard
from consumers.publish import Output, TransactionalPublisher, producer_config
from consumers.records import commit_form
from embedded import KafkaCluster
from schemas.errors import BatchAborted

TRANSACTION_TIMEOUT_MS = 1000
LINGER_MS = 5000
"""Records wait in the client for longer than Kafka waits for the transaction."""


@pytest.fixture
def topics(fragile: KafkaCluster, topic_prefix: str) -> Iterator[Topics]:
    with Topics(fragile.bootstrap_servers, topic_prefix, 1) as created:
        yield created


class Stalling(KafkaProducer):
    """After the offsets and before any record, waits until Kafka has aborted the transaction; once only."""

    stalls = 1

    def send_offsets_to_transaction(self, offsets: Any, group: Any) -> None:
        super().send_offsets_to_transaction(offsets, group)
        if Stalling.stalls:
            Stalling.stalls -= 1
            eventually(self._aborted)

    def _aborted(self) -> bool:
        name = self.config["transactional_id"]
        with KafkaAdminClient(bootstrap_servers=self.config["bootstrap_servers"]) as admin:
            return bool(admin.describe_transactions([name])[name].state == "CompleteAbort")


def test_a_transaction_that_timed_out_is_not_taken_for_committed(topics: Topics) -> None:
    config = producer_config(topics.settings(), topics.group) | {
        "transactional_id": topics.group,
        "transaction_timeout_ms": TRANSACTION_TIMEOUT_MS,
    }
    slow = config | {"linger_ms": LINGER_MS}
    publisher = TransactionalPublisher(
        lambda: Stalling(**slow) if Stalling.stalls else KafkaProducer(**config),
        OutageGuard(60),
        transaction_timeout_s=TRANSACTION_TIMEOUT_MS / 1000,
    )
    outputs = [Output(topics.scored, b"key", value) for value in (b"first", b"second")]
    batch = (
        outputs,
        commit_form({TopicPartition(topics.raw, 0): 2}),
        ConsumerGroupMetadata(group_id=topics.group),
    )

    with pytest.raises(BatchAborted):
        publisher.publish(*batch)
    publisher.publish(*batch)
    publisher.close()

    assert [record.value for record in topics.outcomes.until(2)] == [b"first", b"second"]
    eventually(lambda: topics.committed() == {0: 2})
