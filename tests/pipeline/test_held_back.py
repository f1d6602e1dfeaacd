"""A transaction that does not end holds back where a scorer goes on, and what an aggregator may read: both say so."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from jobs import run_aggregator, run_scorer
from kafka import KafkaProducer, TopicPartition
from labelled import ScoredTopic, labelled, stream
from raw_topics import Topics, client_of, lag
from recounted import assert_equal
from redis import Redis
from waiting import eventually

from consumers.records import commit_form
from dashboard.kafka_state import ask_kafka
from dashboard.refused import LetterWatch
from embedded import KafkaCluster
from schemas.errors import ServerUnavailable

OUTAGE_S = 4.0


@pytest.fixture
def held_back(topics: Topics) -> Iterator[Topics]:
    """The group's offset of a partition waits for the end of a transaction."""
    (place,) = topics.publish_reviews(1, partitions=1)
    with closing(
        KafkaProducer(**client_of(topics.servers), transactional_id=f"{topics.group}.other")
    ) as other:
        other.init_transactions()
        other.begin_transaction()
        other.send_offsets_to_transaction(
            commit_form({TopicPartition(topics.raw, place[0]): place[1] + 1}), topics.group
        )
        yield topics
        other.abort_transaction()


def test_a_scorer_that_is_not_told_where_to_go_on_says_why_it_leaves(held_back: Topics) -> None:
    with (
        pytest.raises(ServerUnavailable, match="find-hanging"),
        run_scorer(held_back.settings(outage_deadline=OUTAGE_S)) as scorer,
    ):
        scorer.join()


@pytest.fixture
def hanging(
    kafka: KafkaCluster, redis_url: str, topic_prefix: str
) -> Iterator[tuple[ScoredTopic, KafkaProducer]]:
    """A counted topic in which another producer has a transaction open, with two records in one partition."""
    with (
        ScoredTopic(kafka.bootstrap_servers, topic_prefix, 2, redis_url) as scored,
        closing(
            KafkaProducer(**client_of(kafka.bootstrap_servers), transactional_id=f"{topic_prefix}other")
        ) as other,
    ):
        scored.publish(*stream(20))
        other.init_transactions()
        other.begin_transaction()
        for number in range(2):
            other.send(scored.name, labelled(f"held {number}").to_json(), b"key", partition=1).get(timeout=60)
        yield scored, other


def test_an_aggregator_that_is_held_back_says_so_and_counts_on_once_it_is_over(
    hanging: tuple[ScoredTopic, KafkaProducer],
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    scored, other = hanging
    monkeypatch.setattr("consumers.aggregate.aggregator.REPORT_INTERVAL_S", 0.5)
    settings = scored.settings()

    with run_aggregator(settings, held_back_after_s=1.0) as running:
        eventually(lambda: running.worker.counts.held_back == 2)
        assert f"{scored.name}:1: a transaction that does not end has held back" in caplog.text
        assert "kafka-transactions.sh find-hanging" in caplog.text
        assert f"{scored.name}:0: a transaction" not in caplog.text
        eventually(lambda: lag(scored.servers, scored.group, scored.name) == 2)
        shown = ask_kafka(settings, {scored.group: scored.name}, LetterWatch(settings))
        assert [lagging.records for lagging in shown.lags] == [2]

        other.commit_transaction()
        assert_equal(scored, redis)
        eventually(lambda: running.worker.counts.held_back == 0)
    assert running.worker.counts.applied == 22
