"""Events a second that the aggregator counts, against a bare client that only reads the same topic in the same run.

The bare client reads twice: as it is installed, and as it was before its checksums were computed in C, which is what the
target was set against.
"""

import argparse
import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer
from redis import Redis

from benchmarks.checksums import python_checksums
from benchmarks.servers import counted, process, report, servers
from schemas.events import (
    Channel,
    Intensity,
    Label,
    ModelReference,
    Op,
    ScoredReview,
    Sentiment,
    SourceRecord,
)
from schemas.redis_keys import ViewKeys
from schemas.settings import ReaderSettings

TARGET = 0.6
TEXT = "The handle came loose after a week, which is a pity because the rest of it is well made. " * 2


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--events", type=int, default=60_000)
    arguments.add_argument("--products", type=int, default=500)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    rates: dict[str, list[float]] = {"read": [], "read, checksums in Python": [], "count": []}
    with servers() as settings:
        publish(settings, options.events, options.products)
        for number in range(options.rounds):
            rates["read"].append(reading_rate(settings, options.events))
            with python_checksums():
                rates["read, checksums in Python"].append(reading_rate(settings, options.events))
            rates["count"].append(counting_rate(settings, options.events, f"benchmark-{number}:"))
    read, in_python, count = map(statistics.median, rates.values())
    report(
        {
            "events": options.events,
            "bare client reading, events/s": read,
            "bare client reading, checksums in Python, events/s": in_python,
            "aggregator counting, events/s": count,
            "counting / reading": count / read,
            "counting / reading, checksums in Python": count / in_python,
            "target of counting / reading, checksums in Python, at least": TARGET,
            "rounds": rates,
        },
        options.json,
    )


def publish(settings: ReaderSettings, events: int, products: int, start: int = 0) -> None:
    """Fill the scored topic with labelled reviews, one in twenty a correction; it holds ``start`` already."""
    producer = KafkaProducer(**settings.client_config(), linger_ms=20, batch_size=131_072)
    for number in range(start, start + events):
        scored = labelled(number - number % 20 if number % 20 == 1 else number, number, products)
        producer.send(settings.scored_topic, key=scored.product_id.encode(), value=scored.to_json())
    producer.close()


def labelled(review: int, number: int, products: int) -> ScoredReview:
    """A labelled review of about 700 bytes; ``number`` decides what it says."""
    now = datetime.now(UTC)
    score = (number * 7919 % 1000) / 1000
    confidence = max(score, 1 - score)
    return ScoredReview(
        review_id=f"r{review}",
        product_id=f"p{number * 31 % products}",
        op=Op.UPSERT,
        channel=list(Channel)[number % 4],
        text=TEXT,
        created_at=now - timedelta(hours=number % 1000),
        sentiment=Sentiment(
            label=Label.POSITIVE if score >= 0.5 else Label.NEGATIVE,
            score=score,
            intensity=Intensity.STRONG if number % 3 else Intensity.WEAK,
            intensity_score=0.7,
            confidence=confidence,
            needs_review=confidence < 0.6,
        ),
        model=ModelReference(name="benchmark", version="0" * 12),
        source=SourceRecord(topic="reviews.raw", partition=0, offset=number),
        scored_at=now,
    )


def reading_rate(settings: ReaderSettings, events: int) -> float:
    """Events a second that the client reads when nothing is done with them."""
    consumer = KafkaConsumer(
        settings.scored_topic,
        **settings.client_config(),
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    seen, started = 0, 0.0
    while seen < events:
        arrived = sum(map(len, consumer.poll(timeout_ms=500, max_records=2000).values()))
        started = started or (time.perf_counter() if arrived else 0.0)
        seen += arrived
    consumer.close()
    return events / (time.perf_counter() - started)


def counting_rate(settings: ReaderSettings, events: int, prefix: str) -> float:
    """Events a second from the first counted batch to the last, as Redis shows it."""
    redis = Redis.from_url(**settings.redis_config())
    key = ViewKeys(prefix).offsets(settings.scored_topic)
    group = prefix.strip(":")
    with process(
        "aggregate", settings, REVIEWSTREAM_REDIS_PREFIX=prefix, REVIEWSTREAM_AGGREGATOR_GROUP=group
    ):
        while (first := counted(redis, key)) == 0:
            time.sleep(0.01)
        started = time.perf_counter()
        while (now := counted(redis, key)) < events:
            time.sleep(0.02)
        return (now - first) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
