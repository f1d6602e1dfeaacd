"""How fast ``publish`` is beside the bare client that sends the same bytes.

Each round runs, on one embedded Kafka and in an order that turns round by round:

- ``bare``: kafka-python's idempotent producer in a loop; key and value stand ready in memory and no result is looked
  at. Batch size, linger and timeouts are those of ``publish``, so that the ratio is what our work for each event
  costs, and not what larger batches gain.
- ``publish``: our function, from a JSON Lines file.
- ``bare, defaults``: the same loop in the client's default configuration.
- ``bare, checksums in Python``: ``bare`` as the client is without the crc32c package.

Every run counts from before it connects until after it has closed. Rates of one round are compared with each other, so
that a machine that is busy for a while slows both sides; the CPU time of this process is given too.
"""

import argparse
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import kafka
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from benchmarks.checksums import python_checksums
from embedded import KafkaCluster
from producers.connection import producer_config
from producers.publisher import publish
from producers.readers import read_files
from schemas.settings import KafkaSettings

EVENT_BYTES = 450
IN_PYTHON = "bare, checksums in Python"
TARGET = 0.9
"""Of ``bare, checksums in Python``: what the client could do when the target was set."""

WORDS = (
    "the",
    "it",
    "was",
    "and",
    "very",
    "good",
    "bad",
    "tent",
    "stove",
    "leaks",
    "dry",
    "again",
    "never",
    "broke",
)


@dataclass(frozen=True)
class Run:
    """One run: which way, and what it took for all events."""

    way: str
    round: int
    seconds: float
    cpu_seconds: float
    events_per_second: float


