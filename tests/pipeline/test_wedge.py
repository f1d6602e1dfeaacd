"""A client that stops getting records without saying so is replaced, and a Kafka that stops answering is given up."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import uuid4

import pytest
from kafka import ConsumerGroupMetadata, KafkaConsumer, TopicPartition
from kafka.errors import KafkaConnectionError, KafkaTimeoutError
from kafka.structs import MemberState
from raw_topics import Raw, Topics, review
from waiting import eventually

from consumers.group_consumer import group_consumer
from consumers.intake import JOIN_DEADLINE_S, GroupIntake
from schemas.errors import ServerUnavailable

STARTS = 25
SHORT_POLL_S = 0.05
OUTAGE_S = 60.0


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


class Wedged:
    """A consumer that has lost its finished join: no stable assignment and no records, ever."""

    def __init__(self, *, kafka_answers: bool = True) -> None:
        self.closed = False
        self._kafka_answers = kafka_answers

    def group_metadata(self) -> ConsumerGroupMetadata:
        return ConsumerGroupMetadata(group_id="group", state=MemberState.REBALANCING)

    def poll(self, **_: Any) -> dict[Any, Any]:
        return {}

    def topics(self) -> set[str]:
        return {self._topic}

    def assignment(self) -> set[Any]:
        return set()

    def paused(self) -> set[Any]:
        return set()

    def subscribe(self, topics: list[str], listener: object) -> None:
        (self._topic,) = topics
        self.listener = listener

    def end_offsets(self, _partitions: object, timeout_ms: int) -> dict[Any, int]:
        if not self._kafka_answers:
            raise KafkaTimeoutError(f"no answer for {timeout_ms} ms")
        return {}

    def close(self, **_: Any) -> None:
        self.closed = True


class Disconnected(Wedged):
    """A stable member whose metadata cannot be refreshed; the real client raises that from a poll."""

    def group_metadata(self) -> ConsumerGroupMetadata:
        return ConsumerGroupMetadata(group_id="group", state=MemberState.STABLE)

    def poll(self, **_: Any) -> dict[Any, Any]:
        raise KafkaConnectionError("111 ECONNREFUSED")

    def position(self, _partition: object, **_: Any) -> int:
        raise KafkaConnectionError("111 ECONNREFUSED")


class Unlucky(Wedged):
    """Let in by a broker that is gone at the first question."""

    def topics(self) -> set[str]:
        raise KafkaConnectionError("111 ECONNREFUSED")


def real_consumer(topics: Topics) -> KafkaConsumer:
    """Of a new group."""
    return group_consumer(topics.settings(), f"{topics.group}-{uuid4().hex}", "client", session_timeout_s=6)


def intake_of(consumers: Iterator[Any], topic: str, clock: Clock) -> GroupIntake:
    return GroupIntake(
        lambda: next(consumers), topic, clock=clock, pause=clock.pass_by, outage_deadline_s=OUTAGE_S
    )


def test_a_client_without_an_assignment_is_replaced_after_the_deadline(topics: Topics) -> None:
    clock, wedged = Clock(), Wedged()
    topics.publish(Raw(review("r1")))

    with closing(intake_of(iter([wedged, real_consumer(topics)]), topics.raw, clock)) as intake:
        assert intake.poll(SHORT_POLL_S, 10).records == ()
        clock.now = JOIN_DEADLINE_S + 1

        (record,) = eventually(lambda: intake.poll(SHORT_POLL_S, 10).records)

    assert record.value == review("r1")
    assert (intake.heals, wedged.closed) == (1, True)


def test_a_client_gets_the_whole_deadline(topics: Topics) -> None:
    clock, wedged = Clock(), Wedged()

    with closing(intake_of(iter([wedged]), topics.raw, clock)) as intake:
        intake.poll(SHORT_POLL_S, 10)
        clock.now = JOIN_DEADLINE_S - 1
        intake.poll(SHORT_POLL_S, 10)

        assert (intake.heals, wedged.closed) == (0, False)


def test_a_stable_client_is_kept_however_long_nothing_comes(topics: Topics) -> None:
    clock = Clock()

    with closing(intake_of(iter([real_consumer(topics)]), topics.raw, clock)) as intake:
        eventually(lambda: intake.poll(SHORT_POLL_S, 10).assigned)
        eventually(lambda: len(intake.positions()) == 3)
        for _ in range(5):
            clock.now += 10 * JOIN_DEADLINE_S
            intake.poll(SHORT_POLL_S, 10)

        assert intake.heals == 0


def test_a_kafka_that_does_not_answer_is_given_up_after_the_outage_deadline() -> None:
    clock = Clock()
    intake = GroupIntake(
        lambda: Wedged(kafka_answers=False),
        "topic",
        clock=clock,
        outage_deadline_s=OUTAGE_S,
        join_deadline_s=float("inf"),
    )
    intake.poll(SHORT_POLL_S, 10)
    clock.now = OUTAGE_S - 1
    intake.poll(SHORT_POLL_S, 10)
    clock.now = OUTAGE_S + 1

    with pytest.raises(ServerUnavailable, match="has not answered for 61 s"):
        intake.poll(SHORT_POLL_S, 10)


def test_an_error_that_the_client_raises_while_kafka_is_away_is_waited_out_like_silence() -> None:
    clock = Clock()
    intake = GroupIntake(
        lambda: Disconnected(kafka_answers=False), "topic", clock=clock, outage_deadline_s=OUTAGE_S
    )

    assert intake.poll(SHORT_POLL_S, 10).records == ()
    clock.now = OUTAGE_S + 1
    with pytest.raises(ServerUnavailable, match="has not answered for 61 s"):
        intake.poll(SHORT_POLL_S, 10)


def test_a_start_is_tried_again_when_the_broker_that_was_asked_goes_just_then(topics: Topics) -> None:
    topics.publish(Raw(review("r1")))
    unlucky = [Unlucky(), Unlucky()]

    with closing(intake_of(iter([*unlucky, real_consumer(topics)]), topics.raw, Clock())) as intake:
        (record,) = eventually(lambda: intake.poll(SHORT_POLL_S, 10).records)

    assert record.value == review("r1")
    assert [consumer.closed for consumer in unlucky] == [True, True]


def test_a_start_is_given_up_after_the_outage_deadline_and_not_before() -> None:
    clock = Clock()

    with pytest.raises(ServerUnavailable, match="'topic' for 60 s"):
        intake_of(iter(Unlucky, None), "topic", clock)

    assert clock.now == pytest.approx(OUTAGE_S, abs=1)


def test_a_position_that_a_restarting_broker_cannot_confirm_is_not_known_yet() -> None:
    intake = GroupIntake(Disconnected, "topic", clock=Clock(), outage_deadline_s=OUTAGE_S)

    assert intake.position(TopicPartition("topic", 0)) is None


def test_a_start_joins_the_group_once(topics: Topics) -> None:
    """A second join aborts the first batch, and may wedge the client.

    A client joins again if its machine stands still for half a second amid the join; metadata that arrives too late makes
    it join again nearly always.
    """
    topics.publish(Raw(review("r1")))

    starts = [generations_of_a_start(topics) for _ in range(5)]

    assert starts.count({1}) >= 3, starts


def generations_of_a_start(topics: Topics) -> set[int]:
    """Of its group, from the first record on."""
    with closing(intake_of(iter([real_consumer(topics)]), topics.raw, Clock())) as intake:
        eventually(lambda: intake.poll(SHORT_POLL_S, 10).records)
        return {intake.poll(SHORT_POLL_S, 10).group.generation_id for _ in range(10)}


def test_short_polls_get_an_assignment_at_every_start(topics: Topics) -> None:
    clock = Clock()

    for _ in range(STARTS):
        with closing(intake_of(iter([real_consumer(topics)]), topics.raw, clock)) as intake:
            assigned = eventually(lambda intake=intake: intake.poll(SHORT_POLL_S, 10).assigned, 20)  # type: ignore[misc]
            assert len(assigned) == 3
