"""How a CPU runs the network best: one review a call on each core, or batches on a session of several threads."""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import onnxruntime

from benchmarks.pipeline import load_texts
from benchmarks.servers import report
from consumers.infer.bundle import open_bundle
from consumers.infer.engine import cores
from consumers.infer.runner import OneByOne, PaddedBatches
from consumers.infer.session import CPU_PROVIDER, OnnxNetwork, start_network
from consumers.infer.tokenise import load_tokenizer
from schemas.settings import Provider
from schemas.truncation import head_and_tail

BATCH = 8

Form = Callable[[Sequence[Sequence[int]]], object]


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, help="reviews as JSON Lines (.gz); default: the samples")
    arguments.add_argument("--reviews", type=int, default=400)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--bundle", type=Path)
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    bundle = open_bundle(options.bundle)
    encodings = load_tokenizer(bundle).encode_batch_fast(load_texts(options.data)[: options.reviews])
    batch = [head_and_tail(encoding.ids, bundle.manifest.max_length) for encoding in encodings]
    single = start_network(bundle, Provider.CPU)
    threaded_options = onnxruntime.SessionOptions()
    threaded_options.intra_op_num_threads = cores()
    content = bundle.content[bundle.variant(single.precision).file]
    session = onnxruntime.InferenceSession(content, threaded_options, providers=[CPU_PROVIDER])
    padded = PaddedBatches(OnnxNetwork(session, Provider.CPU, single.precision), bundle.manifest.pad_token_id)
    forms: dict[str, Form] = {
        "one review a call, a call on each core": OneByOne(single, cores()),
        f"batches of {BATCH} in arrival order, one session of all cores": lambda rows: by_eight(padded, rows),
        f"batches of {BATCH} by length, one session of all cores": lambda rows: by_eight(
            padded, sorted(rows, key=len)
        ),
    }
    rates: dict[str, list[float]] = {name: [] for name in forms}
    for _ in range(options.rounds):
        for name, form in forms.items():
            started = time.perf_counter()
            form(batch)
            rates[name].append(len(batch) / (time.perf_counter() - started))
    report(
        {
            "reviews": len(batch),
            "tokens, mean": statistics.mean(map(len, batch)),
            **{f"{name}, reviews/s": statistics.median(values) for name, values in rates.items()},
        },
        options.json,
    )


def by_eight(padded: PaddedBatches, rows: Sequence[Sequence[int]]) -> None:
    """Eight rows a call, in the order given."""
    for start in range(0, len(rows), BATCH):
        padded(rows[start : start + BATCH])


if __name__ == "__main__":
    main()