def main() -> None:
    """Run the benchmark, print the table, leave with 1 if the target is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=50_000, help="events of each run (default: 50000)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each way (default: 5)")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    options = parser.parse_args()
    with KafkaCluster() as cluster, tempfile.TemporaryDirectory() as folder:
        settings = KafkaSettings(bootstrap_servers=cluster.bootstrap_servers, raw_topic="benchmark")
        runs = measure(settings, Path(folder) / "events.jsonl", options.events, options.rounds)
    figures = summary(runs)
    print_table(figures, runs, options.events)
    if options.json:
        document = figures | {
            "events": options.events,
            "machine": machine(),
            "runs": [asdict(run) for run in runs],
        }
        options.json.write_text(json.dumps(document, indent=2) + "\n")
    sys.exit(figures["ratio"] < TARGET)


def measure(settings: KafkaSettings, file: Path, events: int, rounds: int) -> list[Run]:
    """All runs, after one that warms the broker up."""
    records = list(generate(events))
    file.write_bytes(b"".join(value + b"\n" for _, value in records))
    with KafkaAdminClient(**settings.client_config()) as admin:
        admin.create_topics(
            {settings.raw_topic: {"num_partitions": 6, "replication_factor": 1}}, wait_for_metadata=True
        )
    tuned = producer_config(settings)
    del tuned["partitioner"]  # our code, not configuration
    ways: dict[str, Callable[[], None]] = {
        "bare": lambda: send_all(records, settings, tuned),
        "publish": lambda: publish_all(file, settings, events),
        "bare, defaults": lambda: send_all(records, settings, settings.client_config()),
        IN_PYTHON: lambda: send_in_python(records, settings, tuned),
    }
    for way in ways.values():
        way()
    runs = []
    for number in range(rounds):
        names = list(ways)
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            runs.append(timed(name, number, ways[name], events))
            print(f"round {number}: {name}: {runs[-1].events_per_second:,.0f} events/s", file=sys.stderr)
    expected = events * len(ways) * (rounds + 1)
    if (found := records_in(settings)) != expected:
        sys.exit(f"the topic holds {found} records, not {expected}: the runs cannot be compared")
    return runs


def generate(events: int) -> Iterable[tuple[bytes, bytes]]:
    """Keys and values of reviews of about ``EVENT_BYTES`` bytes, the same ones in each run."""
    chance = random.Random(7)
    for number in range(events):
        product = f"product-{chance.randrange(2000)}"
        event = {
            "review_id": f"review-{number}",
            "product_id": product,
            "rating": chance.randint(1, 5),
            "language": "en",
            "created_at": "2025-01-01T12:00:00+00:00",
            "text": "",
        }
        words = chance.choices(WORDS, k=EVENT_BYTES // 5)
        event["text"] = " ".join(words)[: EVENT_BYTES - len(json.dumps(event))]
        yield product.encode(), json.dumps(event).encode()


def send_all(records: list[tuple[bytes, bytes]], settings: KafkaSettings, config: dict[str, Any]) -> None:
    """The bare client."""
    with KafkaProducer(**config) as producer:
        for key, value in records:
            producer.send(settings.raw_topic, value=value, key=key)
        producer.flush()


def send_in_python(
    records: list[tuple[bytes, bytes]], settings: KafkaSettings, config: dict[str, Any]
) -> None:
    """The bare client without its checksums in C."""
    with python_checksums():
        send_all(records, settings, config)


def publish_all(file: Path, settings: KafkaSettings, events: int) -> None:
    """Our way."""
    report = publish(read_files([str(file)]), settings)
    if report.delivered != events:
        sys.exit(f"publish lost events: {report}")


def timed(way: str, number: int, run: Callable[[], None], events: int) -> Run:
    """Run one way once."""
    started, cpu_started = time.perf_counter(), time.process_time()
    run()
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    return Run(way, number, seconds, cpu_seconds, events / seconds)


def records_in(settings: KafkaSettings) -> int:
    """How many records the topic holds."""
    with KafkaConsumer(**settings.client_config()) as consumer:
        partitions = [TopicPartition(settings.raw_topic, partition) for partition in range(6)]
        return sum(consumer.end_offsets(partitions).values())


def summary(runs: list[Run]) -> dict[str, Any]:
    """Medians of each way, and the medians over the rounds of ``publish`` against the bare client with and without the package."""
    ways: dict[str, list[Run]] = {}
    for run in runs:
        ways.setdefault(run.way, []).append(run)
    ratios = {
        bare: [
            ours.events_per_second / theirs.events_per_second
            for theirs, ours in zip(ways[bare], ways["publish"], strict=True)
        ]
        for bare in ("bare", IN_PYTHON)
    }
    return {
        "ratio to bare": statistics.median(ratios["bare"]),
        "ratio": statistics.median(ratios[IN_PYTHON]),
        "target": TARGET,
        "ratios": ratios,
        "median_events_per_second": {
            way: statistics.median(run.events_per_second for run in of_way) for way, of_way in ways.items()
        },
        "median_cpu_seconds": {
            way: statistics.median(run.cpu_seconds for run in of_way) for way, of_way in ways.items()
        },
    }


def print_table(figures: dict[str, Any], runs: list[Run], events: int) -> None:
    """For people."""
    rates, cpu = figures["median_events_per_second"], figures["median_cpu_seconds"]
    rounds = len(figures["ratios"]["bare"])
    print(f"{events:,} events of about {EVENT_BYTES} bytes, {rounds} rounds, medians")
    print(f"{'':26}{'events/s':>10}{'lowest':>10}{'highest':>10}{'CPU us/event':>14}")
    for way, rate in rates.items():
        of_way = [run.events_per_second for run in runs if run.way == way]
        print(
            f"{way:26}{rate:>10,.0f}{min(of_way):>10,.0f}{max(of_way):>10,.0f}{cpu[way] / events * 1e6:>14.1f}"
        )
    for bare, ratios in figures["ratios"].items():
        spread = ", ".join(f"{ratio:.3f}" for ratio in ratios)
        print(f"publish / {bare}: {statistics.median(ratios):.3f} (by round: {spread})")
    print(f"target of publish / {IN_PYTHON}: {TARGET}")


def machine() -> dict[str, Any]:
    """Where the figures come from."""
    return {
        "cpus": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "kafka-python": kafka.__version__,
        "load_average": os.getloadavg(),
    }


if __name__ == "__main__":
    main()
