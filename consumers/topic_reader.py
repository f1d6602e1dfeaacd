"""Read a topic outside any group: all its partitions, committed records only, and nobody else is disturbed."""

import logging
import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, Literal

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaTimeoutError, RetriableError

from consumers.group_consumer import FETCH_MAX_BYTES
from consumers.intake import POSITION_TIMEOUT_MS
from consumers.odd_headers import tolerate_odd_headers
from consumers.process import Clock
from consumers.records import Record, to_record
from consumers.silence import SilenceGuard
from schemas.answers import Answer, answered
from schemas.errors import MissingTopic, ServerUnavailable
from schemas.settings import KafkaSettings
from schemas.topic_access import require_topics

log = logging.getLogger(__name__)

POLL_S = 0.5

FETCH_WAIT_S = 0.5
"""How long Kafka may hold back the answer to a fetch until there is something to tell."""

METADATA_MAX_AGE_S = 5.0
"""Partitions added to a live topic are noticed within this time, which is short enough for a person who watches."""

NO_LIMIT = sys.maxsize
"""Polls take fetched data whole. kafka-python 3.0.12 never hands out the rest of a partition's data if the partition
is paused within it and another one is read before it is resumed. ``FETCH_MAX_BYTES`` bounds what comes."""


@contextmanager
def open_reader(
    settings: KafkaSettings,
    topic: str,
    *,
    isolation_level: Literal["read_committed", "read_uncommitted"] = "read_committed",
    fetch_wait_s: float = FETCH_WAIT_S,
    clock: Clock = time.monotonic,
) -> Iterator["TopicReader"]:
    """Connect and take all partitions of ``topic``; ``seek`` before the first poll.

    Args:
        settings: where Kafka is.
        topic: what to read.
        isolation_level: whether to wait for transactions.
        fetch_wait_s: short for who must not wait: Kafka answers the requests of a connection in turn, so any question to
            it, also a sign of life in a silence, waits for the answer to the fetch before it.
        clock: seconds, never going back.

    Raises:
        MissingTopic: there is no such topic.
        ConfigurationError: Kafka refuses us, or denies us this topic.
        ServerUnavailable: no broker answered within the outage deadline.
    """
    tolerate_odd_headers()
    try:
        consumer = KafkaConsumer(
            **settings.client_config(),
            enable_auto_commit=False,
            auto_offset_reset="earliest",  # of records that retention deletes under a reader
            isolation_level=isolation_level,
            fetch_max_bytes=FETCH_MAX_BYTES,
            fetch_max_wait_ms=int(fetch_wait_s * 1000),
            metadata_max_age_ms=int(METADATA_MAX_AGE_S * 1000),
            allow_auto_create_topics=False,
        )
    except KafkaTimeoutError as error:
        raise ServerUnavailable(
            f"no Kafka broker answered at {settings.bootstrap_servers} for {settings.outage_deadline:.0f} s; "
            "are address and protocol right (--bootstrap-servers, --security-protocol)?"
        ) from error
    try:
        partitions = answered(
            lambda: consumer.partitions_for_topic(topic), topic, deadline_s=settings.outage_deadline
        )
        if not partitions:
            require_topics(settings, {topic: "READ"})  # says why
        yield TopicReader(consumer, topic, outage_deadline=settings.outage_deadline, clock=clock)
    finally:
        consumer.close(autocommit=False, timeout_ms=1000)


