"""Reading whole topics: where a partition ends, in which order records come, and what a dead broker does."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from kafka import KafkaAdminClient, TopicPartition
from kafka.errors import KafkaConnectionError, NotLeaderForPartitionError
from scored_events import scored
from scored_topic import ScoredTopic

from consumers.silence import PROBE_AFTER_S
from consumers.topic_reader import TopicReader, open_reader
from embedded import KafkaCluster
from schemas.codec import decode_scored
from schemas.errors import ServerUnavailable
from schemas.settings import KafkaSettings


@dataclass
class HandClock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class Leaderless:
    """A client of a topic of which one partition's leader was away when it was asked last."""

    def partitions_for_topic(self, _topic: str) -> set[int]:
        return {0, 1}

    def assign(self, _places: object) -> None:
        pass

    def poll(self, **_: object) -> object:
        raise KafkaConnectionError("111 ECONNREFUSED")

    def position(self, place: TopicPartition, timeout_ms: int | None = None) -> int:
        if place.partition == 0:
            raise NotLeaderForPartitionError(f"within {timeout_ms} ms")
        return 7


@pytest.fixture
def now_ms() -> int:
    """A minute ago: Kafka refuses records from the future."""
    return int((time.time() - 60) * 1000)


@pytest.fixture
def reader(scored_topic: ScoredTopic) -> Iterator[TopicReader]:
    with open_reader(scored_topic.settings, scored_topic.name) as opened:
        opened.seek(opened.starts())
        yield opened


def ids(reader: TopicReader, targets: dict[int, int]) -> list[str]:
    return [decode_scored(record.value).review_id for record in reader.read_to(targets)]


def test_the_end_is_reached_although_markers_and_aborted_records_stand_last(
    scored_topic: ScoredTopic, reader: TopicReader
) -> None:
    scored_topic.publish(scored("committed"))
    scored_topic.abort(scored("aborted"))

    assert reader.ends() == {0: 4, 1: 0}  # two records and their two markers
    assert ids(reader, reader.ends()) == ["committed"]


def test_a_question_waits_for_the_fetch_before_it_so_who_must_not_wait_fetches_shortly(
    scored_topic: ScoredTopic,
) -> None:
    def seconds_to_answer(fetch_wait_s: float) -> float:
        with open_reader(scored_topic.settings, scored_topic.name, fetch_wait_s=fetch_wait_s) as reader:
            reader.seek(reader.starts())
            reader.poll(0.2)  # nothing is there: Kafka holds back its answer
            asked = time.monotonic()
            reader.ends()
            return time.monotonic() - asked

    patient = seconds_to_answer(3.0)

    assert patient > 1.5
    assert seconds_to_answer(0.02) < patient / 2


def test_a_partition_of_aborted_records_alone_ends_too(
    scored_topic: ScoredTopic, reader: TopicReader
) -> None:
    scored_topic.abort(scored("aborted"))

    assert ids(reader, {0: 2}) == []


def test_nothing_at_or_past_the_target_is_read(scored_topic: ScoredTopic, reader: TopicReader) -> None:
    scored_topic.publish(scored("r1"), scored("r2"), scored("r3"))

    assert ids(reader, {0: 2}) == ["r1", "r2"]


def test_partitions_without_a_target_are_not_read(scored_topic: ScoredTopic, reader: TopicReader) -> None:
    scored_topic.publish(scored("wanted"))
    scored_topic.publish(scored("other"), partition=1)

    assert ids(reader, {0: 1}) == ["wanted"]


def test_records_of_all_partitions_come_merged_by_time(
    scored_topic: ScoredTopic, reader: TopicReader, now_ms: int
) -> None:
    for minute in (1, 3, 5):
        scored_topic.publish(scored(f"r{minute}"), partition=0, at_ms=now_ms + minute)
        scored_topic.publish(scored(f"r{minute + 1}"), partition=1, at_ms=now_ms + minute + 1)

    assert ids(reader, reader.ends()) == ["r1", "r2", "r3", "r4", "r5", "r6"]


def test_a_partition_keeps_its_order_although_clocks_went_back(
    scored_topic: ScoredTopic, reader: TopicReader, now_ms: int
) -> None:
    scored_topic.publish(scored("first"), partition=0, at_ms=now_ms + 2)
    scored_topic.publish(scored("second"), partition=0, at_ms=now_ms)
    scored_topic.publish(scored("elsewhere"), partition=1, at_ms=now_ms + 1)

    assert ids(reader, reader.ends()) == ["elsewhere", "first", "second"]


def test_more_records_than_one_poll_brings_are_all_read_once(
    scored_topic: ScoredTopic, reader: TopicReader
) -> None:
    for partition in (0, 1):
        scored_topic.publish(*(scored(f"{partition}-{n}") for n in range(1200)), partition=partition)

    found = ids(reader, reader.ends())

    assert sorted(found) == sorted(f"{partition}-{n}" for partition in (0, 1) for n in range(1200))
    assert [name for name in found if name.startswith("0-")] == [f"0-{n}" for n in range(1200)]


def test_an_idle_topic_is_no_outage(scored_topic: ScoredTopic) -> None:
    clock = HandClock()
    with open_reader(scored_topic.settings, scored_topic.name, clock=clock) as reader:
        reader.seek(reader.ends())
        clock.now = 1_000_000.0

        assert reader.poll(0.1) == ()


def test_a_leader_that_is_away_hides_the_position_of_its_partition_alone() -> None:
    reader = TopicReader(Leaderless(), "topic", outage_deadline=60.0, clock=HandClock())

    assert reader.positions() == {1: 7}
    assert reader.poll(0.1) == ()


def test_a_broker_that_hangs_is_waited_for_until_the_outage_deadline(unique_name: str) -> None:
    clock = HandClock()
    with KafkaCluster() as cluster:
        with KafkaAdminClient(bootstrap_servers=cluster.bootstrap_servers) as admin:
            admin.create_topics([unique_name], wait_for_metadata=True)
        settings = KafkaSettings(bootstrap_servers=cluster.bootstrap_servers, outage_deadline=60.0)
        with open_reader(settings, unique_name, clock=clock) as reader:
            reader.seek(reader.ends())
            cluster.suspend(0)
            clock.now = PROBE_AFTER_S + 1

            assert reader.poll(0.1) == ()

            clock.now = settings.outage_deadline + 1
            with pytest.raises(ServerUnavailable, match="61 s"):
                reader.poll(0.1)
            cluster.resume(0)
