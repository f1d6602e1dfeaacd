"""Whether memory stays bounded while both processes have more to do than they can, for an hour.

Both topics are kept full: as soon as the backlog of a group sinks, as much is published again, so the broker gives as
fast as it is asked. Redis answers nobody for most of each second, and once a minute for longer than the aggregator
waits for an answer. Resident memory and lag of the scorer and of the aggregator are sampled. Memory is flat if, after the
warm-up, its peak in no tenth of the time is more than 10 % above that in the first.
"""

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from redis import Redis

from benchmarks.aggregate import labelled
from benchmarks.pipeline import load_texts
from benchmarks.servers import process, report, servers
from schemas.events import ReviewEvent
from schemas.settings import AggregatorSettings, ReaderSettings, ScorerSettings

SAMPLE_S = 10.0
WARM_UP = 1 / 6
"""Share of the time in which buffers, allocators and caches may still fill."""

TENTHS = 10
TOLERANCE = 0.10

PAUSE_S = 0.9
"""Of each second, Redis is paused so long: what is left is a tenth of its speed."""

LONG_PAUSE_S = 15.0
LONG_PAUSE_EVERY = 60
"""Seconds of the pause that outlasts the aggregator's timeout of 10 s, and the number of short ones to each."""

RAW_BACKLOG = 20_000
SCORED_BACKLOG = 100_000
PRODUCTS = 500
REVIEWS = 200_000
"""Review ids are used again, as corrections, so that Redis does not grow for ever either."""


@dataclass(frozen=True)
class Sample:
    """Both processes at one moment."""

    minute: float
    scorer_mib: float
    aggregator_mib: float
    scorer_lag: int
    aggregator_lag: int
    scored: int
    applied: int


