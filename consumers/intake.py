"""Poll: one member of a consumer group, healed when its client wedges, with rebalances made visible."""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from kafka import ConsumerGroupMetadata, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.errors import IllegalStateError, RetriableError
from kafka.structs import MemberState

from consumers.held_back import HELD_BACK_AFTER_S, HeldBackWatch, Reached
from consumers.process import Clock
from consumers.rebalances import RebalanceLog
from consumers.records import Offsets, Record, to_record
from consumers.silence import PROBE_TIMEOUT_S, HeldBack, SilenceGuard, held_back
from schemas.answers import Answer, answered
from schemas.errors import MissingTopic, ServerUnavailable

log = logging.getLogger(__name__)

JOIN_DEADLINE_S = 30.0
"""A member that polls this long without a stable assignment is wedged: kafka-python 3.0 can lose a finished
join when a short poll expires between JoinGroup and SyncGroup, and then polls nothing for ever. A rightful
rebalance waits for the slowest member's batch, which is seconds."""

UNSTABLE_POLL_S = 0.5
"""Polls are at least this long while the group rebalances: a short one is what wedges the client."""

POSITION_TIMEOUT_MS = 1000
"""The client knows the position of a partition that it reads; only that of a new one needs asking."""


@dataclass(frozen=True)
class Polled:
    """Records in partition order, the membership they were read under, and what a rebalance took or gave.

    Records of newly assigned partitions may be among ``records``; those of revoked ones are not. What is kept through a
    rebalance counts as revoked too: it is read again from what the group has committed. Committing
    under ``group`` is refused by the broker if a later rebalance gave the partitions to another member.
    """

    group: ConsumerGroupMetadata
    records: tuple[Record, ...] = ()
    revoked: frozenset[TopicPartition] = frozenset()
    assigned: frozenset[TopicPartition] = frozenset()


def _identity(membership: ConsumerGroupMetadata) -> tuple[Any, Any]:
    return membership.member_id, membership.generation_id


def _missing(topic: str) -> MissingTopic:
    return MissingTopic(f"topic {topic!r} does not exist; create the topics with: reviewstream init")


