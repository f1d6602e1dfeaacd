"""SIGTERM again and again, to a scorer and an aggregator at work: how fast they leave, and whether work is done twice.

Reviews trickle in. Each process is terminated at a random moment after it made progress, and a successor started.
In the end everything is counted: exit codes, seconds to leave, and records that were published or counted twice, in
transactions that were committed or aborted.
"""

import argparse
import itertools
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from redis import Redis

from benchmarks.pipeline import load_texts
from benchmarks.servers import report, servers, start
from consumers.read.report import Verdict
from consumers.read.verify import verify
from schemas.codec import decode_scored
from schemas.events import ReviewEvent, SourceRecord
from schemas.redis_keys import ViewKeys
from schemas.settings import AggregatorSettings, ReaderSettings, ScorerSettings

JOBS = ("score", "aggregate")
PRODUCTS = 50
PATIENCE_S = 300.0
PATIENCE_AT_THE_END_S = 3600.0
"""Processes that are away half of the time leave a backlog, which is worked off before anything is counted."""

LATEST_MOMENT_S = 1.0
"""A process is terminated so long after its first progress, at the latest."""

_DONE = re.compile(r"stopped: \w+\((?:scored|applied)=(\d+),.*? dead_lettered=(\d+)")


@dataclass(frozen=True)
class Leave:
    """One SIGTERM: the exit code, seconds until the process was gone, and the records that it had done."""

    job: str
    code: int
    seconds: float
    records: int


