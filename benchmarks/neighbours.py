"""Does a review's score depend on the reviews beside it? Each alone against all in batches of two orders, by precision.

Every variant of the bundle runs on the CPU provider, also fp16, whose 16-bit arithmetic that provider does in 32 bits.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from benchmarks.pipeline import load_texts
from benchmarks.servers import report
from consumers.infer.bundle import open_bundle
from consumers.infer.engine import cores
from consumers.infer.runner import OneByOne, PaddedBatches, Runner
from consumers.infer.session import CPU_PROVIDER, OnnxNetwork
from consumers.infer.tokenise import load_tokenizer
from model_export.export.neighbours import BATCH, compare, measure_neighbours
from schemas.manifest import SERVED_ALONE, Neighbours
from schemas.settings import Provider
from schemas.truncation import head_and_tail


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data", type=Path, help="reviews as JSON Lines (.gz); default: the samples")
    arguments.add_argument("--reviews", type=int, default=2_000)
    arguments.add_argument("--bundle", type=Path)
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    bundle = open_bundle(options.bundle)
    polarity, intensity = bundle.manifest.heads
    temperatures = (polarity.temperature, intensity.temperature)
    encodings = load_tokenizer(bundle).encode_batch_fast(load_texts(options.data)[: options.reviews])
    token_ids = [head_and_tail(encoding.ids, bundle.manifest.max_length) for encoding in encodings]
    figures: dict[str, object] = {"reviews": len(token_ids)}
    for variant in bundle.manifest.variants:
        session_options = onnxruntime.SessionOptions()
        session_options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            bundle.content[variant.file], session_options, providers=[CPU_PROVIDER]
        )
        network = OnnxNetwork(session, Provider.CPU, variant.precision)
        one_by_one = OneByOne(network, cores())
        alone, again = run(one_by_one, token_ids), run(one_by_one, token_ids[::-1])[::-1]
        padded = PaddedBatches(network, bundle.manifest.pad_token_id)
        batched = measure_neighbours(
            lambda rows, form=padded: run(form, rows), token_ids, alone, temperatures
        )
        name = f"{variant.precision}, one review a call"
        figures |= figures_of(name, compare(np.array([alone, again]), temperatures, batch=1))
        how = "not served so" if variant.precision in SERVED_ALONE else "as a GPU is served"
        figures |= figures_of(f"{variant.precision}, batches of {BATCH} in two orders ({how})", batched)
    report(figures, options.json)


def run(form: Runner, token_ids: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
    """Logits (reviews, 2); a review that fails ends the measurement."""
    return np.array(form(token_ids), dtype=np.float64)


def figures_of(form: str, measured: Neighbours) -> dict[str, object]:
    """Two rows of the report."""
    return {
        f"{form}: largest shift of a score": measured.largest_score_shift,
        f"{form}: labels changed": measured.labels_changed,
    }


if __name__ == "__main__":
    main()