class GroupIntake:
    """Polls one topic as a member of a group. Call it from one thread.

    Every method that asks Kafka raises ``ServerUnavailable`` once there was no answer for the outage deadline.
    """

    def __init__(
        self,
        make_consumer: Callable[[], KafkaConsumer],
        topic: str,
        *,
        outage_deadline_s: float,
        clock: Clock = time.monotonic,
        pause: Callable[[float], object] = time.sleep,
        join_deadline_s: float = JOIN_DEADLINE_S,
        held_back_after_s: float = HELD_BACK_AFTER_S,
    ) -> None:
        self._make_consumer = make_consumer
        self._topic = topic
        self._outage_deadline_s = outage_deadline_s
        self._timeout_ms = int(outage_deadline_s * 1000)
        self._clock = clock
        self._pause = pause
        self._join_deadline_s = join_deadline_s
        self._silence = SilenceGuard(self._probe, outage_deadline_s, clock)
        self._held_back = HeldBackWatch(self._stable_ends, clock, held_back_after_s)
        self._rebalances = RebalanceLog(lambda: int(self.consumer.group_metadata().generation_id))
        self._group = ConsumerGroupMetadata(group_id=None)
        self._open()
        self.heals = 0
        """How often a wedged client was replaced."""

    @property
    def held_back(self) -> int:
        """Records and markers that stand behind a transaction which has been open for suspiciously long."""
        return self._held_back.records

    def poll(self, timeout_s: float, max_records: int) -> Polled:
        """Records that have arrived, waiting at most about ``timeout_s`` seconds for the first."""
        self._heal_if_wedged()
        if not self._stable():
            timeout_s = max(timeout_s, UNSTABLE_POLL_S)
        by_partition = self._poll_client(timeout_s, max_records)
        # Asked before what was revoked, so that the membership is never newer than the answer. While the group
        # rebalances the client already shows the next generation, whose revocations are not known yet.
        membership = self.consumer.group_metadata()
        if by_partition:
            self._silence.heard()
        else:
            self._silence.check()
        self._held_back.look(self._reached)
        revoked, given = self._rebalances.take()
        kept: frozenset[TopicPartition] = frozenset()
        if membership.state == MemberState.STABLE:
            if _identity(membership) != _identity(self._group):
                kept = self._kept(given, membership.generation_id)
                self._go_back(kept)
            self._group = membership
        revoked, assigned = revoked | kept, frozenset(given) - kept
        records = tuple(
            to_record(raw)
            for partition, raws in by_partition.items()
            if partition not in revoked or partition in assigned
            for raw in raws
        )
        return Polled(self._group, records, revoked, assigned)

    def rewind(self) -> None:
        """Go back to what the group has committed, wherever polling had got to."""
        self._go_back(self.consumer.assignment())

    def _kept(self, given: Mapping[TopicPartition, int], generation: int) -> frozenset[TopicPartition]:
        """What the client kept on entering a generation, without looking up what is committed.

        It may have been another member's in between. kafka-python 3.0.12 drops a finished join when a short poll ends
        before it, and with it that partitions were taken away; and a member that was thrown out claims its old partitions
        when it comes back, so that they are handed over in one step.
        """
        fresh = {partition for partition, since in given.items() if since == generation}
        return frozenset(self.consumer.assignment()) - fresh

    def _go_back(self, partitions: Iterable[TopicPartition]) -> None:
        for partition in partitions:
            committed = self._committed(partition)
            if committed is None:
                self.consumer.seek_to_beginning(partition)
            else:
                self.consumer.seek(partition, committed.offset)

    def bounds(
        self, partitions: Iterable[TopicPartition]
    ) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
        """First offset, and the offset after the last committed record, of each partition."""
        wanted = list(partitions)
        bounds = self.consumer.beginning_offsets, self.consumer.end_offsets
        starts, ends = (
            self._answered(partial(bound, wanted, timeout_ms=self._timeout_ms)) for bound in bounds
        )
        return starts, ends

    def position(self, partition: TopicPartition) -> int | None:
        """The next offset to read; None while it is being looked up, or if the partition is not ours any more."""
        try:
            position: int | None = self.consumer.position(partition, timeout_ms=POSITION_TIMEOUT_MS)
        except (IllegalStateError, KeyError):  # a rebalance on the client's thread took it away just now
            return None
        except RetriableError as error:  # its leader moved or came back, and the client could not ask it yet
            log.debug("a position is not known yet: %r", error)
            return None
        return position

    def positions(self) -> dict[TopicPartition, int]:
        """The next offset to read of each partition that we have, as far as it is known."""
        known = {partition: self.position(partition) for partition in self.consumer.assignment()}
        return {partition: position for partition, position in known.items() if position is not None}

    def _reached(self) -> dict[TopicPartition, Reached]:
        """Of the partitions that are being read, as far as Kafka has told."""
        reading = self.consumer.assignment() - self.consumer.paused()
        return {
            partition: Reached(position, end)
            for partition in reading
            if (end := self._end(partition)) is not None
            and (position := self.position(partition)) is not None
        }

    def _end(self, partition: TopicPartition) -> int | None:
        """The end of the log as the last fetch told it, open transactions included."""
        try:
            end: int | None = self.consumer.highwater(partition)
        except (IllegalStateError, KeyError):  # a rebalance on the client's thread took it away just now
            return None
        return end

    def _stable_ends(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        ends: dict[TopicPartition, int] = self.consumer.end_offsets(
            list(partitions), timeout_ms=int(PROBE_TIMEOUT_S * 1000)
        )
        return ends

    def keep_membership(self) -> Polled:
        """Poll nothing, but stay in the group: for waiting while a server downstream is away.

        A record that slips in belongs to a newly assigned partition, to which the caller has to seek anyway.
        """
        held = self.consumer.assignment()
        positions = {partition: self.position(partition) for partition in held}
        self.consumer.pause(*held)
        try:
            return self.poll(0.0, 1)
        finally:
            still_held = held & self.consumer.assignment()
            self.consumer.resume(*still_held)
            # kafka-python 3.0.12 can forget the rest of a fetch that was paused midway; a seek fetches it again.
            for partition in still_held:
                if (position := positions[partition]) is not None:
                    self.consumer.seek(partition, position)

    def note(self, partition: TopicPartition) -> str:
        """What the group has noted beside its committed offset; empty if there is none."""
        committed = self._committed(partition)
        return "" if committed is None else str(committed.metadata or "")

    def count_partitions(self, topic: str) -> int:
        """How many partitions any topic has.

        Raises:
            MissingTopic: there is no such topic.
        """
        partitions = self._answered(lambda: self.consumer.partitions_for_topic(topic))
        if not partitions:
            raise _missing(topic)
        return len(partitions)

    def lists(self, topic: str) -> bool:
        """Whether there was another topic that we may see when we connected."""
        return topic in self._listed

    def commit(self, offsets: Offsets) -> None:
        """Commit the next offsets to read, outside any transaction."""
        self.consumer.commit(offsets)

    def close(self) -> None:
        """Leave the group, so that others take over at once."""
        self.consumer.close(autocommit=False, timeout_ms=5000)

    def _poll_client(self, timeout_s: float, max_records: int) -> Mapping[TopicPartition, Sequence[Any]]:
        try:
            polled: Mapping[TopicPartition, Sequence[Any]] = self.consumer.poll(
                timeout_ms=int(timeout_s * 1000), max_records=max_records
            )
        except RetriableError as error:
            # kafka-python 3.0.12 raises a failed refresh of its metadata here, while it looks for the coordinator.
            log.debug("a poll failed and will be repeated: %r", error)
            return {}
        return polled

    def _open(self) -> None:
        self.consumer, self._listed = self._answered(self._connect)
        if self._topic not in self._listed:
            self.consumer.close(autocommit=False)
            raise _missing(self._topic)
        self._last_stable = self._clock()

    def _connect(self) -> tuple[KafkaConsumer, set[str]]:
        consumer = self._make_consumer()
        try:
            consumer.subscribe([self._topic], listener=self._rebalances)
            # Metadata that arrives after the first join would make the client join again: ask for it before.
            return consumer, consumer.topics()
        except RetriableError:
            consumer.close(autocommit=False, timeout_ms=0)
            raise

    def _answered(self, question: Callable[[], Answer]) -> Answer:
        return answered(
            question,
            self._topic,
            deadline_s=self._outage_deadline_s,
            clock=self._clock,
            pause=self._pause,
        )

    def _committed(self, partition: TopicPartition) -> OffsetAndMetadata | None:
        try:
            return self._answered(
                lambda: self.consumer.committed(partition, metadata=True, timeout_ms=self._timeout_ms)
            )
        except ServerUnavailable as silent:
            try:
                self._ask_for_an_end(PROBE_TIMEOUT_S)
            except RetriableError:
                raise silent from None
            raise ServerUnavailable(held_back(self._outage_deadline_s)) from silent

    def _ask_for_an_end(self, timeout_s: float) -> None:
        self.consumer.end_offsets([TopicPartition(self._topic, 0)], timeout_ms=int(timeout_s * 1000))

    def _probe(self, timeout_s: float) -> None:
        self._ask_for_an_end(timeout_s)
        if any(self.position(partition) is None for partition in self.consumer.assignment()):
            raise HeldBack

    def _stable(self) -> bool:
        return bool(self.consumer.group_metadata().state == MemberState.STABLE)

    def _heal_if_wedged(self) -> None:
        now = self._clock()
        if self._stable():
            self._last_stable = now
        elif now - self._last_stable > self._join_deadline_s:
            log.warning("no stable assignment for %.0f s: replacing the Kafka client", self._join_deadline_s)
            self._rebalances.on_partitions_revoked(self.consumer.assignment())
            self.close()
            self._open()
            self.heals += 1
