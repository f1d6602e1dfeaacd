"""When it is said that a transaction holds a reader back: after a while, of a partition that stands still, if Kafka agrees."""

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError

from consumers.held_back import HELD_BACK_AFTER_S, HeldBackWatch, Reached

PLACE, OTHER = TopicPartition("reviews.scored", 3), TopicPartition("reviews.scored", 4)


class Partitions:
    """What a client knows of partitions, and where committed records end; time passes by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.reached: dict[TopicPartition, Reached] = {}
        self.stable: dict[TopicPartition, int] = {}
        self.silent = False
        self.asked = 0
        self.watch = HeldBackWatch(self._ends, lambda: self.now)

    def _ends(self, partitions: object) -> dict[TopicPartition, int]:
        del partitions
        self.asked += 1
        if self.silent:
            raise KafkaTimeoutError
        return self.stable

    def look_for(self, seconds: float) -> None:
        """Look once a second, so long."""
        end = self.now + seconds
        while self.now < end:
            self.now += 1
            self.watch.look(lambda: self.reached)


@pytest.fixture
def partitions() -> Partitions:
    """One that stands still at 7 before a transaction that wrote two records, and one that is read to its end."""
    partitions = Partitions()
    partitions.reached = {PLACE: Reached(7, 9), OTHER: Reached(5, 5)}
    partitions.stable = {PLACE: 7}
    return partitions


def test_a_partition_that_stands_still_is_named_with_its_time_and_what_to_do(
    partitions: Partitions, caplog: pytest.LogCaptureFixture
) -> None:
    partitions.look_for(HELD_BACK_AFTER_S + 2)

    (warning,) = caplog.messages
    assert warning.startswith("reviews.scored:3: ")
    assert "offset 7 for 60 s (2 records" in warning
    assert "kafka-transactions.sh find-hanging" in warning
    assert partitions.watch.records == 2


def test_it_is_said_again_while_it_lasts_and_not_once_it_is_over(
    partitions: Partitions, caplog: pytest.LogCaptureFixture
) -> None:
    partitions.look_for(3 * HELD_BACK_AFTER_S + 5)
    partitions.reached[PLACE] = Reached(9, 9)
    partitions.look_for(2 * HELD_BACK_AFTER_S)

    assert len(caplog.messages) == 3
    assert partitions.watch.records == 0


def test_a_transaction_that_ends_in_time_is_not_worth_a_word(
    partitions: Partitions, caplog: pytest.LogCaptureFixture
) -> None:
    for offset in range(20):
        partitions.reached[PLACE] = Reached(offset, offset + 2)
        partitions.look_for(HELD_BACK_AFTER_S / 2)

    assert caplog.messages == []
    assert partitions.asked == 0


def test_a_reader_that_is_slow_itself_is_not_held_back(
    partitions: Partitions, caplog: pytest.LogCaptureFixture
) -> None:
    partitions.stable = {PLACE: 9}

    partitions.look_for(3 * HELD_BACK_AFTER_S)

    assert caplog.messages == []
    assert partitions.watch.records == 0


def test_a_kafka_that_does_not_answer_is_asked_again(
    partitions: Partitions, caplog: pytest.LogCaptureFixture
) -> None:
    partitions.silent = True
    partitions.look_for(HELD_BACK_AFTER_S + 5)
    assert caplog.messages == []

    partitions.silent = False
    partitions.look_for(2)

    assert len(caplog.messages) == 1


def test_a_partition_that_went_to_another_member_is_forgotten(
    partitions: Partitions, caplog: pytest.LogCaptureFixture
) -> None:
    partitions.look_for(HELD_BACK_AFTER_S - 1)
    del partitions.reached[PLACE]
    partitions.look_for(1)
    partitions.reached[PLACE] = Reached(7, 9)
    partitions.look_for(HELD_BACK_AFTER_S - 1)

    assert caplog.messages == []
