"""A member that missed a generation of its group goes on from what the group has committed, not from where it was.

kafka-python 3.0.12 can drop a finished join. What that join took away, the next one may give back as if nothing had been.
"""

from typing import Any

from kafka import ConsumerGroupMetadata, OffsetAndMetadata, TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.structs import MemberState

from consumers.intake import GroupIntake

KEPT, FRESH = TopicPartition("topic", 0), TopicPartition("topic", 1)
COMMITTED = 45


class RawRecord:
    """What the client hands out."""

    headers = ()
    timestamp = 0
    key = value = b""

    def __init__(self, place: TopicPartition, offset: int) -> None:
        self.topic, self.partition = place
        self.offset = offset


class Member:
    """A consumer of a group whose generations a test makes up."""

    def __init__(self) -> None:
        self.generation = 2
        self.state = MemberState.STABLE
        self.held = {KEPT}
        self.waiting: dict[TopicPartition, list[RawRecord]] = {}
        self.sought: dict[TopicPartition, int] = {}

    def subscribe(self, topics: list[str], listener: ConsumerRebalanceListener) -> None:
        self.names = set(topics)
        self.listener = listener

    def topics(self) -> set[str]:
        return self.names

    def poll(self, **_: Any) -> dict[TopicPartition, list[RawRecord]]:
        return self.waiting

    def group_metadata(self) -> ConsumerGroupMetadata:
        return ConsumerGroupMetadata(
            group_id="group", generation_id=self.generation, member_id="a", state=self.state
        )

    def assignment(self) -> set[TopicPartition]:
        return self.held

    def paused(self) -> set[TopicPartition]:
        return set(self.held)  # so that nobody asks how far it has read

    def committed(self, _partition: TopicPartition, *, metadata: bool, timeout_ms: int) -> OffsetAndMetadata:
        assert metadata
        assert timeout_ms > 0
        return OffsetAndMetadata(COMMITTED, "", -1)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.sought[partition] = offset

    def end_offsets(self, _partitions: object, timeout_ms: int) -> dict[Any, int]:
        assert timeout_ms > 0
        return {}


def joined() -> tuple[Member, GroupIntake]:
    """A member that is at work in generation 2."""
    member = Member()
    intake = GroupIntake(lambda: member, "topic", outage_deadline_s=60)
    intake.poll(0.1, 10)
    member.sought.clear()
    return member, intake


def test_what_was_kept_into_a_new_generation_is_read_again_from_what_is_committed() -> None:
    member, intake = joined()
    member.generation = 4
    member.waiting = {KEPT: [RawRecord(KEPT, 7)]}

    polled = intake.poll(0.1, 10)

    assert member.sought == {KEPT: COMMITTED}
    assert (polled.records, polled.revoked) == ((), {KEPT})
    assert polled.group.generation_id == 4


def test_what_the_new_generation_gave_was_looked_up_by_the_client_and_is_read_on() -> None:
    member, intake = joined()
    member.generation, member.held = 3, {KEPT, FRESH}
    member.listener.on_partitions_assigned({FRESH})
    member.waiting = {FRESH: [RawRecord(FRESH, 7)]}

    polled = intake.poll(0.1, 10)

    assert member.sought == {KEPT: COMMITTED}
    assert [record.offset for record in polled.records] == [7]
    assert (polled.revoked, polled.assigned) == ({KEPT}, {FRESH})


def test_what_an_earlier_generation_gave_is_not_taken_for_fresh() -> None:
    member, intake = joined()
    member.generation, member.held, member.state = 3, {KEPT, FRESH}, MemberState.REBALANCING
    member.listener.on_partitions_assigned({FRESH})
    member.generation, member.state = 5, MemberState.STABLE

    intake.poll(0.1, 10)

    assert member.sought == {KEPT: COMMITTED, FRESH: COMMITTED}


def test_nothing_is_read_again_while_the_generation_lasts() -> None:
    member, intake = joined()
    member.waiting = {KEPT: [RawRecord(KEPT, 7)]}

    polled = intake.poll(0.1, 10)

    assert member.sought == {}
    assert len(polled.records) == 1
