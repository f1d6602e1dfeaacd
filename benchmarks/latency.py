"""How long a review waits: from publication to its label on ``reviews.scored``, and to its count in Redis.

The load is open: reviews are due at random moments (a Poisson process) that nothing in the pipeline can put off, and each
latency counts from the moment at which the review was due, not from when it could be sent. So a pipeline that stalls
pays for every review that it kept waiting ("coordinated omission" hides them; Tene, "How NOT to Measure Latency").

Capacity is measured first, in the same run: the pipeline's rate with a backlog. Publisher, observers, broker, scorer,
aggregator and Valkey share the machine; of each level it is told how many cores each of them kept busy. Redis is asked every ``REDIS_POLL_S`` how far it has counted, so its figures
are late by up to that; the aggregator writes that offset after the counts.
"""

import argparse
import itertools
import json
import random
import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

import numpy as np
from kafka import KafkaProducer
from redis import Redis

from benchmarks.awake import awake
from benchmarks.pipeline import load_texts, pipeline_rate
from benchmarks.processes import busy_seconds, cpu_seconds, stolen_seconds
from benchmarks.servers import process, report, servers
from consumers.topic_reader import open_reader
from schemas.events import ReviewEvent
from schemas.redis_keys import ViewKeys
from schemas.settings import ReaderSettings

PERCENTILES = (50.0, 95.0, 99.0, 99.9)
REDIS_POLL_S = 0.002
WARM_UP_S = 5.0
WARM_REVIEWS = 50
PATIENCE_S = 60.0
SEED = 7
CORES = "cores"
STOLEN = "stolen by the hypervisor"