class TopicReader:
    """All partitions of one topic. Positions and offsets are by partition number; call it from one thread."""

    def __init__(self, consumer: KafkaConsumer, topic: str, *, outage_deadline: float, clock: Clock) -> None:
        self.topic = topic
        self._consumer = consumer
        self._outage_deadline = outage_deadline
        self._silence = SilenceGuard(self._probe, outage_deadline, clock)
        self.partitions: set[int] = self._answered(lambda: consumer.partitions_for_topic(topic))
        if not self.partitions:
            raise MissingTopic(f"topic {topic!r} does not exist; create the topics with: reviewstream init")
        consumer.assign(self._assignment())

    def lists(self, topic: str) -> bool:
        """Whether there is another topic that we may see."""
        return topic in self._answered(self._consumer.topics)

    def starts(self) -> dict[int, int]:
        """The first offset that is still kept."""
        return self._ask(self._consumer.beginning_offsets, self._assignment())

    def ends(self) -> dict[int, int]:
        """The offset after the last committed record, or after its transaction's marker."""
        return self._ask(self._consumer.end_offsets, self._assignment())

    def offsets_at(self, instant: datetime) -> dict[int, int]:
        """The first offset whose record is not older than ``instant``; the end where there is none."""
        ends = self.ends()
        milliseconds = max(0, int(instant.timestamp() * 1000))
        found = self._ask(self._consumer.offsets_for_times, dict.fromkeys(self._assignment(), milliseconds))
        return {partition: ends[partition] if at is None else at.offset for partition, at in found.items()}

    def seek(self, offsets: Mapping[int, int]) -> None:
        """Go on reading at these offsets."""
        for partition, offset in offsets.items():
            self._consumer.seek(TopicPartition(self.topic, partition), offset)

    def position(self, partition: int) -> int:
        """The next offset to read. It moves past transaction markers too, which no record tells of.

        Raises:
            ServerUnavailable: Kafka has not said where that is for the outage deadline.
        """
        place = TopicPartition(self.topic, partition)
        position: int = self._answered(lambda: self._consumer.position(place))
        return position

    def positions(self) -> dict[int, int]:
        """The next offset to read of each partition, as far as it is known: the leader of one may be away."""
        known = {}
        for partition in self.partitions:
            with suppress(RetriableError):
                known[partition] = self._consumer.position(
                    TopicPartition(self.topic, partition), timeout_ms=POSITION_TIMEOUT_MS
                )
        return {partition: position for partition, position in known.items() if position is not None}

    def poll(self, timeout_s: float = POLL_S) -> tuple[Record, ...]:
        """Records that have arrived, waiting at most about ``timeout_s`` seconds for the first.

        Raises:
            ServerUnavailable: Kafka has been silent for longer than the outage deadline.
        """
        polled: Mapping[TopicPartition, Sequence[Any]] = {}
        with suppress(RetriableError):  # of a refresh of metadata; it is repeated
            polled = self._consumer.poll(timeout_ms=int(timeout_s * 1000), max_records=NO_LIMIT)
        if polled:
            self._silence.heard()
        else:
            self._silence.check()
        return tuple(to_record(raw) for raws in polled.values() for raw in raws)

    def poll_only(self, partitions: Collection[int]) -> tuple[Record, ...]:
        """As ``poll``, but only of some partitions; the others keep their positions.

        Raises:
            ServerUnavailable: Kafka has been silent for longer than the outage deadline.
        """
        for place in self._assignment():
            (self._consumer.resume if place.partition in partitions else self._consumer.pause)(place)
        return self.poll()

    def read_to(self, targets: Mapping[int, int]) -> Iterator[Record]:
        """All records below ``targets``, merged by time; each partition keeps its own order.

        So records with the same key stay in order although partitions were added in between. At most a poll's
        records of each partition wait in memory. Whether a partition is done is judged by its position: a transaction's
        marker may be what stands last.

        Args:
            targets: by partition; those without a target are not read. One past the last
                stable offset waits for the transactions before it; none may lie past the end.
        """
        waiting: dict[int, deque[Record]] = {partition: deque() for partition in targets}
        latest = dict.fromkeys(targets, 0)
        while True:
            empty = {partition for partition, records in waiting.items() if not records}
            for partition in [done for done in empty if self.position(done) >= targets[done]]:
                empty.discard(partition)
                del waiting[partition]
            if not waiting:
                return
            if empty:
                for record in self.poll_only(empty):
                    if record.offset < targets[record.partition]:
                        waiting[record.partition].append(record)
                continue
            first = min(waiting, key=lambda number: max(latest[number], waiting[number][0].timestamp_ms))
            record = waiting[first].popleft()
            latest[first] = max(latest[first], record.timestamp_ms)
            yield record

    def take_up_new_partitions(self) -> None:
        """Read partitions that were added to the topic from their beginning."""
        known = self._answered(lambda: self._consumer.partitions_for_topic(self.topic))
        added: set[int] = known - self.partitions
        if added:
            log.info("%s has new partitions: %s", self.topic, sorted(added))
            self.partitions = self.partitions | added
            self._consumer.assign(self._assignment())
            self._consumer.seek_to_beginning(*(TopicPartition(self.topic, partition) for partition in added))

    def _assignment(self) -> list[TopicPartition]:
        return [TopicPartition(self.topic, partition) for partition in sorted(self.partitions)]

    def _ask(self, question: Callable[..., Mapping[TopicPartition, Any]], argument: object) -> dict[int, Any]:
        timeout_ms = int(self._outage_deadline * 1000)
        answer = self._answered(lambda: question(argument, timeout_ms=timeout_ms))
        return {place.partition: value for place, value in answer.items()}

    def _answered(self, question: Callable[[], Answer]) -> Answer:
        return answered(question, self.topic, deadline_s=self._outage_deadline)

    def _probe(self, timeout_s: float) -> None:
        self._consumer.end_offsets(self._assignment(), timeout_ms=int(timeout_s * 1000))
