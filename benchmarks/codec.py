"""What JSON and pydantic cost of a review's time: decoding, joining event and sentiment, encoding, against the model.

Processor time of this process, so that what else runs on the machine changes little.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from benchmarks.pipeline import load_texts
from benchmarks.servers import report
from consumers.infer.engine import Engine
from consumers.infer.runner import RunFailure
from schemas.codec import decode_review, decode_scored
from schemas.events import ReviewEvent, ScoredReview, SourceRecord
from schemas.settings import Provider

Result = TypeVar("Result")


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--data", type=Path, help="reviews as JSON Lines (.gz); default: the samples")
    arguments.add_argument("--reviews", type=int, default=300)
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    texts = [text[:20_000] for text in load_texts(options.data)[: options.reviews]]
    engine = Engine.start(None, Provider.CPU, threads=1)
    scoring, sentiments = timed(lambda text: engine.score([text])[0], texts)
    values = [
        ReviewEvent(review_id=f"r{number}", product_id="p", text=text).to_json()
        for number, text in enumerate(texts)
    ]
    now = datetime.now(UTC)

    def join(row: int) -> ScoredReview:
        sentiment = sentiments[row]
        if isinstance(sentiment, RunFailure):
            raise TypeError(f"the model fails on a review: {sentiment.detail}")
        source = SourceRecord(topic="reviews.raw", partition=0, offset=row)
        return ScoredReview.of(
            events[row],
            sentiment=sentiment,
            model=engine.model,
            source=source,
            record_time=now,
            scored_at=now,
        )

    decoding, events = timed(decode_review, values)
    joining, scored = timed(join, range(len(texts)))
    encoding, encoded = timed(ScoredReview.to_json, scored)
    counting, _ = timed(decode_scored, encoded)
    report(
        {
            "reviews": len(texts),
            "model, microseconds a review": scoring,
            "scorer decodes": decoding,
            "scorer joins event and sentiment": joining,
            "scorer encodes": encoding,
            "JSON and pydantic of the scorer / model": (decoding + joining + encoding) / scoring,
            "aggregator decodes": counting,
        },
        options.json,
    )


def timed(step: Callable[..., Result], arguments: Iterable[object]) -> tuple[float, Sequence[Result]]:
    """Microseconds a call, and the results."""
    started = time.process_time()
    results = [step(argument) for argument in arguments]
    return 1e6 * (time.process_time() - started) / len(results), results


if __name__ == "__main__":
    main()
