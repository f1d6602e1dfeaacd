"""What Redis has applied of a scored topic, and whether that is right."""

from labelled import ScoredTopic
from redis import Redis
from waiting import eventually

from consumers.read.report import Verdict
from consumers.read.verify import verify
from schemas.redis_keys import ViewKeys, partition_offsets
from schemas.settings import ReaderSettings

EVERY_DAY = 10_000
"""A retention in days that covers all that tests draw, so that every day is compared."""


def stored_offsets(scored: ScoredTopic, redis: Redis) -> dict[int, int]:
    """What Redis says is applied, by partition."""
    return partition_offsets(redis.hgetall(ViewKeys(scored.prefix).offsets(scored.name)))


def wait_until_caught_up(scored: ScoredTopic, redis: Redis) -> None:
    """Return once Redis says that all is applied, transaction markers included."""
    ends = scored.ends()
    eventually(lambda: stored_offsets(scored, redis) == ends)


def assert_equal(scored: ScoredTopic, redis: Redis) -> None:
    """Once Redis says that all is applied, a recount must agree."""
    wait_until_caught_up(scored, redis)
    report = verify(ReaderSettings(**scored.environment()), redis, day_retention=EVERY_DAY)
    assert report.verdict is Verdict.EQUAL, (report.reason, report.difference_count, report.differences[:3])
