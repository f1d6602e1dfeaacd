"""Publish: labelled events, dead letters and consumed offsets, all or none."""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

from kafka import ConsumerGroupMetadata, KafkaProducer
from kafka.errors import (
    InvalidProducerEpochError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    ProducerFencedError,
    RecordListTooLargeError,
)

from consumers.process import Clock, OutageGuard
from consumers.records import Offsets
from schemas.dead_letters import Headers
from schemas.errors import BatchAborted, ConfigurationError, InstanceFenced, ServerUnavailable
from schemas.kafka_client import FrankClient
from schemas.refusals import raise_if_refused
from schemas.settings import KafkaSettings
from schemas.topics import DEAD_LETTER_MAX_BYTES

log = logging.getLogger(__name__)

MAX_FENCINGS = 3
FENCING_WINDOW_S = 60.0
"""A process fenced this often within the window has a rival with the same instance id. Kafka also fences the producer of
a transaction that timed out, because we were suspended or the broker was away; such a fencing does not count."""

CLOSE_TIMEOUT_S = 1.0

RETRY_BACKOFF_MS = 1
"""After a commit the coordinator answers CONCURRENT_TRANSACTIONS for some milliseconds, and the client waits this
long before it asks again: at its default of 100 ms one transaction in twenty takes over 200 ms."""


