"""What the benchmarks share: servers of their own, processes as users run them, and a table of results."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from redis import Redis

from console.topics import create_topics
from embedded import KafkaCluster, ValkeyServer
from schemas.redis_keys import partition_offsets
from schemas.settings import ReaderSettings, TopicSettings


@contextmanager
def servers() -> Iterator[ReaderSettings]:
    """A fresh Kafka with the three topics, and a fresh Valkey."""
    with KafkaCluster() as kafka, ValkeyServer() as valkey:
        create_topics(TopicSettings(bootstrap_servers=kafka.bootstrap_servers))
        yield ReaderSettings(bootstrap_servers=kafka.bootstrap_servers, redis_url=valkey.url)


def lane(settings: ReaderSettings, name: str) -> tuple[ReaderSettings, dict[str, str]]:
    """Topics, groups and a Redis prefix of their own on servers that others use too: a run that nothing came before.

    Returns:
        Settings that name them, and the same as variables for ``process``.
    """
    topics = {f"{kind}_topic": f"{kind}.{name}" for kind in ("raw", "scored", "dead_letter", "labels")}
    create_topics(TopicSettings(bootstrap_servers=settings.bootstrap_servers, **topics))
    named = {**topics, "redis_prefix": f"{name}:"}
    groups = {"scorer_group": f"{name}-scorer", "aggregator_group": f"{name}-aggregator"}
    variables = {f"REVIEWSTREAM_{field.upper()}": value for field, value in {**named, **groups}.items()}
    return settings.model_copy(update=named), variables


@contextmanager
def process(job: str, settings: ReaderSettings, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """``reviewstream score`` or ``aggregate`` as a process of its own."""
    running = start(job, settings, **environment)
    try:
        yield running
    finally:
        running.terminate()
        running.wait(timeout=60)


def start(
    job: str, settings: ReaderSettings, log: Path | None = None, **environment: str
) -> subprocess.Popen[bytes]:
    """Start such a process.

    Args:
        job: ``score`` or ``aggregate``.
        settings: where Kafka and Redis are.
        log: takes all that the process says; by default its warnings go to our standard error.
        environment: further variables.
    """
    variables = os.environ | {
        "REVIEWSTREAM_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
        "REVIEWSTREAM_REDIS_URL": settings.redis_url,
        "REVIEWSTREAM_INSTANCE_ID": f"benchmark-{job}",
        **environment,
    }
    command = [sys.executable, "-m", "console.main", "--log-level", "info" if log else "warning", job]
    if log is None:
        return subprocess.Popen(command, env=variables)
    with log.open("wb") as output:
        return subprocess.Popen(command, env=variables, stdout=output, stderr=output)


def counted(redis: Redis, key: str) -> int:
    """How many records and markers of a topic Redis has come past, by the hash of its offsets."""
    return sum(partition_offsets(redis.hgetall(key)).values())


def report(figures: Mapping[str, object], path: Path | None) -> None:
    """Print figures, and write them as JSON where asked."""
    width = max(map(len, figures))
    for name, value in figures.items():
        shown = (
            f"{value:,.3f}"
            if isinstance(value, float) and value < 10
            else f"{value:,.0f}"
            if isinstance(value, float)
            else value
        )
        print(f"{name:<{width}}  {shown}")
    if path is not None:
        path.write_text(json.dumps(figures, indent=2) + "\n")
