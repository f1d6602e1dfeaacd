"""Scorers as processes that are killed, suspended and cut off: each review still comes out exactly once."""

import random
import signal
from collections.abc import Callable, Iterator

import pytest
from jobs import Job
from raw_topics import Topics, ends_of, sources_of
from waiting import eventually

from embedded import KafkaCluster
from schemas.errors import InstanceFenced, MissingTopic, ServerUnavailable

REVIEWS = 2000
KILLS = 3
SUSPENSIONS = 2
RESTARTS = 2
SEED = 7
PARTITIONS = 3

SESSION_S = 3
OUTAGE_S = 15.0
LEAVE_S = 30
"""An outage shows within seconds; a process leaves so long after the deadline at the latest, on a busy machine."""

StartJob = Callable[..., Job]


@pytest.fixture
def topics(fragile: KafkaCluster, topic_prefix: str) -> Iterator[Topics]:
    with Topics(fragile.bootstrap_servers, topic_prefix, PARTITIONS) as created:
        yield created


@pytest.fixture
def score(topics: Topics, start_job: StartJob) -> StartJob:
    """Starts a scorer on the topics of the test."""

    def start(instance: str = "a", **environment: str) -> Job:
        impatient = {"session_timeout": str(SESSION_S), "transaction_timeout": "5", "batch_size": "16"}
        return start_job("score", **topics.environment(instance_id=instance, **impatient | environment))

    return start


def assert_each_once(topics: Topics, *places: list[tuple[int, int]]) -> None:
    """Every record has come out, once."""
    published = sorted(place for some in places for place in some)
    topics.outcomes.until(len(published), timeout=120)
    assert sources_of(topics.outcomes.all()) == published


def test_a_scorer_that_is_killed_again_and_again(topics: Topics, score: StartJob) -> None:
    moments = random.Random(SEED)
    scorer = score()
    places = topics.publish_reviews(REVIEWS, partitions=PARTITIONS)

    for number in range(KILLS):
        topics.outcomes.until((number + 1) * REVIEWS // (KILLS + 2))
        scorer.kill_and_restart(after_s=moments.uniform(0, 0.1))

    assert_each_once(topics, places)
    assert scorer.stop() == 0


def test_a_scorer_that_hangs_until_another_has_its_work_and_then_wakes_up(
    topics: Topics, score: StartJob
) -> None:
    sleeper, other = score("a"), score("b")
    eventually(lambda: topics.members() == 2)
    places = topics.publish_reviews(REVIEWS, partitions=PARTITIONS)

    for number in range(SUSPENSIONS):
        topics.outcomes.until((number + 1) * REVIEWS // (SUSPENSIONS + 3))
        sleeper.send(signal.SIGSTOP)
        eventually(lambda: topics.members() == 1)
        sleeper.send(signal.SIGCONT)
        eventually(lambda: topics.members() == 2)

    assert_each_once(topics, places)
    assert (sleeper.stop(), other.stop()) == (0, 0)


def test_a_broker_that_is_killed_and_comes_back(
    fragile: KafkaCluster, topics: Topics, score: StartJob
) -> None:
    scorer = score()
    places = topics.publish_reviews(REVIEWS, partitions=PARTITIONS)

    for number in range(RESTARTS):
        topics.outcomes.until((number + 1) * REVIEWS // (RESTARTS + 2))
        fragile.kill(0)
        fragile.start_broker(0)

    assert_each_once(topics, places)
    assert scorer.stop() == 0


def test_at_least_once_delivery_survives_the_broker_too(
    fragile: KafkaCluster, topics: Topics, score: StartJob
) -> None:
    scorer = score(delivery="at-least-once")
    places = topics.publish_reviews(REVIEWS, partitions=PARTITIONS)
    topics.outcomes.until(REVIEWS // 4)

    fragile.kill(0)
    fragile.start_broker(0)

    eventually(lambda: topics.committed() == ends_of(places))
    assert sorted(set(sources_of(topics.outcomes.all()))) == sorted(places)
    assert scorer.stop() == 0


def test_a_broker_that_stays_away_is_waited_for_until_the_deadline(
    fragile: KafkaCluster, topics: Topics, score: StartJob
) -> None:
    with Topics(topics.servers, f"{topics.group}.idle.", 1) as silent:
        busy = score(outage_deadline=str(OUTAGE_S))
        idle = score("idle", **silent.names, scorer_group=silent.group, outage_deadline=str(OUTAGE_S))
        eventually(lambda: silent.members() == 1)
    places = topics.publish_reviews(REVIEWS, partitions=PARTITIONS)
    topics.outcomes.until(REVIEWS // 4)

    fragile.kill(0)
    try:
        for scorer in (busy, idle):
            assert scorer.wait(OUTAGE_S + LEAVE_S) == ServerUnavailable.exit_code, scorer.log
            assert any(words in scorer.log for words in ("has not answered", "giving up")), scorer.log
    finally:
        fragile.start_broker(0)

    score()
    assert_each_once(topics, places)


def test_two_scorers_with_one_instance_id_do_not_fight_for_long(topics: Topics, score: StartJob) -> None:
    rivals = [score("same"), score("same")]
    eventually(lambda: topics.members() == 2)
    places = topics.publish_reviews(REVIEWS, partitions=PARTITIONS)

    eventually(lambda: sum(rival.running for rival in rivals) == 1)
    (loser,), (winner,) = (
        [rival for rival in rivals if not rival.running],
        [rival for rival in rivals if rival.running],
    )

    assert loser.wait(0) == InstanceFenced.exit_code
    assert "REVIEWSTREAM_INSTANCE_ID" in loser.log
    assert_each_once(topics, places)
    assert winner.stop() == 0


def test_a_missing_topic_is_named_at_once(score: StartJob) -> None:
    scorer = score(raw_topic="no-such-topic")

    assert scorer.wait(30) == MissingTopic.exit_code
    assert "no-such-topic; create the topics with: reviewstream init" in scorer.log