def main() -> None:
    """Measure, print, and leave with 1 if anything was done twice, lost or late."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--sigterms", type=int, default=1000, help="in all, half to each process")
    arguments.add_argument("--minutes", type=float, default=120.0, help="stop earlier after this time")
    arguments.add_argument("--rate", type=float, default=20.0, help="reviews a second")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--leaves", type=Path, help="write each to this file as it happens")
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    until = time.monotonic() + options.minutes * 60
    with servers() as settings:
        with trickle(settings, options.rate) as published, ThreadPoolExecutor() as threads:
            runs = [
                threads.submit(
                    terminate_often, settings, job, options.sigterms // 2, until, options.seed, options.leaves
                )
                for job in JOBS
            ]
            leaves = [leave for run in runs for leave in run.result()]
        last = finish(settings, published())
        figures = figures_of(settings, leaves, last, published())
    report(figures, options.json)
    sys.exit(0 if figures["as promised"] else 1)


def terminate_often(
    settings: ReaderSettings, job: str, times: int, until: float, seed: int, path: Path | None
) -> list[Leave]:
    """Start, wait for progress, terminate at a random moment: so often, or until the time is over."""
    moments = random.Random(seed)
    leaves = []
    with progress_of(settings, job) as progress, tempfile.TemporaryDirectory() as folder:
        while len(leaves) < times and time.monotonic() < until:
            log = Path(folder) / "log"
            before = progress()
            running = start(job, settings, log)
            # A marker of its forerunner's last transaction looks like progress, before it listens to signals at all.
            wait_for(
                lambda: (log.stat().st_size and progress() > before) or running.poll() is not None  # noqa: B023 -- used up at once
            )
            time.sleep(moments.uniform(0, LATEST_MOMENT_S))
            leaves.append(terminate(running, job, log))
            if path is not None:
                with path.open("a") as lines:
                    lines.write(json.dumps(asdict(leaves[-1])) + "\n")
    return leaves


def terminate(running: subprocess.Popen[bytes], job: str, log: Path) -> Leave:
    """SIGTERM, and what the process says of itself when it is gone."""
    started = time.perf_counter()
    running.terminate()
    code = running.wait(timeout=60)
    seconds = time.perf_counter() - started
    done = _DONE.search(text := log.read_text())
    if code != 0 or done is None:
        print(f"{job} left with {code}:\n{text}", flush=True)
    return Leave(job, code, round(seconds, 3), sum(map(int, done.groups())) if done else 0)


def wait_for(condition: Callable[[], object], patience_s: float = PATIENCE_S, pause_s: float = 0.02) -> None:
    """Return once it is true.

    Raises:
        TimeoutError: it does not come true.
    """
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("no progress")
        time.sleep(pause_s)


@contextmanager
def trickle(settings: ReaderSettings, rate: float) -> Iterator[Callable[[], int]]:
    """Publish reviews at this rate while the body runs; yields a function that says how many there are."""
    over = threading.Event()
    sends = []

    def publish() -> None:
        for number, text in enumerate(itertools.cycle(load_texts(None))):
            event = ReviewEvent(review_id=f"r{number}", product_id=f"p{number % PRODUCTS}", text=text)
            sends.append(
                producer.send(settings.raw_topic, key=event.product_id.encode(), value=event.to_json())
            )
            if over.wait(1 / rate):
                return

    with closing(KafkaProducer(**settings.client_config())) as producer:
        publisher = threading.Thread(target=publish)
        publisher.start()
        try:
            yield lambda: len(sends)
        finally:
            over.set()
            publisher.join()
            for sent in sends:
                sent.get(timeout=60)


@contextmanager
def progress_of(settings: ReaderSettings, job: str) -> Iterator[Callable[[], int]]:
    """How far the scored topic is written, or counted."""
    if job == "score":
        with scored_reader(settings, "read_committed") as (reader, places):
            yield lambda: sum(reader.end_offsets(places).values())
    else:
        with Redis.from_url(settings.redis_url) as redis:
            key = ViewKeys(settings.redis_prefix).offsets(settings.scored_topic)
            yield lambda: sum(map(int, redis.hvals(key)))


@contextmanager
def scored_reader(
    settings: ReaderSettings, isolation: str
) -> Iterator[tuple[KafkaConsumer, list[TopicPartition]]]:
    """A reader of all partitions of the scored topic from their beginning."""
    with closing(
        KafkaConsumer(**settings.client_config(), enable_auto_commit=False, isolation_level=isolation)
    ) as reader:
        topic = settings.scored_topic
        places = [TopicPartition(topic, number) for number in reader.partitions_for_topic(topic)]
        reader.assign(places)
        reader.seek_to_beginning()
        yield reader, places


def finish(settings: ReaderSettings, published: int) -> Mapping[str, int]:
    """Let both processes do what is left; returns how many records each did."""
    with tempfile.TemporaryDirectory() as folder:
        running = {job: start(job, settings, Path(folder) / job) for job in JOBS}
        with progress_of(settings, "score") as written, progress_of(settings, "aggregate") as counted:
            wait_for(
                lambda: sum(sources(settings, "read_committed").values()) >= published,
                PATIENCE_AT_THE_END_S,
                pause_s=10.0,
            )
            wait_for(lambda: counted() == written())
        return {job: terminate(running[job], job, Path(folder) / job).records for job in JOBS}


def sources(settings: ReaderSettings, isolation: str) -> Counter[SourceRecord]:
    """How often each raw record came out."""
    found: Counter[SourceRecord] = Counter()
    with scored_reader(settings, isolation) as (reader, places):
        ends = reader.end_offsets(places)
        while any(reader.position(place) < end for place, end in ends.items()):
            for records in reader.poll(timeout_ms=500).values():
                found.update(decode_scored(record.value).source for record in records)
    return found


def figures_of(
    settings: ReaderSettings, leaves: Sequence[Leave], last: Mapping[str, int], published: int
) -> dict[str, object]:
    """What is reported."""
    committed, written = sources(settings, "read_committed"), sources(settings, "read_uncommitted")
    done = {job: last[job] + sum(leave.records for leave in leaves if leave.job == job) for job in JOBS}
    with Redis.from_url(settings.redis_url, decode_responses=True) as redis:
        verdict = verify(settings, redis, day_retention=AggregatorSettings().day_retention).verdict
    figures: dict[str, object] = {"reviews published": published}
    for job in JOBS:
        seconds = sorted(leave.seconds for leave in leaves if leave.job == job)
        figures |= {
            f"{job}: SIGTERMs": len(seconds),
            f"{job}: exit codes": dict(Counter(leave.code for leave in leaves if leave.job == job)),
            f"{job}: seconds to leave, median": statistics.median(seconds),
            f"{job}: seconds to leave, 99th percentile": seconds[int(len(seconds) * 0.99)],
            f"{job}: seconds to leave, most": seconds[-1],
            f"{job}: records done beyond those published": done[job] - published,
        }
    figures |= {
        "records missing": published - len(committed),
        "records committed twice": sum(committed.values()) - len(committed),
        "records written in aborted transactions": sum(written.values()) - sum(committed.values()),
        "verify": verdict.value,
    }
    slowest = max(leave.seconds for leave in leaves)
    promised = (
        all(leave.code == 0 for leave in leaves)
        and slowest < ScorerSettings().grace_period
        and len(committed) == sum(committed.values()) == sum(written.values()) == published
        and all(number == published for number in done.values())
        and verdict is Verdict.EQUAL
    )
    return figures | {"as promised": promised}


if __name__ == "__main__":
    main()
