"""How fast the engine runs reviews, by precision, batch shape, threads and sessions, beside its limit and its peers.

All forms run the same reviews, one after the other in each of several rounds, so that their ratios hold where the
machine's speed does not. ``--peers`` names the Python of an environment with ``benchmarks/engine_peers.txt``.
On a GPU: ``--provider cuda``; ``--provider cuda --rehearse`` runs the same code on the CPU as far as it goes.
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import onnxruntime

from benchmarks.engine_forms import Form, Reviews, cpu_forms, cuda_forms, start, whole
from benchmarks.machine import float_peak, integer_peak, memory_peak
from benchmarks.peer_process import peer_forms
from benchmarks.pipeline import load_texts
from benchmarks.servers import report
from benchmarks.work import Work, work_of
from consumers.infer.bundle import Bundle, open_bundle
from consumers.infer.engine import cores
from consumers.infer.runner import OneByOne
from consumers.infer.tokenise import load_tokenizer, tokenise
from schemas.settings import Provider

LENGTHS = (16, 64, 108, 128, 256, 384)
TOKENS_OF_A_LENGTH = 8_192
CALIBRATION = 300
"""Texts that NNCF fits int8 to, its own default."""


class Spent(NamedTuple):
    """On all reviews of a round."""

    seconds: float
    cpu: float
    """Seconds of all cores together."""


def main() -> None:
    """Measure, print, and write."""
    options = arguments().parse_args()
    bundle = open_bundle(options.bundle)
    token_ids = reviews_of(bundle, load_texts(options.data))
    reviews = token_ids[: options.reviews]
    with TemporaryDirectory() as scratch:
        work = options.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        if options.provider is Provider.CUDA:
            runs_on = Provider.CPU if options.rehearse else Provider.CUDA
            forms = cuda_forms(bundle, work, options.checkpoint, runs_on)
        else:
            forms = cpu_forms(bundle)
        with peer_forms(options.peers, bundle, work, reviews, token_ids[-CALIBRATION:]) as peers:
            spent = measure({**forms, **peers}, reviews, options.rounds)
    figures: dict[str, Any] = {
        "processor": processor(),
        "cores": cores(),
        "provider": str(options.provider),
        "onnxruntime": onnxruntime.__version__,
        "bundle": bundle.reference.model_dump(),
        "reviews": len(reviews),
        "tokens, mean": statistics.mean(map(len, reviews)),
        "rounds": options.rounds,
        "forms": table(spent, reviews),
    }
    if options.provider is Provider.CPU:
        figures |= limits(bundle, reviews, options.rounds)
    show(figures)
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def arguments() -> argparse.ArgumentParser:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="reviews as JSON Lines (.gz); default: the samples")
    parser.add_argument("--reviews", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--bundle", type=Path, help="with fp32 beside int8 for --peers; default: the package's"
    )
    parser.add_argument(
        "--provider", type=Provider, choices=(Provider.CPU, Provider.CUDA), default=Provider.CPU
    )
    parser.add_argument("--rehearse", action="store_true", help="with --provider cuda: on the CPU")
    parser.add_argument("--checkpoint", type=Path, help="with --provider cuda: of the bundle, for torch")
    parser.add_argument("--peers", type=Path, help="Python of the environment of the peers")
    parser.add_argument("--work", type=Path, help="keeps what peers are made of; default: a temporary folder")
    parser.add_argument("--json", type=Path)
    return parser


def reviews_of(bundle: Bundle, texts: Sequence[str]) -> list[list[int]]:
    """Token ids as the engine runs them."""
    read = tokenise(load_tokenizer(bundle), texts, bundle.manifest.max_length)
    return [ids for ids in read if isinstance(ids, list)]


def measure(forms: Mapping[str, Form], reviews: Reviews, rounds: int) -> dict[str, list[Spent]]:
    """What each form spends on all reviews in each round, after one that does not count."""
    spent: dict[str, list[Spent]] = {name: [] for name in forms}
    for number in range(rounds + 1):
        for name, form in forms.items():
            started, busy = time.perf_counter(), time.process_time()
            elsewhere = form(reviews)
            here = time.process_time() - busy
            if number:
                spent[name].append(
                    Spent(time.perf_counter() - started, here if elsewhere is None else elsewhere)
                )
    return spent


def rate(spent: Sequence[Spent], reviews: Reviews) -> float:
    """Reviews a second, the median of the rounds."""
    return len(reviews) / statistics.median(one.seconds for one in spent)


def table(spent: Mapping[str, Sequence[Spent]], reviews: Reviews) -> list[dict[str, Any]]:
    """A row a form: medians, and the medians of each round's ratios to the first form, which is the one that serves.

    CPU time tells more than the clock where other work shares the machine.
    """
    tokens = statistics.mean(map(len, reviews))
    first = next(iter(spent.values()))
    return [
        {
            "form": name,
            "reviews_per_second": rate(mine, reviews),
            "tokens_per_second": rate(mine, reviews) * tokens,
            "speed_to_first": statistics.median(
                a.seconds / b.seconds for a, b in zip(first, mine, strict=True)
            ),
            "cpu_ms_per_review": 1000 * statistics.median(one.cpu for one in mine) / len(reviews),
            "cpu_to_first": statistics.median(b.cpu / a.cpu for a, b in zip(first, mine, strict=True)),
            "seconds_of_rounds": [one.seconds for one in mine],
        }
        for name, mine in spent.items()
    ]


def limits(bundle: Bundle, reviews: Reviews, rounds: int) -> dict[str, Any]:
    """Tokens a second where all reviews are of one length, and what share of the machine's peak that is."""
    precision = "int8"
    runner = whole(OneByOne(start(bundle, precision, Provider.CPU, threads=1), cores()))
    work = work_of(bundle.content[bundle.variant(precision).file])
    integer, single, memory = integer_peak(), float_peak(), memory_peak()
    mean = round(statistics.mean(map(len, reviews)))
    rates = {}
    for length in (*LENGTHS, mean):
        equal = equal_reviews(length)
        rates[length] = rate(measure({"": runner}, equal, rounds)[""], equal)
    return {
        "peak": {
            "int8_operations_per_second": integer,
            "fp32_operations_per_second": single,
            "memory_bytes_per_second": memory,
        },
        "limit_reviews_per_second": rates[mean],
        "lengths": [length_row(length, rates[length], work, integer, single) for length in LENGTHS],
    }