def main() -> None:
    """Measure, print, and leave with 1 if memory is not flat."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=60.0)
    arguments.add_argument("--threads", type=int, default=0, help="of the scorer; 0: one a core")
    arguments.add_argument(
        "--data", type=Path, help="reviews as JSON Lines (.gz), 'text' is used; default: the samples"
    )
    arguments.add_argument("--samples", type=Path, help="write each sample to this file as it is taken")
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    texts = load_texts(options.data)
    with (
        servers() as settings,
        refilled(settings, texts) as refill,
        process(
            "score", settings, REVIEWSTREAM_PROVIDER="cpu", REVIEWSTREAM_THREADS=str(options.threads)
        ) as scorer,
        process("aggregate", settings) as aggregator,
        slowed(settings.redis_url),
    ):
        samples = list(
            sampled(settings, scorer, aggregator, refill, minutes=options.minutes, path=options.samples)
        )
    figures = figures_of(samples)
    report(figures, options.json)
    sys.exit(0 if figures["flat"] else 1)


def sampled(
    settings: ReaderSettings,
    scorer: subprocess.Popen[bytes],
    aggregator: subprocess.Popen[bytes],
    refill: Callable[[int, int], None],
    *,
    minutes: float,
    path: Path | None,
) -> Iterator[Sample]:
    """A sample every few seconds, after each of which the backlogs are filled up again."""
    started = time.monotonic()
    with KafkaAdminClient(**settings.client_config()) as admin:
        while (minute := (time.monotonic() - started) / 60) < minutes:
            try:
                scorer_lag, scored = progress(admin, ScorerSettings().scorer_group, settings.raw_topic)
                aggregator_lag, applied = progress(
                    admin, AggregatorSettings().aggregator_group, settings.scored_topic
                )
            except KafkaError as error:  # of a broker that has no time for us: this sample is missing
                print(f"no sample: {error!r}", flush=True)
                time.sleep(SAMPLE_S)
                continue
            sample = Sample(
                minute=round(minute, 2),
                scorer_mib=resident_mib(scorer),
                aggregator_mib=resident_mib(aggregator),
                scorer_lag=scorer_lag,
                aggregator_lag=aggregator_lag,
                scored=scored,
                applied=applied,
            )
            print(sample, flush=True)
            if path is not None:
                with path.open("a") as lines:
                    lines.write(json.dumps(asdict(sample)) + "\n")
            yield sample
            refill(scorer_lag, aggregator_lag)
            time.sleep(SAMPLE_S)


def progress(admin: KafkaAdminClient, group: str, topic: str) -> tuple[int, int]:
    """Lag of a group as any tool shows it, and how far it has committed."""
    partitions = range(len(admin.describe_topics([topic])[0]["partitions"]))
    places = [TopicPartition(topic, partition) for partition in partitions]
    committed = admin.list_group_offsets(group)[group]
    ends = admin.list_partition_offsets(dict.fromkeys(places, -1))
    done = sum(max(0, committed[place].offset) for place in places if place in committed)
    return sum(end.offset for end in ends.values()) - done, done


def resident_mib(running: subprocess.Popen[bytes]) -> float:
    """Resident memory of a process in MiB.

    Raises:
        CalledProcessError: it has ended.
    """
    shown = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(running.pid)],  # noqa: S607 -- of whatever system this is
        check=True,
        capture_output=True,
        text=True,
    )
    return round(int(shown.stdout) / 1024, 1)


@contextmanager
def refilled(settings: ReaderSettings, texts: Sequence[str]) -> Iterator[Callable[[int, int], None]]:
    """A function that fills both backlogs up, given what is left of them; it has done so once."""
    numbers = itertools.count()
    reviews = itertools.cycle(texts)
    producer = KafkaProducer(**settings.client_config(), linger_ms=20, batch_size=131_072)

    def refill(raw: int, scored: int) -> None:
        for number in itertools.islice(numbers, max(0, RAW_BACKLOG - raw)):
            event = ReviewEvent(
                review_id=f"r{number % REVIEWS}",
                product_id=f"p{number % PRODUCTS}",
                text=next(reviews)[:20_000],
            )
            producer.send(settings.raw_topic, key=event.product_id.encode(), value=event.to_json())
        for number in itertools.islice(numbers, max(0, SCORED_BACKLOG - scored)):
            labels = labelled(number % REVIEWS, number, PRODUCTS)
            producer.send(settings.scored_topic, key=labels.product_id.encode(), value=labels.to_json())
        producer.flush()

    refill(0, 0)
    yield refill
    producer.close()


@contextmanager
def slowed(redis_url: str) -> Iterator[None]:
    """A Redis that is paused for most of each second, and now and then for longer."""
    over = threading.Event()

    def pause() -> None:
        with Redis.from_url(redis_url) as redis:
            for number in itertools.count(1):
                long = number % LONG_PAUSE_EVERY == 0
                seconds = LONG_PAUSE_S if long else PAUSE_S
                redis.client_pause(int(seconds * 1000))
                if over.wait(seconds + 1 - PAUSE_S):
                    return

    pauses = threading.Thread(target=pause)
    pauses.start()
    try:
        yield
    finally:
        over.set()
        pauses.join()


def figures_of(samples: Sequence[Sample]) -> dict[str, object]:
    """What is reported: memory after the warm-up, work done, and the verdict."""
    warm = [sample for sample in samples if sample.minute >= samples[-1].minute * WARM_UP]
    memory = {
        "scorer": [sample.scorer_mib for sample in warm],
        "aggregator": [sample.aggregator_mib for sample in warm],
    }
    figures: dict[str, object] = {
        "minutes": samples[-1].minute,
        "samples after the warm-up": len(warm),
        "reviews scored": samples[-1].scored,
        "events counted": samples[-1].applied,
        "smallest lag of the scorer": min(sample.scorer_lag for sample in warm),
        "smallest lag of the aggregator": min(sample.aggregator_lag for sample in warm),
    }
    flat = True
    for name, values in memory.items():
        tenth = max(1, len(values) // TENTHS)
        peaks = [max(values[start : start + tenth]) for start in range(0, len(values) - tenth + 1, tenth)]
        growth = max(peaks) / peaks[0] - 1
        flat = flat and growth <= TOLERANCE
        figures |= {
            f"{name}, MiB, least": min(values),
            f"{name}, MiB, median": statistics.median(values),
            f"{name}, MiB, most": max(values),
            f"{name}, MiB, peak of each tenth": peaks,
            f"{name}, growth of the peak": growth,
        }
    return figures | {"flat": flat}


if __name__ == "__main__":
    main()
