"""What the tests of the running stages share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jobs import COMMAND, Job
from raw_topics import Topics
from redis import Redis

from embedded import KafkaCluster, ValkeyServer

PARTITIONS = 3


@pytest.fixture
def topics(kafka: KafkaCluster, topic_prefix: str) -> Iterator[Topics]:
    """Three topics of ``PARTITIONS`` partitions, created as ``reviewstream init`` does."""
    with Topics(kafka.bootstrap_servers, topic_prefix, PARTITIONS) as created:
        yield created


@pytest.fixture
def redis_url(valkey: ValkeyServer) -> str:
    """A database that tests may empty: nothing else is kept in it."""
    return valkey.url.removesuffix("0") + "7"


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


@pytest.fixture
def start_job(tmp_path: Path) -> Iterator[Callable[..., Job]]:
    """Starts ``reviewstream score`` or ``aggregate`` with these settings; all are gone after the test.

    What they wrote is printed then, which pytest shows where the test failed.
    """
    jobs: list[Job] = []

    def start(command: str, **environment: str) -> Job:
        jobs.append(Job([*COMMAND, command], environment, tmp_path / f"{command}-{len(jobs)}.log"))
        return jobs[-1]

    yield start
    for number, job in enumerate(jobs):
        with job:
            print(f"--- log of job {number}, {'running' if job.running else 'gone'}:\n{job.log}")  # noqa: T201
