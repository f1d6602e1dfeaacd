"""The scorer on a real Kafka: every raw record ends as exactly one record, labelled or refused."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import pytest
from bad_records import BAD
from fake_engine import FakeEngine, sentiment_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jobs import run_scorer
from raw_topics import OddName, Raw, Topics, Watch, ends_of, review, scored_of, source_of, sources_of
from waiting import eventually

from consumers.infer.router import Router
from embedded import KafkaCluster
from schemas.dead_letters import DeadLetter
from schemas.errors import DeadLetterFlood
from schemas.events import ModelReference, Op
from schemas.settings import Delivery

EXAMPLES = 6
RECORDS_AN_EXAMPLE = 25
CALM = 1.0
"""A flood limit that never stops the scorer."""

a_record = st.one_of(st.none(), st.sampled_from(sorted(BAD)))
mixtures = st.lists(st.tuples(a_record, st.integers(0, 2)), min_size=1, max_size=RECORDS_AN_EXAMPLE)


@pytest.fixture(scope="module")
def running(kafka: KafkaCluster) -> Iterator[Topics]:
    """Topics with a scorer at work on them, for all tests that only send and look."""
    with (
        Topics(kafka.bootstrap_servers, "running.", 3) as topics,
        run_scorer(topics.settings(flood_limit=CALM)),
    ):
        yield topics


def outcomes(topics: Topics, *records: Raw) -> list[Any]:
    """What became of these records, in their order; nothing else may have come out."""
    before = len(topics.outcomes.records)
    places = topics.publish(*records)
    found = topics.outcomes.until(before + len(places))[before:]
    assert sources_of(found) == sorted(places)
    by_source = {source_of(outcome): outcome for outcome in found}
    return [by_source[place] for place in places]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mixtures)
def test_bad_records_are_refused_one_by_one_and_their_neighbours_labelled(
    running: Topics, mixture: list[tuple[str | None, int]]
) -> None:
    sent = [
        Raw(review(f"r{row}"), partition=partition)
        if kind is None
        else Raw(BAD[kind][0].value, BAD[kind][0].key, partition)
        for row, (kind, partition) in enumerate(mixture)
    ]

    found = outcomes(running, *sent)

    assert [outcome.topic == running.scored for outcome in found] == [kind is None for kind, _ in mixture]


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_record_is_refused_with_its_reason_and_its_own_bytes(running: Topics, kind: str) -> None:
    sent, reason = BAD[kind]

    (refused,) = outcomes(running, sent)

    letter = DeadLetter.from_headers(refused.headers)
    assert (letter.reason, letter.source_topic) == (reason, running.raw)
    assert refused.topic == running.dead_letters
    assert refused.value == sent.value
    assert refused.key == (sent.key if sent.key or sent.value else b"")


def test_a_labelled_review_says_what_the_model_said_and_where_it_came_from(running: Topics) -> None:
    sent = Raw(review("r1", text="A kettle.", created_at="2026-01-02T03:04:05+01:00"), partition=1)

    (outcome,) = outcomes(running, sent)

    (scored,) = scored_of([outcome])
    assert scored.sentiment == sentiment_of("A kettle.")
    assert scored.model == FakeEngine.model
    assert (scored.source.topic, scored.source.partition) == (running.raw, 1)
    assert scored.created_at == datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC)


class Chinese(FakeEngine):
    """Another model."""

    model = ModelReference(name="chinese", version="ba9876543210")


def test_an_event_names_the_model_of_its_language_and_order_is_kept(topics: Topics) -> None:
    languages = [None, "zh-CN", "en", "ZH"]
    sent = [Raw(review(f"r{row}", language=language), partition=0) for row, language in enumerate(languages)]
    deleted = {"review_id": "r9", "product_id": "p", "op": "delete", "language": "zh"}
    with run_scorer(topics.settings(), Router(FakeEngine(), {"zh": Chinese()})):
        found = outcomes(topics, *sent, Raw(json.dumps(deleted).encode(), partition=0))

    assert [(scored.review_id, scored.model.name) for scored in scored_of(found)] == [
        ("r0", "fake"),
        ("r1", "chinese"),
        ("r2", "fake"),
        ("r3", "chinese"),
        ("r9", "chinese"),
    ]


def test_a_review_without_a_time_takes_that_of_its_record(running: Topics) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)

    (outcome,) = outcomes(running, Raw(review("r1"), timestamp_ms=int(moment.timestamp() * 1000)))

    assert scored_of([outcome])[0].created_at == moment


def test_a_delete_passes_without_a_sentiment(running: Topics) -> None:
    (outcome,) = outcomes(running, Raw(b'{"review_id": "r1", "product_id": "p", "op": "delete"}'))

    (scored,) = scored_of([outcome])
    assert (scored.op, scored.sentiment) == (Op.DELETE, None)


@pytest.mark.parametrize("key", [None, b"", b"another", b"\xff"])
def test_the_key_is_always_the_product(running: Topics, key: bytes | None) -> None:
    (outcome,) = outcomes(running, Raw(review("r1", "kettle"), key=key))

    assert outcome.key == b"kettle"


@pytest.mark.parametrize(
    "header", [(OddName("any"), b"1"), ("dlq.source.timestamp", b"\xff"), ("dlq.source.offset", b"")]
)
def test_no_header_of_a_record_harms_it_or_its_neighbours(running: Topics, header: tuple[str, bytes]) -> None:
    found = outcomes(running, Raw(review("r1")), Raw(review("r2"), headers=(header,)), Raw(review("r3")))

    assert [outcome.topic for outcome in found] == [running.scored] * 3


def test_a_record_time_that_no_calendar_has_harms_only_its_own_record(running: Topics) -> None:
    running.allow_any_timestamp()

    found = outcomes(running, Raw(review("r1")), Raw(review("r2"), timestamp_ms=2**60), Raw(review("r3")))

    assert [outcome.topic == running.scored for outcome in found] == [True, False, True]


def test_order_is_kept_for_each_product(running: Topics) -> None:
    before = len(running.outcomes.records)
    running.publish_reviews(300, partitions=3)

    found = scored_of(running.outcomes.until(before + 300)[before:])

    for _, reviews in groupby(sorted(found, key=product_of), key=product_of):
        numbers = [int(one.review_id[1:]) for one in reviews]
        assert numbers == sorted(numbers)


def product_of(scored: Any) -> str:
    return str(scored.product_id)


def test_a_flood_of_bad_records_stops_the_scorer_and_loses_nothing(topics: Topics) -> None:
    places = topics.publish(*[Raw(review("good"))] * 20, *[Raw(b"bad")] * 100, *[Raw(review("good"))] * 20)
    impatient = topics.settings(flood_window=30, flood_limit=0.5, batch_size=10)

    with pytest.raises(DeadLetterFlood, match="dead letters"), run_scorer(impatient) as scorer:
        scorer.join()
    assert len(topics.outcomes.all()) < len(places)
    with run_scorer(topics.settings(flood_limit=CALM)):
        topics.outcomes.until(len(places))

    assert sources_of(topics.outcomes.all()) == places


def test_a_stop_finishes_what_was_polled_and_leaves_the_rest_to_the_successor(topics: Topics) -> None:
    engine = FakeEngine()
    engine.hold()
    places = topics.publish_reviews(40, partitions=1)

    with run_scorer(topics.settings(batch_size=10), engine) as scorer:
        eventually(lambda: engine.batches)
        scorer.request()
        engine.release()
        scorer.join()
    assert sources_of(topics.outcomes.all()) == places[: sum(engine.batches)]
    with run_scorer(topics.settings()):
        topics.outcomes.until(len(places))

    assert sources_of(topics.outcomes.all()) == places


def test_a_stop_does_not_wait_for_a_batch_to_fill(topics: Topics) -> None:
    places = topics.publish_reviews(5, partitions=1)

    with run_scorer(topics.settings(batch_deadline=60)) as scorer:
        eventually(lambda: scorer.worker._batcher.room < 128)

    assert sources_of(topics.outcomes.all()) == places[: len(topics.outcomes.records)]
    assert topics.outcomes.records


def test_at_least_once_delivery_labels_every_record(topics: Topics) -> None:
    places = topics.publish_reviews(200, partitions=3)

    with run_scorer(topics.settings(delivery=Delivery.AT_LEAST_ONCE, batch_size=16)):
        topics.outcomes.until(len(places))

    assert sources_of(topics.outcomes.all()) == sorted(places)
    assert topics.committed() == ends_of(places)


def test_readers_of_committed_records_never_see_an_open_batch(topics: Topics) -> None:
    engine = FakeEngine()
    engine.hold()
    topics.publish_reviews(10, partitions=1)

    with run_scorer(topics.settings(), engine), Watch(topics.servers, topics.scored) as watch:
        eventually(lambda: engine.batches)
        assert watch.all() == []
        engine.release()
        topics.outcomes.until(10)
