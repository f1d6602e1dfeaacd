"""Micro-batches: what waits, for how long, and what a rebalance takes away."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import TopicPartition

from consumers.batch import MicroBatcher
from consumers.records import Record

SIZE = 5
DEADLINE_S = 10.0


def record(offset: int, partition: int = 0) -> Record:
    return Record("reviews.raw", partition, offset, timestamp_ms=0, key=None, value=b"{}")


def records(*offsets: int, partition: int = 0) -> list[Record]:
    return [record(offset, partition) for offset in offsets]


def partitions(*numbers: int) -> frozenset[TopicPartition]:
    return frozenset(TopicPartition("reviews.raw", number) for number in numbers)


def batcher(*held: Record, at: float = 0.0) -> MicroBatcher:
    batch = MicroBatcher(SIZE, DEADLINE_S)
    batch.add(held, now=at)
    return batch


def test_there_is_nothing_to_wait_for_in_an_empty_batch() -> None:
    assert batcher().patience(now=1e9) is None


def test_a_batch_is_due_exactly_when_its_oldest_record_has_waited_for_the_deadline() -> None:
    batch = batcher(record(1), at=100.0)
    batch.add(records(2), now=107.0)

    assert batch.patience(now=107.0) == 3.0
    assert batch.patience(now=109.75) == 0.25
    assert batch.patience(now=110.0) == 0.0
    assert batch.patience(now=1000.0) == 0.0


def test_a_full_batch_is_due_at_once() -> None:
    batch = batcher(*records(1, 2, 3, 4))
    assert batch.patience(now=0.0) == DEADLINE_S

    batch.add(records(5), now=0.0)

    assert batch.room == 0
    assert batch.patience(now=0.0) == 0.0


def test_more_than_there_is_room_for_is_refused_and_changes_nothing() -> None:
    batch = batcher(*records(1, 2, 3))

    with pytest.raises(ValueError, match="2 records more than fit"):
        batch.add(iter(records(4, 5, 6, 7)), now=0.0)

    assert batch.take() == records(1, 2, 3)


def test_the_wait_begins_anew_after_a_batch_was_taken() -> None:
    batch = batcher(record(1))
    batch.take()
    batch.add(records(2), now=50.0)

    assert batch.patience(now=50.0) == DEADLINE_S


def test_the_wait_begins_anew_after_everything_was_dropped() -> None:
    batch = batcher(record(1))
    batch.drop(partitions(0))
    assert batch.patience(now=5.0) is None

    batch.add(records(2), now=50.0)

    assert batch.patience(now=50.0) == DEADLINE_S


def test_a_poll_without_records_does_not_start_the_wait() -> None:
    batch = batcher(at=0.0)
    batch.add(records(1), now=8.0)

    assert batch.patience(now=8.0) == DEADLINE_S


def test_dropping_a_partition_keeps_the_others_in_order() -> None:
    batch = batcher(record(7, 0), record(3, 1), record(8, 0), record(4, 2), record(9, 0))

    batch.drop(partitions(1, 2))

    assert batch.take() == records(7, 8, 9)


class Model:
    """The same batch, told naively: a list, and when each record came."""

    def __init__(self) -> None:
        self.held: list[tuple[Record, float]] = []
        self.dropped_from = False

    def add(self, arrived: Iterable[Record], now: float) -> None:
        self.dropped_from = self.dropped_from and bool(self.held)
        self.held += [(record, now) for record in arrived]

    def drop(self, gone: frozenset[TopicPartition]) -> None:
        kept = [(record, at) for record, at in self.held if record.topic_partition not in gone]
        self.dropped_from = self.dropped_from or kept != self.held
        self.held = kept

    def due_in(self, now: float) -> float | None:
        if not self.held:
            return None
        return 0.0 if len(self.held) == SIZE else max(0.0, self.held[0][1] + DEADLINE_S - now)


steps = st.one_of(
    st.tuples(st.just("add"), st.lists(st.integers(0, 2), max_size=SIZE)),
    st.tuples(st.just("drop"), st.frozensets(st.integers(0, 2))),
    st.tuples(st.just("take"), st.none()),
    st.tuples(st.just("wait"), st.sampled_from([0.0, 0.5, 3.0, DEADLINE_S])),
)


@given(st.lists(steps, max_size=40))
def test_nothing_is_lost_doubled_reordered_or_late(script: list[tuple[str, object]]) -> None:
    batch, model, now, offset = MicroBatcher(SIZE, DEADLINE_S), Model(), 1000.0, 0

    for verb, argument in script:
        match verb, argument:
            case "add", list(numbers):
                arrived = [record(offset + row, number) for row, number in enumerate(numbers[: batch.room])]
                offset += len(arrived)
                batch.add(arrived, now)
                model.add(arrived, now)
            case "drop", frozenset(numbers):
                batch.drop(partitions(*numbers))
                model.drop(partitions(*numbers))
            case "take", _:
                assert batch.take() == [record for record, _ in model.held]
                model.held = []
            case "wait", float(seconds):
                now += seconds

        assert batch.room == SIZE - len(model.held) >= 0
        patience, due_in = batch.patience(now), model.due_in(now)
        if model.dropped_from and patience is not None and due_in is not None:
            assert 0.0 <= patience <= due_in  # it may be due for a record that is no longer there
        else:
            assert patience == due_in

    assert batch.take() == [record for record, _ in model.held]
