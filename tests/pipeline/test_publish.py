"""A transaction is committed only if every record of it is stored."""

from typing import Any

import pytest
from kafka import ConsumerGroupMetadata
from kafka.errors import KafkaError, KafkaTimeoutError, OutOfOrderSequenceNumberError, ProducerFencedError

from consumers.process import OutageGuard
from consumers.publish import MAX_FENCINGS, Output, TransactionalPublisher
from schemas.errors import BatchAborted, InstanceFenced

GROUP = ConsumerGroupMetadata(group_id="group")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Sent:
    """What became of one record."""

    def __init__(self, error: KafkaError | None) -> None:
        self._error = error

    def get(self) -> None:
        if self._error is not None:
            raise self._error


class ForgivingProducer:
    """Commits whatever became of its records, as kafka-python 3.0.12 does after some errors."""

    def __init__(
        self, *outcomes: KafkaError | None, clock: Clock | None = None, seconds_a_send: float = 0
    ) -> None:
        self.calls: list[str] = []
        self.clock = clock or Clock()
        self.seconds_a_send = seconds_a_send
        self._outcomes = iter(outcomes)

    def init_transactions(self) -> None:
        self.calls.append("init")

    def begin_transaction(self) -> None:
        self.calls.append("begin")

    def send(self, _topic: str, **_fields: Any) -> Sent:
        self.clock.now += self.seconds_a_send
        return Sent(next(self._outcomes))

    def send_offsets_to_transaction(self, _offsets: object, _group: object) -> None:
        self.calls.append("offsets")

    def commit_transaction(self) -> None:
        self.calls.append("commit")

    def abort_transaction(self) -> None:
        self.calls.append("abort")

    def close(self, **_timeout: float) -> None:
        self.calls.append("close")


@pytest.mark.parametrize("error", [KafkaTimeoutError("expired"), OutOfOrderSequenceNumberError()])
def test_a_transaction_that_lacks_a_record_is_aborted_although_the_client_would_commit_it(
    error: KafkaError,
) -> None:
    first, second = ForgivingProducer(None, error, None), ForgivingProducer()
    producers = iter([first, second])
    publisher = TransactionalPublisher(lambda: next(producers), OutageGuard(60), transaction_timeout_s=15)
    outputs = [Output("topic", b"key", b"value")] * 3

    with pytest.raises(BatchAborted):
        publisher.publish(outputs, {}, GROUP)

    assert first.calls == ["init", "begin", "offsets", "abort", "close"]
    assert second.calls == ["init"]


def fenced_again_and_again(seconds: float) -> None:
    """A rival, or Kafka itself, takes over while a transaction has been open for so many seconds."""
    clock = Clock()
    publisher = TransactionalPublisher(
        lambda: ForgivingProducer(ProducerFencedError(), clock=clock, seconds_a_send=seconds),
        OutageGuard(60),
        transaction_timeout_s=15,
        clock=clock,
    )
    for _ in range(MAX_FENCINGS):
        with pytest.raises(BatchAborted):
            publisher.publish([Output("topic", b"key", b"value")], {}, GROUP)


def test_a_rival_that_keeps_taking_over_is_named() -> None:
    with pytest.raises(InstanceFenced, match="REVIEWSTREAM_INSTANCE_ID"):
        fenced_again_and_again(seconds=1)


def test_a_transaction_that_kafka_ended_by_its_timeout_is_no_sign_of_a_rival() -> None:
    fenced_again_and_again(seconds=16)