@dataclass(frozen=True)
class Output:
    """One record to publish."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = field(default_factory=list)
    partition: int | None = None
    """None: chosen by the key."""


class PatientClient(FrankClient):
    """Answers that a node is not ready, where kafka-python 3.0.12 raises instead.

    Its producer expects the answer. On the exception it forgets the transactional request that it was about to send, and
    waits for the response for ever: one restart of the broker in four ended so.
    """

    def await_ready(self, node_id: Any, timeout_ms: float = 30_000) -> bool:
        try:
            return bool(super().await_ready(node_id, timeout_ms=timeout_ms))
        except KafkaConnectionError:
            return False


class Publisher(Protocol):
    """Publishes a micro-batch and remembers that it did."""

    def publish(self, outputs: Sequence[Output], offsets: Offsets, group: ConsumerGroupMetadata) -> None:
        """Publish ``outputs`` and commit ``offsets`` (the next to read) for the group.

        Raises:
            BatchAborted: not done; read again from the group's committed offsets.
            InstanceFenced: another process runs under this instance id.
            ConfigurationError: no retry can help, for example a missing permission.
        """

    def close(self) -> None:
        """Release the connections; nothing is in flight between two calls of ``publish``."""


def producer_config(settings: KafkaSettings, client_id: str) -> dict[str, Any]:
    """Arguments of an idempotent producer for whole records, dead letters included."""
    deadline_ms = int(settings.outage_deadline * 1000)
    client = settings.client_config()
    return {
        **client,
        "client_id": client_id,
        "kafka_client": PatientClient,
        "acks": "all",
        "enable_idempotence": True,
        "max_block_ms": deadline_ms,
        "delivery_timeout_ms": max(deadline_ms, client["request_timeout_ms"]),
        "retry_backoff_ms": RETRY_BACKOFF_MS,
        "max_request_size": DEAD_LETTER_MAX_BYTES,
        "batch_size": 65_536,
        "allow_auto_create_topics": False,
    }


class TransactionalPublisher:
    """Exactly once: outputs and offsets are one Kafka transaction.

    Every record is stored before the commit is asked for. kafka-python 3.0.12 reports success for the commit of a
    transaction that the broker has aborted, if a record's refusal is how it learns of that; and it commits without a record
    that it has given up.

    A producer does not outlive a failed transaction. kafka-python 3.0.12 would commit that one's offsets with the next
    transaction, for partitions that may be another member's by then. And starting the successor ends whatever was left
    open, so that the group's committed offsets are final before they are read again.
    """

    def __init__(
        self,
        make_producer: Callable[[], KafkaProducer],
        guard: OutageGuard,
        *,
        transaction_timeout_s: float,
        clock: Clock = time.monotonic,
    ) -> None:
        self._make_producer = make_producer
        self._guard = guard
        self._transaction_timeout_s = transaction_timeout_s
        self._clock = clock
        self._began = clock()
        self._fencings: deque[float] = deque(maxlen=MAX_FENCINGS)
        self._producer: KafkaProducer | None = None
        self._replace_producer()

    def publish(self, outputs: Sequence[Output], offsets: Offsets, group: ConsumerGroupMetadata) -> None:
        try:
            producer = self._ready_producer()
            with self._guard.step("a Kafka transaction"):
                self._began = self._clock()
                producer.begin_transaction()
                sends = [send(producer, output) for output in outputs]
                producer.send_offsets_to_transaction(offsets, group)
                for sent in sends:
                    sent.get()
                producer.commit_transaction()
        except KafkaError as error:
            timed_out = self._clock() - self._began >= self._transaction_timeout_s
            self._note_failure(error, timed_out=timed_out)
            self._replace_producer()
            raise BatchAborted(f"the transaction failed: {error!r}") from error

    def close(self) -> None:
        self._discard_producer()

    def _ready_producer(self) -> KafkaProducer:
        if self._producer is None:
            self._producer = self._make_producer()
            with self._guard.step("starting a transactional producer"):
                # Also aborts what a killed predecessor of the same name left open.
                self._producer.init_transactions()
        return self._producer

    def _replace_producer(self) -> None:
        self._discard_producer()
        try:
            self._ready_producer()
        except KafkaTimeoutError as error:
            raise ServerUnavailable(
                f"Kafka did not take a transactional producer in time: {error!r}"
            ) from error
        except KafkaError as error:
            self._note_failure(error, timed_out=False)
            self._discard_producer()
            log.info("no new transactional producer yet: %r", error)

    def _discard_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is None:
            return
        with suppress(KafkaError), self._guard.step("aborting a Kafka transaction"):
            producer.abort_transaction()  # also fails what is still to be sent, which ``close`` would wait for
        with suppress(KafkaError):
            producer.close(timeout=CLOSE_TIMEOUT_S)

    def _note_failure(self, error: KafkaError, *, timed_out: bool) -> None:
        """Tell what a retry cannot help; ``timed_out`` says that Kafka may have ended the transaction by itself.

        Raises:
            ConfigurationError: with what to change.
            InstanceFenced: another process runs under this instance id.
        """
        raise_if_hopeless(error)
        if isinstance(error, ProducerFencedError | InvalidProducerEpochError) and not timed_out:
            self._count_fencing(error)

    def _count_fencing(self, error: KafkaError) -> None:
        now = self._clock()
        self._fencings.append(now)
        if len(self._fencings) == MAX_FENCINGS and now - self._fencings[0] < FENCING_WINDOW_S:
            raise InstanceFenced(
                "another process runs under this instance id and keeps taking over; "
                "give each its own REVIEWSTREAM_INSTANCE_ID, or none at all"
            ) from error


class AtLeastOncePublisher:
    """Outputs first, offsets after: a crash between the two publishes some records again."""

    def __init__(
        self,
        producer: KafkaProducer,
        commit: Callable[[Offsets], None],
        guard: OutageGuard,
    ) -> None:
        self._producer = producer
        self._commit = commit
        self._guard = guard

    def publish(self, outputs: Sequence[Output], offsets: Offsets, group: ConsumerGroupMetadata) -> None:
        del group  # the consumer's own commit is fenced by its generation
        try:
            with self._guard.step("publishing and committing"):
                send_all(self._producer, outputs)
                self._commit(offsets)
        except KafkaError as error:
            raise_if_hopeless(error)
            raise BatchAborted(f"the batch was not committed: {error!r}") from error

    def close(self) -> None:
        with suppress(KafkaError):
            self._producer.close(timeout=CLOSE_TIMEOUT_S)


def raise_if_hopeless(error: KafkaError) -> None:
    """Tell apart the errors that every retry would meet again.

    Raises:
        ConfigurationError: with what to change.
    """
    if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
        _stop(
            f"a record is too large for its topic; raise max.message.bytes to {DEAD_LETTER_MAX_BYTES}", error
        )
    raise_if_refused(error)


def _stop(advice: str, error: KafkaError) -> NoReturn:
    raise ConfigurationError(f"{advice} ({error!r})") from error


def send_all(producer: KafkaProducer, outputs: Sequence[Output]) -> None:
    """Send, and wait until every output is stored.

    Raises:
        KafkaError: one of them was not.
    """
    for sent in [send(producer, output) for output in outputs]:
        sent.get()  # raises what the send ended in


def send(producer: KafkaProducer, output: Output) -> Any:
    """Hand one output to the client; the future says where it was stored."""
    # The client refuses a record without key and value; an empty key keeps such a dead letter.
    key = b"" if output.key is None and output.value is None else output.key
    return producer.send(
        output.topic, key=key, value=output.value, headers=output.headers, partition=output.partition
    )
