"""The permissions of docs/security.md are enough, none of them is idle, and a missing one loses nothing."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from commands import AsUser, Run
from jobs import run_aggregator, run_scorer
from labelled import judged
from permissions import Permission, kafka_permissions
from raw_topics import Place, Raw, Topics, review, scored_of, sources_of
from secured_kafka import SecuredKafka
from secured_redis import SecuredRedis
from waiting import eventually

from consumers.labels.log import KafkaLabelLog
from schemas.errors import ConfigurationError
from schemas.settings import AggregatorSettings, KafkaSettings, ScorerSettings

AT_TIMES = {"DescribeConfigs", "Describe"}
"""``publish`` does without the one, and ``init`` needs the other only for a topic that it has just created."""

ELSEWHERE = {"reviewstream-dlq", "reviewstream-redrive", "reviewstream-serve", "reviewstream-labels"}
"""Users with tests of their own, and one that only reads what others read."""

NOT_SEEN = "reviews.labels"
"""A topic of labels that may not be seen is one that is not there."""

NEEDED = [
    one
    for one in kafka_permissions()
    if one.operation not in AT_TIMES and one.user not in ELSEWHERE and one.name != NOT_SEEN
]
REFUSED_LATE = {"group", "transactional_id"}


@pytest.fixture
def scorer(as_user: AsUser) -> ScorerSettings:
    return ScorerSettings(**as_user("reviewstream-score"), session_timeout=6, batch_size=10)


@pytest.fixture
def aggregator(as_user: AsUser, guarded: SecuredRedis, authority: Any) -> AggregatorSettings:
    return AggregatorSettings(
        **as_user("reviewstream-aggregate"),
        session_timeout=6,
        redis_url=guarded.url("reviewstream-aggregate"),
        redis_password=guarded.password,
        redis_ssl_cafile=authority.certificate,
    )


@pytest.fixture
def redis(guarded: SecuredRedis, authority: Any) -> Any:
    """Settings for Redis as a user of the page."""
    return lambda user: {
        "redis_url": guarded.url(user),
        "redis_password": guarded.password,
        "redis_ssl_cafile": authority.certificate,
    }


def verified(run: Run, settings: dict[str, Any], records: int) -> bool:
    outcome = run(settings, "verify")
    return outcome.exit_code == 0 and f"equal: {records:,} records" in outcome.said


def test_each_user_does_its_whole_job_with_what_the_page_gives_it(
    run: Run,
    as_user: AsUser,
    redis: Any,
    topics: Topics,
    scorer: ScorerSettings,
    aggregator: AggregatorSettings,
    reviews: Path,
) -> None:
    assert run(as_user("reviewstream-init"), "init").exit_code == 0
    published = run(as_user("reviewstream-publish"), "publish", str(reviews))
    assert "1 read, 1 delivered" in published.said
    topics.publish(Raw(b"nonsense"))

    with run_scorer(scorer), run_aggregator(aggregator):
        topics.outcomes.until(2)
        verify = {**as_user("reviewstream-verify"), **redis("reviewstream-verify")}
        labelled = scored_of(topics.outcomes.all())
        eventually(lambda: verified(run, verify, len(labelled)))
        with closing(KafkaLabelLog(KafkaSettings(**as_user("reviewstream-serve")))) as desk:
            desk.publish(judged(labelled[0]))
        records = len(labelled) + 1
        eventually(lambda: verified(run, verify, records))

    rebuild = {**as_user("reviewstream-rebuild"), **redis("reviewstream-rebuild")}
    assert run(rebuild, "rebuild", "--abort").exit_code == 0
    assert "rebuilt from" in run(rebuild, "rebuild").said
    assert verified(run, verify, records)

    tailed = run(as_user("reviewstream-tail"), "tail", "--from-beginning", "--limit", "1", "--json")
    assert json.loads(tailed.said)["review_id"] == "r1"
    for arguments in (("kettle",), ("--top", "reviews")):
        assert run(redis("reviewstream-counts"), "counts", *arguments).exit_code == 0
    doctor = run(
        {**as_user("reviewstream-score"), "redis_url": aggregator.redis_url}, "doctor", "--provider", "cpu"
    )
    assert "all topics exist, and may be used" in doctor.said


@pytest.mark.usefixtures("topics")
@pytest.mark.parametrize("missing", NEEDED, ids=str)
def test_a_missing_permission_is_named_at_the_start(
    run: Run,
    as_user: AsUser,
    secured: SecuredKafka,
    redis: Any,
    reviews: Path,
    tmp_path: Path,
    missing: Permission,
) -> None:
    job = missing.user.removeprefix("reviewstream-")
    arguments = {"publish": [str(reviews)], "tail": ["--limit", "1"]}.get(job, [])
    settings = {**as_user(missing.user), "health_file": tmp_path / "healthy", "provider": "cpu"}
    if job in ("aggregate", "verify", "rebuild"):
        settings |= redis(missing.user)

    with secured.without(missing):
        outcome = run(settings, job, *arguments)

    assert outcome.exit_code == ConfigurationError.exit_code, outcome.said
    named = missing.kind.replace("_", " ") if missing.kind in REFUSED_LATE else missing.name
    assert named in outcome.said
    assert "docs/security.md" in outcome.said
    assert not (tmp_path / "healthy").exists()


@pytest.mark.usefixtures("topics")
def test_publish_does_without_knowing_how_large_a_record_may_be(
    run: Run, as_user: AsUser, secured: SecuredKafka, reviews: Path
) -> None:
    (knowing,) = (one for one in kafka_permissions() if one.operation == "DescribeConfigs")

    with secured.without(knowing):
        outcome = run(as_user(knowing.user), "publish", str(reviews))

    assert "1 read, 1 delivered" in outcome.said


DENIED = [(review("denied"), "reviews.scored"), (b"nonsense", "reviews.dlq")]


@pytest.mark.parametrize(("value", "topic"), DENIED, ids=["scored", "dlq"])
def test_nothing_is_lost_by_a_scorer_that_may_not_write(
    secured: SecuredKafka, topics: Topics, scorer: ScorerSettings, value: bytes, topic: str
) -> None:
    before = len(topics.outcomes.all())
    places = topics.publish(*[Raw(value)] * 3)

    with (
        secured.without(writing(topic)),
        pytest.raises(ConfigurationError, match=topic),
        run_scorer(scorer) as denied,
    ):
        denied.join()
    assert len(topics.outcomes.all()) == before
    with run_scorer(scorer):
        assert_once(topics, places)


def test_nothing_is_lost_by_a_running_scorer_that_may_no_longer_write(
    secured: SecuredKafka, topics: Topics, scorer: ScorerSettings
) -> None:
    before = len(topics.outcomes.all())
    topics.publish(Raw(review("allowed")))

    running = run_scorer(scorer)
    topics.outcomes.until(before + 1)
    with secured.without(writing("reviews.scored")):
        places = topics.publish(*[Raw(review("denied"))] * 3)
        with pytest.raises(ConfigurationError, match=r"reviews\.scored"):
            running.join()
    assert len(topics.outcomes.all()) == before + 1
    with run_scorer(scorer):
        assert_once(topics, places)


def writing(topic: str) -> Permission:
    (permission,) = (
        one for one in NEEDED if (one.user, one.operation, one.name) == ("reviewstream-score", "Write", topic)
    )
    return permission


def assert_once(topics: Topics, places: list[Place]) -> None:
    """Each has an outcome, and none has two."""
    eventually(lambda: set(places) <= set(sources_of(topics.outcomes.all())))
    assert [source for source in sources_of(topics.outcomes.all()) if source in places] == sorted(places)
