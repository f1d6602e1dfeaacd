"""Reviews a second through the whole pipeline, against the bare engine on the same texts in the same run.

The broker, the scorer, the aggregator and Valkey share the machine's cores. The backlog is published first; the clock
runs from the first committed batch, so starting the scorer does not count: to the last committed record, and to the
moment at which Redis has counted it. Every run has topics of its own on one broker, which a run that does not count has
warmed up. The engine's limit is all texts in one call, which nothing but the network holds up.
"""

import argparse
import gzip
import itertools
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from kafka import KafkaProducer
from redis import Redis

from benchmarks.servers import lane, process, report, servers
from consumers.infer.engine import Engine
from consumers.topic_reader import open_reader
from producers.samples import samples
from schemas.codec import decode_review
from schemas.errors import InvalidEvent
from schemas.events import ReviewEvent
from schemas.redis_keys import ViewKeys, partition_offsets
from schemas.settings import Provider, ReaderSettings

DELIVERIES = ("exactly-once", "at-least-once")
WARM_UP_REVIEWS = 200
ENGINE_TARGET = 0.90
DELIVERY_TARGET = 1.05


@dataclass(frozen=True)
class Rates:
    """Reviews a second from the first committed batch on."""

    committed: float
    counted: float


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument(
        "--data", type=Path, help="reviews as JSON Lines (.gz), 'text' is used; default: the samples"
    )
    arguments.add_argument("--reviews", type=int, default=2000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--bundle", type=Path)
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    texts = list(itertools.islice(itertools.cycle(load_texts(options.data)), options.reviews))
    bundle = {} if options.bundle is None else {"REVIEWSTREAM_BUNDLE": str(options.bundle)}
    engine = Engine.start(options.bundle, Provider.CPU)
    limits: list[float] = []
    runs: dict[str, list[Rates]] = {delivery: [] for delivery in DELIVERIES}
    with servers() as shared:
        settings, names = lane(shared, "warm-up")
        pipeline_rates(settings, texts[:WARM_UP_REVIEWS], DELIVERIES[0], bundle | names)
        for number in range(options.rounds):
            limits.append(engine_rate(engine, texts))
            for delivery in DELIVERIES if number % 2 == 0 else reversed(DELIVERIES):
                settings, names = lane(shared, f"{delivery}-{number}")
                runs[delivery].append(pipeline_rates(settings, texts, delivery, bundle | names))
    report(figures_of(options.reviews, limits, runs), options.json)


def figures_of(reviews: int, limits: list[float], runs: dict[str, list[Rates]]) -> dict[str, object]:
    """Medians, and the median over the rounds of each ratio."""
    exactly, at_least = (runs[delivery] for delivery in DELIVERIES)
    to_engine = [run.committed / limit for run, limit in zip(exactly, limits, strict=True)]
    between = [other.committed / run.committed for run, other in zip(exactly, at_least, strict=True)]
    medians = {
        f"pipeline {delivery}, reviews/s {what}": statistics.median(getattr(run, what) for run in of_delivery)
        for delivery, of_delivery in runs.items()
        for what in ("committed", "counted")
    }
    return {
        "reviews": reviews,
        "engine alone, reviews/s": statistics.median(limits),
        **medians,
        "exactly-once / engine": statistics.median(to_engine),
        "target of exactly-once / engine, at least": ENGINE_TARGET,
        "at-least-once / exactly-once": statistics.median(between),
        "target of at-least-once / exactly-once, at most": DELIVERY_TARGET,
        "rounds": {
            "engine": limits,
            **{delivery: [vars(run) for run in of_delivery] for delivery, of_delivery in runs.items()},
        },
    }


def load_texts(path: Path | None) -> list[str]:
    """Texts of a file, or of the sample reviews."""
    if path is None:
        return [
            text for sample in samples(datetime.now(UTC)) if (text := sample_text(sample.value)) is not None
        ]
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines]


def sample_text(value: bytes | None) -> str | None:
    """The text of a sample, unless it is a broken one or a delete."""
    try:
        return decode_review(value).text
    except InvalidEvent:
        return None


def engine_rate(engine: Engine, texts: list[str]) -> float:
    """Reviews a second of the engine alone."""
    started = time.perf_counter()
    engine.score(texts)
    return len(texts) / (time.perf_counter() - started)


def pipeline_rate(
    settings: ReaderSettings, texts: list[str], delivery: str, environment: dict[str, str]
) -> float:
    """Reviews a second from a full raw topic to committed records on the scored topic, counting included."""
    return pipeline_rates(settings, texts, delivery, environment).committed


def pipeline_rates(
    settings: ReaderSettings, texts: list[str], delivery: str, environment: dict[str, str]
) -> Rates:
    """The same, and how fast they were counted in Redis."""
    publish_texts(settings, texts)
    scorer = {"REVIEWSTREAM_DELIVERY": delivery, "REVIEWSTREAM_PROVIDER": "cpu"}
    with (
        process("aggregate", settings, **environment),
        process("score", settings, **scorer, **environment),
    ):
        return watch(settings, len(texts))


def publish_texts(settings: ReaderSettings, texts: list[str]) -> None:
    """Fill the raw topic with reviews of fifty products."""
    producer = KafkaProducer(**settings.client_config(), linger_ms=20)
    for number, text in enumerate(texts):
        event = ReviewEvent(review_id=f"r{number}", product_id=f"p{number % 50}", text=text[:20_000])
        producer.send(settings.raw_topic, key=event.product_id.encode(), value=event.to_json())
    producer.close()


def watch(
    settings: ReaderSettings,
    reviews: int,
    *,
    counting: bool = True,
    alive: Callable[[], None] = lambda: None,
    on_first: Callable[[], None] = lambda: None,
) -> Rates:
    """Wait until so many labelled reviews are committed and counted.

    Args:
        settings: where.
        reviews: how many.
        counting: false where nobody counts.
        alive: asked all the time; raises when there is nothing to wait for.
        on_first: called when the first are there, which is when the clock starts.
    """
    with open_reader(settings, settings.scored_topic) as reader:
        reader.seek(reader.starts())
        seen = first = 0
        started = time.perf_counter()
        ends: dict[int, int] = {}
        while seen < reviews:
            alive()
            records = reader.poll(0.05)
            if seen == 0 and records:
                on_first()
                first, started = len(records), time.perf_counter()
            seen += len(records)
            ends |= {record.partition: record.offset + 1 for record in records}
        committed = time.perf_counter() - started
    if counting:
        wait_until_counted(settings, ends)
    return Rates((seen - first) / committed, (seen - first) / (time.perf_counter() - started))


def wait_until_counted(settings: ReaderSettings, ends: dict[int, int]) -> None:
    """Return once Redis holds these offsets of the scored topic, or later ones."""
    redis = Redis.from_url(**settings.redis_config())
    key = ViewKeys(settings.redis_prefix).offsets(settings.scored_topic)
    while True:
        reached = partition_offsets(redis.hgetall(key))
        if all(reached.get(partition, 0) >= end for partition, end in ends.items()):
            return
        time.sleep(0.01)


if __name__ == "__main__":
    main()
