"""A review that was refused, mended and redriven is labelled and counted like any other."""

from fake_engine import FakeEngine
from jobs import run_aggregator, run_scorer
from raw_topics import Raw, Topics, review, scored_of
from redis import Redis
from refused import plan_of, redrive
from waiting import eventually

from consumers.read.report import Verdict
from consumers.read.verify import verify
from schemas.redis_keys import Counter, ViewKeys
from schemas.settings import AggregatorSettings, ReaderSettings

MENDED = FakeEngine(poison="no text says this")
LONG_AGO_MS = 1_600_000_000_000


def test_counts_follow_a_redrive(topics: Topics, redis: Redis, redis_url: str, redis_prefix: str) -> None:
    view = {
        "bootstrap_servers": topics.servers,
        "redis_url": redis_url,
        "redis_prefix": redis_prefix,
        "aggregator_group": f"{topics.group}.counts",
        **topics.names,
    }
    ill = Raw(review("ill", text="poison"), b"kettle", timestamp_ms=LONG_AGO_MS)
    topics.publish(Raw(review("well"), b"kettle"), ill)
    with run_scorer(topics.settings()):
        topics.outcomes.until(2)
    assert len(plan_of(topics).going) == 1

    with run_scorer(topics.settings(), MENDED), run_aggregator(AggregatorSettings(**view)):
        redrive(topics)
        reviews = ViewKeys(redis_prefix).product("kettle")
        eventually(lambda: redis.hget(reviews, Counter.REVIEWS) == "2")
        eventually(lambda: verify(ReaderSettings(**view), redis, day_retention=400).verdict is Verdict.EQUAL)

    labelled = [record for record in topics.outcomes.all() if record.topic == topics.scored]
    (redriven,) = [one for one in scored_of(labelled) if one.review_id == "ill"]
    assert redriven.created_at.timestamp() * 1000 == LONG_AGO_MS


def test_what_is_refused_again_becomes_a_new_letter_with_the_time_of_the_first(topics: Topics) -> None:
    topics.publish(Raw(review("ill", text="poison"), timestamp_ms=LONG_AGO_MS))

    with run_scorer(topics.settings()):
        topics.outcomes.until(1)
        first = plan_of(topics).going
        redrive(topics)
        topics.outcomes.until(3)
    again = plan_of(topics).going

    assert len(again) == 1
    assert again.keys() != first.keys()
    assert [letter.source_timestamp_ms for letter in again.values()] == [LONG_AGO_MS]
