"""Where a review's time goes between its publication and its count: the way of each, marked at every station.

The load is that of ``benchmarks.latency``. The scorer is put together as the command does, with clients and an engine that note
when a poll handed a record out, when scoring began and ended, and when its transaction began and was committed. All clocks are
the machine's monotonic one.
"""

import argparse
import atexit
import json
import os
import subprocess
import sys
import tempfile
import time
from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from kafka import KafkaConsumer, KafkaProducer

from benchmarks.latency import WARM_UP_S, Run, observe
from benchmarks.pipeline import load_texts
from benchmarks.servers import report, servers
from consumers.infer.engine import Engine
from consumers.infer.router import Router
from consumers.infer.runner import RunFailure
from consumers.process import Shutdown
from consumers.score import start_scorer
from schemas.events import Sentiment
from schemas.settings import ReaderSettings, ScorerSettings

NOTES = "REVIEWSTREAM_BENCHMARK_NOTES"

STATIONS = (
    "sent to Kafka, after it was due",
    "polled",
    "taken up, once due or the last batch is done",
    "scored with its batch",
    "transaction begun",
    "transaction committed",
    "readable on reviews.scored",
    "counted in Redis",
)


class Marks:
    """What the scorer's process passed, and when."""

    def __init__(self) -> None:
        self.polled: dict[str, float] = {}
        """By ``partition:offset``."""
        self.scorings: list[tuple[float, float]] = []
        self.transactions: list[tuple[float, float]] = []

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(vars(self)))


class MarkingConsumer(KafkaConsumer):  # type: ignore[misc]
    """Notes each record that it hands out."""

    def __init__(self, *, marks: Marks, **configs: Any) -> None:
        self._marks = marks
        super().__init__(**configs)

    def poll(self, **arguments: Any) -> Mapping[Any, Sequence[Any]]:
        polled: Mapping[Any, Sequence[Any]] = super().poll(**arguments)
        now = time.perf_counter()
        for records in polled.values():
            self._marks.polled |= {f"{record.partition}:{record.offset}": now for record in records}
        return polled


class MarkingProducer(KafkaProducer):  # type: ignore[misc]
    """Notes each transaction."""

    def __init__(self, *, marks: Marks, **configs: Any) -> None:
        self._marks = marks
        self._began = 0.0
        super().__init__(**configs)

    def begin_transaction(self) -> None:
        self._began = time.perf_counter()
        super().begin_transaction()

    def commit_transaction(self) -> None:
        super().commit_transaction()
        self._marks.transactions.append((self._began, time.perf_counter()))


class MarkingEngine:
    """Notes each call."""

    def __init__(self, engine: Engine, marks: Marks) -> None:
        self.model, self.batch_size = engine.model, engine.batch_size
        self._engine = engine
        self._marks = marks

    def score(self, texts: Sequence[str]) -> list[Sentiment | RunFailure]:
        began = time.perf_counter()
        sentiments = self._engine.score(texts)
        self._marks.scorings.append((began, time.perf_counter()))
        return sentiments


def main() -> None:
    """Measure and print; or be the scorer, where the environment says so."""
    if NOTES in os.environ:
        be_the_scorer(Path(os.environ[NOTES]))
        return
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--data", type=Path, help="reviews as JSON Lines (.gz); default: the samples")
    arguments.add_argument("--rate", type=float, default=18.0, help="reviews a second")
    arguments.add_argument("--seconds", type=float, default=20.0, help="after the warm-up")
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    with servers() as settings, tempfile.NamedTemporaryFile(suffix=".json") as notes:
        path = Path(notes.name)
        run = observe(
            settings, load_texts(options.data), options.rate, options.seconds, partial(scorer, path)
        )
        marks = json.loads(path.read_text())
    report(spans(run, marks), options.json)


def be_the_scorer(notes: Path) -> None:
    """What ``reviewstream score`` does, marked."""
    marks = Marks()
    atexit.register(marks.write, notes)
    settings = ScorerSettings()
    engine = MarkingEngine(Engine.start(settings.bundle, settings.provider, settings.threads), marks)
    start_scorer(
        settings,
        Router(engine),
        Shutdown(settings.grace_period).listen(),
        "benchmark",
        make_consumer=partial(MarkingConsumer, marks=marks),
        make_producer=partial(MarkingProducer, marks=marks),
    ).run()


@contextmanager
def scorer(notes: Path, settings: ReaderSettings) -> Iterator[subprocess.Popen[bytes]]:
    """The marked scorer as a process; its notes are written once it has left."""
    variables = os.environ | {
        "REVIEWSTREAM_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
        "REVIEWSTREAM_PROVIDER": "cpu",
        NOTES: str(notes),
    }
    running = subprocess.Popen([sys.executable, "-m", "benchmarks.way"], env=variables)
    try:
        yield running
    finally:
        running.terminate()
        running.wait(timeout=60)


def spans(run: Run, marks: Mapping[str, Any]) -> dict[str, object]:
    """Milliseconds from each station to the next, and in all."""
    scorings, transactions = marks["scorings"], marks["transactions"]
    ends = [end for _, end in scorings]
    begins = [begin for begin, _ in transactions]
    rows = []
    for number, due in enumerate(run.due):
        if due < WARM_UP_S:
            continue
        review = f"r{number}"
        polled = marks["polled"]["{}:{}".format(*run.seen.sources[review])]
        # A record is in the first batch that ends after it was polled, and that in the transaction that begins next.
        began, ended = scorings[bisect(ends, polled)]
        opened, committed = transactions[bisect(begins, ended)]
        way = (run.start + due, run.sent[review], polled, began, ended, opened, committed)
        rows.append([*way, run.seen.scored[review], run.counted[review]])
    took = 1000 * np.diff(np.array(rows), axis=1)
    whole = 1000 * (np.array(rows)[:, -2] - np.array(rows)[:, 0])
    figures: dict[str, object] = {"reviews": len(rows), "transactions": len(transactions)}
    for name, column in [*zip(STATIONS, took.T, strict=True), ("in all, to readable", whole)]:
        mean, (p50, p95, p99) = column.mean(), np.percentile(column, (50, 95, 99))
        figures[name] = f"mean {mean:.1f}, p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f} ms"
    return figures | {f"cores: {name}": value for name, value in run.cores.items()}


if __name__ == "__main__":
    main()
