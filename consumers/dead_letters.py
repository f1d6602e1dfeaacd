"""Dead letters: a refused record's own bytes, with headers that say why and where from."""

from collections.abc import Callable, Sequence
from datetime import datetime

from kafka import KafkaProducer
from kafka.errors import KafkaError

from consumers.process import OutageGuard
from consumers.publish import Output, raise_if_hopeless, send_all
from consumers.records import Record
from schemas.dead_letters import DeadLetter
from schemas.errors import InvalidEvent, ServerUnavailable


class DeadLetterSender:
    """Publishes the aggregator's dead letters; connects at the first one, since most never come."""

    def __init__(self, make_producer: Callable[[], KafkaProducer], guard: OutageGuard) -> None:
        self._make_producer = make_producer
        self._guard = guard
        self._producer: KafkaProducer | None = None

    def __call__(self, letters: Sequence[Output]) -> None:
        """Publish and wait until every letter is stored.

        Raises:
            ConfigurationError: no retry can help.
            ServerUnavailable: Kafka did not take them within the outage deadline.
        """
        try:
            with self._guard.step("publishing dead letters"):
                if self._producer is None:
                    self._producer = self._make_producer()
                send_all(self._producer, letters)
        except KafkaError as error:
            raise_if_hopeless(error)
            raise ServerUnavailable(f"dead letters could not be published: {error!r}") from error


def dead_letter_output(record: Record, why: InvalidEvent, topic: str, failed_at: datetime) -> Output:
    """The record's own bytes, with headers that say why and where from."""
    letter = DeadLetter(
        reason=why.reason,
        detail=why.detail,
        source_topic=record.topic,
        source_partition=record.partition,
        source_offset=record.offset,
        source_timestamp_ms=record.written_ms,
        failed_at=failed_at,
    )
    return Output(topic, record.key, record.value, letter.headers())
