"""Reviews a second through the whole pipeline, against the bare engine on the same texts in the same run.

The broker, the scorer, the aggregator and Valkey share the machine's cores. The backlog is published first; the
clock runs from the first committed batch to the last, so starting the scorer does not count.
"""

import argparse
import gzip
import itertools
import json
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path

from kafka import KafkaProducer

from benchmarks.servers import process, report, servers
from consumers.infer.engine import Engine
from consumers.topic_reader import open_reader
from producers.samples import samples
from schemas.codec import decode_review
from schemas.errors import InvalidEvent
from schemas.events import ReviewEvent
from schemas.settings import Provider, ReaderSettings

BATCH = 128


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
    engine = Engine.start(options.bundle, Provider.CPU)
    bundle = {} if options.bundle is None else {"REVIEWSTREAM_BUNDLE": str(options.bundle)}
    rates: dict[str, list[float]] = {"engine": [], "exactly-once": [], "at-least-once": []}
    for _ in range(options.rounds):
        rates["engine"].append(engine_rate(engine, texts))
        for delivery in ("exactly-once", "at-least-once"):
            with servers() as settings:
                rates[delivery].append(pipeline_rate(settings, texts, delivery, bundle))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    report(
        {
            "reviews": options.reviews,
            "engine alone, reviews/s": medians["engine"],
            "pipeline exactly-once, reviews/s": medians["exactly-once"],
            "pipeline at-least-once, reviews/s": medians["at-least-once"],
            "exactly-once / engine": medians["exactly-once"] / medians["engine"],
            "at-least-once / exactly-once": medians["at-least-once"] / medians["exactly-once"],
            "rounds": rates,
        },
        options.json,
    )


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
    """Reviews a second of the engine alone, in micro-batches of the scorer's size."""
    started = time.perf_counter()
    for start in range(0, len(texts), BATCH):
        engine.score(texts[start : start + BATCH])
    return len(texts) / (time.perf_counter() - started)


def pipeline_rate(
    settings: ReaderSettings, texts: list[str], delivery: str, environment: dict[str, str]
) -> float:
    """Reviews a second from a full raw topic to committed records on the scored topic, counting included."""
    producer = KafkaProducer(**settings.client_config(), linger_ms=20)
    for number, text in enumerate(texts):
        event = ReviewEvent(review_id=f"r{number}", product_id=f"p{number % 50}", text=text[:20_000])
        producer.send(settings.raw_topic, key=event.product_id.encode(), value=event.to_json())
    producer.close()
    with (
        open_reader(settings, settings.scored_topic) as reader,
        process("aggregate", settings),
        process(
            "score", settings, REVIEWSTREAM_DELIVERY=delivery, REVIEWSTREAM_PROVIDER="cpu", **environment
        ),
    ):
        reader.seek(reader.starts())
        seen = first = 0
        started = time.perf_counter()
        while seen < len(texts):
            arrived = len(reader.poll(0.05))
            if seen == 0 and arrived:
                first, started = arrived, time.perf_counter()
            seen += arrived
        return (seen - first) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
