"""Resident memory and events a second of ``reviewstream verify``, as the topic and its view grow."""

import argparse
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from benchmarks.aggregate import publish
from benchmarks.servers import process, report, servers
from schemas.redis_keys import ViewKeys
from schemas.settings import ReaderSettings

REVIEWS_A_PRODUCT = 100


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, nargs="+", default=[100_000, 1_000_000])
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    figures: dict[str, object] = {}
    published = 0
    with servers() as settings:
        for events in sorted(options.events):
            publish(settings, events - published, events // REVIEWS_A_PRODUCT, start=published)
            published = events
            count_all(settings, events)
            used = measured([sys.executable, "-m", "console.main", "verify"], settings)
            figures[f"{events:,} events: seconds"] = used.seconds
            figures[f"{events:,} events: CPU seconds of verify"] = used.cpu_seconds
            figures[f"{events:,} events: events a CPU second"] = events / used.cpu_seconds
            figures[f"{events:,} events: peak resident MB"] = used.megabytes
    report(figures, options.json)


def count_all(settings: ReaderSettings, events: int) -> None:
    """Let an aggregator count everything that is published."""
    with (
        Redis.from_url(settings.redis_url, decode_responses=True) as redis,
        process("aggregate", settings, REVIEWSTREAM_APPLY_BATCH_SIZE="5000"),
    ):
        key = ViewKeys(settings.redis_prefix).offsets(settings.scored_topic)
        while sum(map(int, redis.hvals(key))) < events:
            time.sleep(0.2)


@dataclass(frozen=True)
class Used:
    """What a process took. Its CPU seconds do not depend on what else the machine does."""

    seconds: float
    cpu_seconds: float
    megabytes: float
    """Resident at the peak."""


def measured(command: list[str], settings: ReaderSettings) -> Used:
    """Run a command that must leave with 0."""
    variables = os.environ | {
        "REVIEWSTREAM_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
        "REVIEWSTREAM_REDIS_URL": settings.redis_url,
    }
    started = time.perf_counter()
    running = os.posix_spawn(command[0], command, variables)
    _, status, used = os.wait4(running, 0)
    seconds = time.perf_counter() - started
    if status != 0:
        raise SystemExit(f"{' '.join(command)} failed with {os.waitstatus_to_exitcode(status)}")
    kilobytes = used.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return Used(seconds, used.ru_utime + used.ru_stime, kilobytes / 1000)


if __name__ == "__main__":
    main()
