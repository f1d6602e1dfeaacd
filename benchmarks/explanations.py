"""Explanations: how faithful they are, and how long one takes, by length of the text."""

import argparse
import random
import statistics
import time
from collections import defaultdict
from pathlib import Path

from benchmarks.pipeline import load_texts
from benchmarks.servers import report
from consumers.explain.faithfulness import measure
from consumers.explain.occlusion import Explainer, Explanation
from consumers.infer.engine import Engine
from consumers.infer.runner import RunFailure
from schemas.settings import Provider

LENGTHS = (50, 100, 200, 384)
"""Tokens up to which texts are timed together."""


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, help="reviews as JSON Lines (.gz); default: the samples")
    arguments.add_argument("--reviews", type=int, default=300)
    arguments.add_argument("--tokens", type=int, nargs=2, metavar=("LEAST", "MOST"), help="only such texts")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--seed", type=int, default=7)
    arguments.add_argument("--bundle", type=Path)
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    engine = Engine.start(options.bundle, Provider.CPU, options.threads)
    explainer = Explainer(engine)
    texts = load_texts(options.data)
    random.Random(options.seed).shuffle(texts)
    if options.tokens is not None:
        least, most = options.tokens
        texts = [text for text in texts if least <= len(engine.tokenizer.encode(text).ids) <= most]
    seconds: dict[int, list[float]] = defaultdict(list)
    cpu_seconds: dict[int, list[float]] = defaultdict(list)

    def timed(text: str) -> Explanation | RunFailure:
        tokens = len(engine.tokenizer.encode(text).ids)
        length = next((limit for limit in LENGTHS if tokens <= limit), LENGTHS[-1])
        cpu, started = time.process_time(), time.perf_counter()
        explanation = explainer.explain(text)
        seconds[length].append(time.perf_counter() - started)
        cpu_seconds[length].append(time.process_time() - cpu)
        return explanation

    found = measure(timed, engine.score, texts[: options.reviews])
    figures: dict[str, object] = {
        "model": engine.model.version,
        "reviews": found.texts,
        "tokens": options.tokens,
        "words named, mean": round(found.words_named, 2),
        "score moved by named words, mean": round(found.named.score, 4),
        "score moved by as many random words, mean": round(found.random.score, 4),
        "faithfulness factor (score)": round(found.factor, 2),
        "faithfulness factor (log-odds)": round(found.named.log_odds / found.random.log_odds, 2),
        "labels changed without named words": round(found.named.flipped, 3),
        "labels changed without random words": round(found.random.flipped, 3),
    }
    for length in sorted(seconds):
        times, cpu = seconds[length], cpu_seconds[length]
        name = f"up to {length} tokens" if length < LENGTHS[-1] else f"over {LENGTHS[-2]} tokens"
        figures |= {
            f"{name}: explanations": len(times),
            f"{name}: ms, p50": round(1000 * statistics.median(times), 1),
            f"{name}: ms, p95": round(1000 * statistics.quantiles(times, n=20)[-1], 1)
            if len(times) > 1
            else None,
            f"{name}: ms of CPU time, p50": round(1000 * statistics.median(cpu), 1),
        }
    report(figures, options.json)


if __name__ == "__main__":
    main()
