"""Copies of dead letters on the raw topic, each committed together with the marker that says so."""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Protocol

from kafka import KafkaProducer
from kafka.errors import InvalidProducerEpochError, KafkaError, ProducerFencedError

from consumers.process import OutageGuard
from consumers.publish import CLOSE_TIMEOUT_S, Output, producer_config, raise_if_hopeless, send
from consumers.read.letters import Ledger, LetterFilter, Place
from consumers.records import Record
from consumers.topic_reader import TopicReader, open_reader
from schemas.dead_letters import DeadLetter, RedriveMarker
from schemas.errors import InstanceFenced, ServerUnavailable
from schemas.settings import KafkaSettings

log = logging.getLogger(__name__)

LETTERS_A_TRANSACTION = 100
BYTES_A_TRANSACTION = 8 * 1024 * 1024
"""A transaction holds its letters in memory: of usual size a hundred of them, of a megabyte each, eight."""

TRANSACTION_TIMEOUT_S = 15.0
"""Readers of the raw topic wait so long for the open transaction of a redrive that was killed, scorers included."""


class StoredAt(Protocol):
    """Where the client says that it stored a record."""

    topic: str
    partition: int
    offset: int


class Redrive:
    """Puts letters back, each once; the package says why.

    Args:
        settings: where Kafka is and what the topics are called.
        make_producer: called with the arguments of the transactional producer.
        now: the time in UTC.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        make_producer: Callable[..., KafkaProducer] = KafkaProducer,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.done = 0
        """Letters whose copies are committed."""
        self._settings = settings
        self._make_producer = make_producer
        self._now = now
        self._guard = OutageGuard(settings.outage_deadline)

    def run(self, places: Collection[Place], progress: Callable[[int, int], None] = lambda *_: None) -> int:
        """Put back the letters at these places that have not gone back yet; returns how many.

        Args:
            places: letters that came from the raw topic.
            progress: told letters done, and letters in all.

        Raises:
            InstanceFenced: another redrive of the same topic took over.
            ConfigurationError: no retry can help, for example a missing permission.
            ServerUnavailable: Kafka stayed away. What is done is done, and the rest can be run again.
        """
        with (
            self._explained(),
            self._fencing_producer() as producer,
            open_reader(self._settings, self._settings.dead_letter_topic) as reader,
        ):
            waiting = self._still_waiting(reader, places)
            progress(0, len(waiting))
            for records in _transactions(_records_at(reader, waiting)):
                self._put_back(producer, records)
                self.done += len(records)
                progress(self.done, len(waiting))
        return self.done

    def _still_waiting(self, reader: TopicReader, places: Collection[Place]) -> set[Place]:
        """Those of the places without a marker. All earlier redrives have ended, so this stays true."""
        with open_reader(
            self._settings, self._settings.dead_letter_topic, isolation_level="read_uncommitted"
        ) as everything:
            high_watermarks = everything.ends()
        if reader.ends() != high_watermarks:
            log.info("waiting for the transactions that are open on %s", reader.topic)
        ledger = Ledger(LetterFilter(places=frozenset(places)))
        starts = _span(reader, places)
        reader.seek(starts)
        for record in reader.read_to({partition: high_watermarks[partition] for partition in starts}):
            ledger.enter(record)
        return set(ledger.waiting)

    def _put_back(self, producer: KafkaProducer, records: Sequence[Record]) -> None:
        raw_partitions = producer.partitions_for(self._settings.raw_topic)
        letters = [DeadLetter.from_headers(record.headers) for record in records]
        with self._guard.step("a Kafka transaction"):
            producer.begin_transaction()
            copies = [
                send(producer, self._copy(record, letter, raw_partitions))
                for record, letter in zip(records, letters, strict=True)
            ]
            producer.flush()
            markers = [
                send(producer, self._marker(record, copy.get()))
                for record, copy in zip(records, copies, strict=True)
            ]
            for marker in markers:
                marker.get()  # kafka-python 3.0.12 commits although it could not even send a record
            producer.commit_transaction()

    def _copy(self, record: Record, letter: DeadLetter, raw_partitions: Collection[int]) -> Output:
        """The refused bytes, in the partition where they stood: there the events of their product are in order."""
        source = letter.source_partition if letter.source_partition in raw_partitions else None
        return Output(
            self._settings.raw_topic, record.key, record.value, letter.origin.headers(), partition=source
        )

    def _marker(self, record: Record, copy: StoredAt) -> Output:
        marker = RedriveMarker(record.offset, copy.topic, copy.partition, copy.offset, self._now())
        return Output(record.topic, record.key, None, marker.headers(), partition=record.partition)

    @contextmanager
    def _fencing_producer(self) -> Iterator[KafkaProducer]:
        """A producer that has ended whatever redrive of this topic was at work."""
        name = f"{self._settings.dead_letter_topic}.redrive"
        producer = self._make_producer(
            **producer_config(self._settings, name),
            transactional_id=name,
            transaction_timeout_ms=int(TRANSACTION_TIMEOUT_S * 1000),
        )
        try:
            with self._guard.step("starting a transactional producer"):
                producer.init_transactions()
            yield producer
        finally:
            with suppress(KafkaError), self._guard.step("aborting a Kafka transaction"):
                producer.abort_transaction()
            with suppress(KafkaError):
                producer.close(timeout=CLOSE_TIMEOUT_S)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (ProducerFencedError, InvalidProducerEpochError) as error:
            raise InstanceFenced(
                f"another redrive took over after {self.done} letters were put back by this one; "
                "what is left can be redriven again"
            ) from error
        except KafkaError as error:
            raise_if_hopeless(error)
            raise ServerUnavailable(
                f"{self.done} letters were put back, then Kafka failed: {error!r}. Run it again: none goes back twice"
            ) from error


def _span(reader: TopicReader, places: Iterable[Place]) -> dict[int, int]:
    """Of each partition with a letter: where its first one stands, if it is still kept."""
    starts = reader.starts()
    first: dict[int, int] = {}
    for partition, offset in places:
        if partition in starts:
            first[partition] = max(starts[partition], min(offset, first.get(partition, offset)))
    return first


def _records_at(reader: TopicReader, places: Collection[Place]) -> Iterator[Record]:
    """The letters again, oldest first; this time with their bytes."""
    targets: dict[int, int] = {}
    for partition, offset in places:
        targets[partition] = max(offset + 1, targets.get(partition, 0))
    reader.seek(_span(reader, places))
    for record in reader.read_to(targets):
        if Place(record.partition, record.offset) in places:
            yield record


def _transactions(records: Iterable[Record]) -> Iterator[list[Record]]:
    """As many letters as a transaction takes, in the order in which they stood in their raw partitions."""
    taken: list[Record] = []
    size = 0
    for record in records:
        taken.append(record)
        size += len(record.value or b"")
        if len(taken) == LETTERS_A_TRANSACTION or size >= BYTES_A_TRANSACTION:
            yield _in_source_order(taken)
            taken, size = [], 0
    if taken:
        yield _in_source_order(taken)


def _in_source_order(records: Iterable[Record]) -> list[Record]:
    return sorted(records, key=lambda record: DeadLetter.from_headers(record.headers).source_offset)
