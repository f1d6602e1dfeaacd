"""A scored topic of its own for a test, written as the scorer writes: in transactions."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from schemas.events import ScoredReview
from schemas.settings import ReaderSettings


@contextmanager
def open_scored_topic(settings: ReaderSettings) -> "Iterator[ScoredTopic]":
    """Connect to the topic that ``settings`` name."""
    servers, topic = settings.bootstrap_servers, settings.scored_topic
    with (
        closing(
            KafkaProducer(bootstrap_servers=servers, transactional_id=topic, retry_backoff_ms=1)
        ) as producer,
        closing(KafkaConsumer(bootstrap_servers=servers, isolation_level="read_committed")) as watcher,
    ):
        producer.init_transactions()
        yield ScoredTopic(settings, producer, watcher)


class ScoredTopic:
    """Each call of ``publish`` is a transaction, whose marker takes the offset after its last record.

    The marker is written a moment after the commit returns; here every call waits for it.
    """

    def __init__(self, settings: ReaderSettings, producer: KafkaProducer, watcher: KafkaConsumer) -> None:
        self.settings = settings
        self.name = settings.scored_topic
        self._producer = producer
        self._watcher = watcher

    def publish(self, *events: ScoredReview, partition: int = 0, at_ms: int | None = None) -> list[int]:
        """Commit events; returns their offsets."""
        return self.publish_bytes(*(event.to_json() for event in events), partition=partition, at_ms=at_ms)

    def publish_bytes(self, *values: bytes, partition: int = 0, at_ms: int | None = None) -> list[int]:
        """Commit records of whatever content; returns their offsets."""
        self._producer.begin_transaction()
        offsets = self._send(values, partition, at_ms)
        self._producer.commit_transaction()
        self._wait_for_marker(partition, offsets)
        return offsets

    def abort(self, *events: ScoredReview, partition: int = 0) -> None:
        """Write events in a transaction that is aborted."""
        self._producer.begin_transaction()
        offsets = self._send(tuple(event.to_json() for event in events), partition, None)
        self._producer.abort_transaction()
        self._wait_for_marker(partition, offsets)

    def ends(self) -> dict[int, int]:
        """The offset after the last record or marker of each partition."""
        places = [
            TopicPartition(self.name, number) for number in self._watcher.partitions_for_topic(self.name)
        ]
        return {place.partition: end for place, end in self._watcher.end_offsets(places).items()}

    def add_partitions(self, total: int) -> None:
        """Grow the topic to so many partitions."""
        with self._admin() as admin:
            admin.create_partitions({self.name: total})

    def delete_before(self, offset: int) -> None:
        """Lose the first records of partition 0, as by retention."""
        with self._admin() as admin:
            admin.delete_records({TopicPartition(self.name, 0): offset})

    def _send(self, values: tuple[bytes, ...], partition: int, at_ms: int | None) -> list[int]:
        sends = [
            self._producer.send(self.name, value, b"key", partition=partition, timestamp_ms=at_ms)
            for value in values
        ]
        return [sent.get(timeout=60).offset for sent in sends]

    def _wait_for_marker(self, partition: int, offsets: list[int]) -> None:
        place = TopicPartition(self.name, partition)
        while self._watcher.end_offsets([place])[place] <= offsets[-1] + 1:
            pass

    def _admin(self) -> KafkaAdminClient:
        return KafkaAdminClient(bootstrap_servers=self.settings.bootstrap_servers)
