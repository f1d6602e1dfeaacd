"""Behind a backlog the scorer infers one batch while it publishes the one before; nothing else changes."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count, groupby
from typing import Any

import pytest
from fake_engine import FakeEngine
from jobs import run_scorer
from kafka import KafkaProducer
from kafka.errors import KafkaError
from raw_topics import Place, Topics, source_of, sources_of
from waiting import eventually

from consumers.infer.runner import RunFailure
from embedded import KafkaCluster
from schemas.events import Sentiment
from schemas.settings import Delivery

SIZE = 10


class StepwiseProducer(KafkaProducer):
    """Does something as its commits of records begin, which are counted from 1 over all producers.

    A commit of positions alone has no records; whether one comes before the first batch is a matter of time.
    """

    def __init__(self, *, commits: "count[int]", on_commit: Callable[[int], object], **configs: Any) -> None:
        self._commits = commits
        self._on_commit = on_commit
        self._has_records = False
        super().__init__(**configs)

    def send(self, topic: str, **record: Any) -> Any:
        self._has_records = True
        return super().send(topic, **record)

    def commit_transaction(self) -> None:
        if self._has_records:
            self._has_records = False
            self._on_commit(next(self._commits))
        super().commit_transaction()


def stepwise(on_commit: Callable[[int], object]) -> Callable[..., StepwiseProducer]:
    return partial(StepwiseProducer, commits=count(1), on_commit=on_commit)


class NotingEngine(FakeEngine):
    """Writes down that it has inferred a batch."""

    def __init__(self, notes: list[str]) -> None:
        super().__init__()
        self._notes = notes

    def score(self, texts: Sequence[str]) -> list[Sentiment | RunFailure]:
        sentiments = super().score(texts)
        self._notes.append(f"{len(texts)} inferred")
        return sentiments


def assert_each_once_in_order(topics: Topics, places: list[Place]) -> None:
    """As published, within each partition of both topics."""
    outcomes = sorted(topics.outcomes.all(), key=lambda outcome: (outcome.partition, outcome.offset))
    assert sources_of(outcomes) == sorted(places)
    for _, of_partition in groupby(outcomes, lambda outcome: (outcome.partition, source_of(outcome)[0])):
        offsets = [source_of(outcome)[1] for outcome in of_partition]
        assert offsets == sorted(offsets)


def test_the_next_batch_is_inferred_while_one_is_published(topics: Topics) -> None:
    engine = FakeEngine()
    places = topics.publish_reviews(3 * SIZE, partitions=1)

    def wait_for_the_next(commit: int) -> None:
        eventually(lambda: len(engine.batches) > min(commit, 2))

    with run_scorer(topics.settings(batch_size=SIZE), engine, make_producer=stepwise(wait_for_the_next)):
        topics.outcomes.until(len(places))

    assert engine.batches == [SIZE] * 3
    assert sources_of(topics.outcomes.all()) == places


def test_without_a_backlog_a_batch_is_published_before_the_next_is_inferred(topics: Topics) -> None:
    notes: list[str] = []
    places = topics.publish_reviews(SIZE + 1, partitions=1)
    producer = stepwise(lambda _: notes.append("committed"))

    with run_scorer(topics.settings(batch_size=SIZE), NotingEngine(notes), make_producer=producer):
        topics.outcomes.until(len(places))

    assert notes[:4] == [f"{SIZE} inferred", "committed", "1 inferred", "committed"]


def test_what_follows_an_aborted_batch_is_read_again_after_it(topics: Topics) -> None:
    engine = FakeEngine()
    places = topics.publish_reviews(4 * SIZE, partitions=1)

    def fail_once_the_next_is_inferred(commit: int) -> None:
        if commit == 2:
            eventually(lambda: len(engine.batches) == 3)
            raise KafkaError("refused")

    producer = stepwise(fail_once_the_next_is_inferred)
    with run_scorer(topics.settings(batch_size=SIZE), engine, make_producer=producer) as scorer:
        topics.outcomes.until(len(places))
        eventually(lambda: scorer.worker.counts.scored == len(places))

    assert scorer.worker.counts.aborted == 1
    assert engine.batches == [SIZE] * 6
    assert_each_once_in_order(topics, places)


@pytest.fixture
def one_partition(kafka: KafkaCluster, topic_prefix: str) -> Iterator[Topics]:
    """With the only partition; of one without records the first position may be committed, or not."""
    with Topics(kafka.bootstrap_servers, topic_prefix, 1) as topics:
        yield topics


def test_a_stop_finishes_what_is_published_and_what_is_inferred_meanwhile(one_partition: Topics) -> None:
    engine = FakeEngine()
    places = one_partition.publish_reviews(4 * SIZE, partitions=1)
    stop: list[Callable[[], None]] = []

    def stop_amid_the_first(commit: int) -> None:
        if commit == 1:
            eventually(lambda: len(engine.batches) == 2)
            eventually(lambda: stop)[0]()

    producer = stepwise(stop_amid_the_first)
    with run_scorer(one_partition.settings(batch_size=SIZE), engine, make_producer=producer) as scorer:
        stop.append(scorer.request)
        scorer.join()

    assert engine.batches == [SIZE] * 2
    assert sources_of(one_partition.outcomes.all()) == places[: 2 * SIZE]
    assert one_partition.committed() == {0: 2 * SIZE}


@pytest.mark.parametrize("delivery", Delivery)
def test_a_backlog_comes_out_once_and_in_order_either_way(topics: Topics, delivery: Delivery) -> None:
    places = topics.publish_reviews(20 * SIZE, partitions=3)

    with run_scorer(topics.settings(batch_size=SIZE, delivery=delivery)):
        topics.outcomes.until(len(places))

    assert_each_once_in_order(topics, places)
