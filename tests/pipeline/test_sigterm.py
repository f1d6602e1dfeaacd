"""Processes that are asked to leave while they work, again and again; ``benchmarks/sigterms.py`` does it far oftener."""

import re
from collections.abc import Callable

from jobs import Job
from labelled import ScoredTopic
from raw_topics import Topics, Watch, sources_of
from recounted import assert_equal
from redis import Redis

LEAVES = 2
REVIEWS = 40

_DONE = re.compile(r"stopped: \w+\((?:scored|applied)=(\d+)")


def test_processes_that_are_asked_to_leave_while_they_work_do_nothing_twice(
    topics: Topics, redis_url: str, redis: Redis, topic_prefix: str, start_job: Callable[..., Job]
) -> None:
    jobs: list[Job] = []
    places = []
    with ScoredTopic(topics.servers, topic_prefix, 3, redis_url) as scored:
        for number in range(LEAVES):
            pair = [
                start_job("score", **topics.environment(instance_id="a", batch_size="4", threads="1")),
                start_job("aggregate", **scored.environment(instance_id="a", apply_batch_size="4")),
            ]
            topics.outcomes.until(len(places))
            places += topics.publish_reviews(REVIEWS, partitions=3, name=f"r{number}-")
            topics.outcomes.until(len(places) - REVIEWS + 1)
            assert [job.stop() for job in pair] == [0, 0]
            jobs += pair
        pair = [start_job("score", **topics.environment()), start_job("aggregate", **scored.environment())]
        topics.outcomes.until(len(places))
        assert_equal(scored, redis)
        assert [job.stop() for job in pair] == [0, 0]

    with Watch(topics.servers, topics.scored, isolation_level="read_uncommitted") as written:
        assert sources_of(written.all()) == sources_of(topics.outcomes.all()) == sorted(places)
    done = [int(count) for job in [*jobs, *pair] for count in _DONE.findall(job.log)]
    assert sum(done) == 2 * len(places)
