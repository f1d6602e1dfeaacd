"""A transaction is committed only if every record of it is stored."""

from typing import Any

import pytest
from kafka import ConsumerGroupMetadata
from kafka.errors import KafkaError, KafkaTimeoutError, OutOfOrderSequenceNumberError

from consumers.process import OutageGuard
from consumers.publish import Output, TransactionalPublisher
from schemas.errors import BatchAborted

GROUP = ConsumerGroupMetadata(group_id="group")


class Sent:
    """What became of one record."""

    def __init__(self, error: KafkaError | None) -> None:
        self._error = error

    def get(self) -> None:
        if self._error is not None:
            raise self._error


class ForgivingProducer:
    """Commits whatever became of its records, as kafka-python 3.0.12 does after some errors."""

    def __init__(self, *outcomes: KafkaError | None) -> None:
        self.calls: list[str] = []
        self._outcomes = iter(outcomes)

    def init_transactions(self) -> None:
        self.calls.append("init")

    def begin_transaction(self) -> None:
        self.calls.append("begin")

    def send(self, _topic: str, **_fields: Any) -> Sent:
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
    publisher = TransactionalPublisher(lambda: next(producers), OutageGuard(60))
    outputs = [Output("topic", b"key", b"value")] * 3

    with pytest.raises(BatchAborted):
        publisher.publish(outputs, {}, GROUP)

    assert first.calls == ["init", "begin", "offsets", "abort", "close"]
    assert second.calls == ["init"]