def length_row(
    length: int, reviews_per_second: float, work: Work, integer: float, single: float
) -> dict[str, float]:
    """Figures of one length; the shares are of the time that products alone would take at the peaks."""
    products, attention = work.product_operations(length), work.attention_operations(length)
    return {
        "tokens": length,
        "reviews_per_second": reviews_per_second,
        "tokens_per_second": reviews_per_second * length,
        "int8_operations_per_weight_byte": products / work.weights,
        "int8_share_of_peak": reviews_per_second * products / integer,
        "share_of_both_peaks": reviews_per_second * (products / integer + attention / single),
    }


def equal_reviews(length: int) -> list[list[int]]:
    """Random words, as many reviews as hold about ``TOKENS_OF_A_LENGTH``."""
    ids = np.random.default_rng(length).integers(1000, 20_000, (TOKENS_OF_A_LENGTH // length, length))
    return [list(map(int, row)) for row in ids]


def processor() -> str:
    """The model name that Linux tells, or what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")


def show(figures: Mapping[str, Any]) -> None:
    """Print what fits a terminal."""
    plain = {name: value for name, value in figures.items() if isinstance(value, str | int | float)}
    for row in figures["forms"]:
        plain[f"{row['form']}: reviews/s"] = row["reviews_per_second"]
        plain[f"{row['form']}: CPU ms a review"] = row["cpu_ms_per_review"]
    for row in figures.get("lengths", ()):
        plain[f"{row['tokens']} tokens each, tokens/s"] = row["tokens_per_second"]
    report(plain, None)


if __name__ == "__main__":
    main()