@dataclass
class Observed:
    """Moments (``time.perf_counter``) at which reviews became readable, by review id and by place."""

    scored: dict[str, float] = field(default_factory=dict)
    places: dict[tuple[int, int], str] = field(default_factory=dict)
    sources: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Partition and offset of the raw record."""
    counted: list[tuple[int, int, float]] = field(default_factory=list)
    """Partition, next offset, moment: each time that Redis had come further."""
    done: bool = False


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--data", type=Path, help="reviews as JSON Lines (.gz); default: the samples")
    arguments.add_argument("--shares", type=float, nargs="+", default=[0.1, 0.25, 0.5, 0.75, 0.9])
    arguments.add_argument("--seconds", type=float, default=60.0, help="of each share, after the warm-up")
    arguments.add_argument("--capacity", type=float, help="reviews/s; measured by default")
    arguments.add_argument("--backlog", type=int, default=1000, help="reviews by which capacity is measured")
    arguments.add_argument("--delivery", choices=["exactly-once", "at-least-once"], default="exactly-once")
    arguments.add_argument(
        "--awake", action="store_true", help="also keep the cores of a virtual machine from being idle"
    )
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    texts = load_texts(options.data)
    capacity = options.capacity or backlog_rate(texts, options.delivery, options.backlog)
    levels = {}
    for share in options.shares:
        with servers() as settings, awake() if options.awake else nullcontext():
            levels[f"{share:.0%}"] = level(
                settings, texts, capacity * share, options.seconds, options.delivery
            )
    report(
        {
            "capacity, reviews/s": capacity,
            "delivery": options.delivery,
            "cores kept awake": options.awake,
            "seconds of each level": options.seconds,
            **{f"at {share}": figures_line(figures) for share, figures in levels.items()},
        },
        None,
    )
    if options.json is not None:
        document = {
            "capacity": capacity,
            "delivery": options.delivery,
            "awake": options.awake,
            "milliseconds": levels,
        }
        options.json.write_text(json.dumps(document, indent=2) + "\n")


def backlog_rate(texts: Sequence[str], delivery: str, reviews: int) -> float:
    """What the pipeline does with a backlog, the median of three runs."""
    some = list(itertools.islice(itertools.cycle(texts), reviews))
    rates = []
    for _ in range(3):
        with servers() as settings:
            rates.append(pipeline_rate(settings, some, delivery, {}))
    return statistics.median(rates)


@dataclass(frozen=True)
class Run:
    """What was seen of an open load."""

    start: float
    due: Sequence[float]
    """Of each review, in seconds after the start."""
    sent: Mapping[str, float]
    seen: Observed
    counted: Mapping[str, float]
    cores: Mapping[str, float]
    """How many cores each process kept busy."""


def level(
    settings: ReaderSettings, texts: Sequence[str], rate: float, seconds: float, delivery: str
) -> dict[str, dict[str, float]]:
    """Latencies in milliseconds at ``rate`` reviews a second, and the cores that were busy meanwhile."""

    def scorer(settings: ReaderSettings) -> AbstractContextManager[Popen[bytes]]:
        return process("score", settings, REVIEWSTREAM_DELIVERY=delivery, REVIEWSTREAM_PROVIDER="cpu")

    run = observe(settings, texts, rate, seconds, scorer)
    measured = [number for number, moment in enumerate(run.due) if moment >= WARM_UP_S]
    latencies = {
        name: percentiles([(moments_of[f"r{n}"] - run.start - run.due[n]) * 1000 for n in measured])
        for name, moments_of in (("scored", run.seen.scored), ("counted", run.counted))
    }
    return latencies | {CORES: dict(run.cores)}


def observe(
    settings: ReaderSettings,
    texts: Sequence[str],
    rate: float,
    seconds: float,
    scorer: Callable[[ReaderSettings], AbstractContextManager[Popen[bytes]]],
) -> Run:
    """Publish at ``rate`` reviews a second while this scorer and an aggregator run, until all is counted."""
    moments = random.Random(SEED)
    waits = [moments.expovariate(rate) for _ in range(int(rate * (WARM_UP_S + seconds)))]
    due = list(itertools.accumulate(waits))
    seen = Observed()
    with process("aggregate", settings) as aggregator, scorer(settings) as scoring:
        observers = [
            threading.Thread(target=watch, args=(settings, seen), daemon=True)
            for watch in (watch_scored, watch_redis)
        ]
        for observer in observers:
            observer.start()
        warm_up(settings, texts, seen)
        before = processor_seconds(scoring.pid, aggregator.pid)
        start, sent = publish(settings, texts, due)
        took = time.perf_counter() - start
        after = processor_seconds(scoring.pid, aggregator.pid)
        wait_for(lambda: len(seen.scored) == len(due) + WARM_REVIEWS and all_counted(seen))
        seen.done = True
        for observer in observers:
            observer.join()
    cores = {name: round((after[name] - before[name]) / took, 3) for name in before}
    return Run(start, due, sent, seen, counted_moments(seen), cores)


def processor_seconds(scorer: int, aggregator: int) -> dict[str, float]:
    """What each has used so far; the rest of the machine is the broker, Valkey and whatever else runs there.

    Beside them, for how long cores were ready to work and not given to this machine.
    """
    used = {
        "scorer": cpu_seconds(scorer),
        "aggregator": cpu_seconds(aggregator),
        "this benchmark": time.process_time(),
    }
    return used | {"rest": busy_seconds() - sum(used.values()), STOLEN: stolen_seconds()}


def warm_up(settings: ReaderSettings, texts: Sequence[str], seen: Observed) -> None:
    """The first reviews wait for processes that are starting: let some through, uncounted."""
    producer = KafkaProducer(**settings.client_config())
    for number in range(WARM_REVIEWS):
        send(producer, settings, f"w{number}", texts[number % len(texts)], number)
    producer.close()
    wait_for(lambda: len(seen.scored) == WARM_REVIEWS and all_counted(seen))


def publish(
    settings: ReaderSettings, texts: Sequence[str], due: Sequence[float]
) -> tuple[float, dict[str, float]]:
    """Send each review when it is due, or as soon after as possible; the moment of the start, and of each sending."""
    sent = {}
    producer = KafkaProducer(**settings.client_config(), linger_ms=0)
    producer.partitions_for(settings.raw_topic)
    start = time.perf_counter()
    for number, moment in enumerate(due):
        while (left := start + moment - time.perf_counter()) > 0:
            time.sleep(left)
        send(producer, settings, f"r{number}", texts[number % len(texts)], number)
        sent[f"r{number}"] = time.perf_counter()
    producer.close()
    return start, sent


def send(producer: KafkaProducer, settings: ReaderSettings, review: str, text: str, number: int) -> None:
    """One review of one of fifty products."""
    event = ReviewEvent(review_id=review, product_id=f"p{number % 50}", text=text[:20_000])
    producer.send(settings.raw_topic, key=event.product_id.encode(), value=event.to_json())


def watch_scored(settings: ReaderSettings, seen: Observed) -> None:
    """Note when each label becomes readable for a ``read_committed`` reader."""
    with open_reader(settings, settings.scored_topic) as reader:
        reader.seek(reader.starts())
        while not seen.done:
            for record in reader.poll(0.05):
                scored = json.loads(record.value or b"")
                review, source = scored["review_id"], scored["source"]
                seen.scored[review] = time.perf_counter()
                seen.sources[review] = source["partition"], source["offset"]
                seen.places[record.partition, record.offset] = review


def watch_redis(settings: ReaderSettings, seen: Observed) -> None:
    """Note how far Redis has counted, again and again."""
    redis = Redis.from_url(**settings.redis_config())
    key = ViewKeys(settings.redis_prefix).offsets(settings.scored_topic)
    known: dict[str, str] = {}
    while not seen.done:
        offsets = redis.hgetall(key)
        now = time.perf_counter()
        for partition, offset in offsets.items():
            if known.get(partition) != offset:
                seen.counted.append((int(partition), int(offset), now))
        known = offsets
        time.sleep(REDIS_POLL_S)


def all_counted(seen: Observed) -> bool:
    """Whether Redis has come past every label that was seen."""
    reached: dict[int, int] = {}
    for partition, offset, _ in list(seen.counted):
        reached[partition] = max(offset, reached.get(partition, 0))
    return all(reached.get(partition, 0) > offset for partition, offset in list(seen.places))


def counted_moments(seen: Observed) -> dict[str, float]:
    """When each review was in the counts: the first moment at which Redis was past its place."""
    moments: dict[str, float] = {}
    by_partition: dict[int, list[tuple[int, float]]] = {}
    for partition, offset, moment in seen.counted:
        by_partition.setdefault(partition, []).append((offset, moment))
    for (partition, offset), review in seen.places.items():
        moments[review] = next(moment for past, moment in by_partition[partition] if past > offset)
    return moments


def percentiles(milliseconds: Sequence[float]) -> dict[str, float]:
    """Percentiles, the largest, and how many there were."""
    values = np.asarray(milliseconds)
    named = {f"p{p:g}": round(float(np.percentile(values, p)), 1) for p in PERCENTILES}
    return named | {"largest": round(float(values.max()), 1), "reviews": float(len(values))}


def figures_line(figures: dict[str, dict[str, float]]) -> str:
    """Both latencies on one line, and how much of the cores was not there."""
    latencies = "; ".join(
        f"{name} " + " ".join(f"{p} {value:,.0f}" for p, value in values.items() if p != "reviews") + " ms"
        for name, values in figures.items()
        if name != CORES
    )
    return f"{latencies}; {figures[CORES][STOLEN]:g} cores {STOLEN}"


def wait_for(condition: Callable[[], bool]) -> None:
    """Until it holds.

    Raises:
        TimeoutError: it did not within ``PATIENCE_S``.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the pipeline did not finish within {PATIENCE_S:.0f} s")
        time.sleep(0.1)


if __name__ == "__main__":
    main()
