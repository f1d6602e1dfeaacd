"""What each architecture makes of the same reviews: how right, how honest, how large, how long to train, how fast to serve.

Rows: a bag of words, TextCNN, BiLSTM with attention, and a transformer fine-tuned whole, by LoRA, and with a frozen body. Each learns
from the same reviews, is chosen and calibrated on the same development reviews, exported to int8, and measured on the same test
reviews in the engine that serves. A row that is done is kept in OUTPUT: the same command goes on after a kill. How fast each serves is
timed at the end, all of them in turn.
"""

import argparse
import hashlib
import json
import pickle
import random
import statistics
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from sklearn.pipeline import Pipeline

from console.progress import progress
from consumers.infer.engine import Engine, cores
from model_export.data.prepare import Choices, Given, OnLeak, prepare
from model_export.data.report import Fate
from model_export.data.reviews import LabelledReview
from model_export.evaluation.metrics import PolarityFigures, polarity_figures
from model_export.evaluation.references import word_classifier
from model_export.export.bundle import BundleDescription, export
from model_export.training.plan import TrainingPlan, make_plan
from model_export.training.train import Step, train
from schemas.errors import ConfigurationError
from schemas.events import Sentiment
from schemas.settings import Provider

WORDS_ROW = "bag of words"
ROWS: Mapping[str, Mapping[str, Any]] = {
    WORDS_ROW: {},
    "textcnn": {"architecture": "textcnn"},
    "bilstm": {"architecture": "bilstm"},
    "full": {"mode": "full"},
    "lora": {"mode": "lora"},
    "frozen": {"mode": "frozen"},
}
"""Fields of the plan by which each row is trained, over the preset that suits it."""

ONCE_AN_EPOCH = 10**9
"""Steps between measurements on the development reviews, of which no epoch has so many."""

TIMED_ROUNDS = 3
TIMED_TEXTS = 500

CHECKPOINT, BUNDLE = "checkpoint", "bundle"
SETTINGS_FILE, TABLE_FILE, JSON_FILE, ROW_FILE = "settings.json", "table.md", "comparison.json", "row.json"


@dataclass(frozen=True)
class Row:
    """One architecture, measured."""

    name: str
    accuracy: float
    macro_f1: float
    expected_calibration_error: float
    parameters: int
    trained_parameters: int
    bundle_bytes: int
    """Of the words and their weights, where there is no bundle."""
    training_cpu_s: float
    """Of all threads: what else the machine does does not count."""
    reviews_a_second: float | None = None
    """Of the engine with the int8 bundle on all cores, the bag of words on one; None until all rows are there."""


Score = Callable[[Sequence[str]], list[float]]
"""Texts -> P(positive) of each."""


@dataclass(frozen=True)
class Parts:
    """The same reviews for every row."""

    training: Sequence[LabelledReview]
    dev: Sequence[LabelledReview]
    test: Sequence[LabelledReview]


def main() -> None:
    """Measure what is not measured yet, and write the table."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--train", type=Path, required=True, help="labelled reviews to learn from")
    arguments.add_argument("--dev", type=Path, required=True, help="to choose and to calibrate on")
    arguments.add_argument("--test", type=Path, required=True, help="to measure on")
    arguments.add_argument("--base", required=True, help="the transformer: a folder, or a name of the hub")
    arguments.add_argument("--output", type=Path, required=True)
    arguments.add_argument(
        "--reviews", type=int, default=3000, help="to learn from, drawn from those of --train"
    )
    arguments.add_argument(
        "--measured", type=int, default=2000, help="of dev and of test, the first so many each"
    )
    arguments.add_argument("--max-length", type=int, default=128, help="tokens of a review")
    arguments.add_argument("--tokens-per-batch", type=int, default=1024, help="of each step")
    arguments.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS))
    arguments.add_argument(
        "--plans",
        type=Path,
        help="TOML: a table a row with fields of its plan, as [full] learning_rate = 5e-5",
    )
    arguments.add_argument("--seed", type=int, default=7)
    compare(arguments.parse_args())


def compare(options: argparse.Namespace) -> list[Row]:
    """All rows that were asked for, in the order of ``ROWS``."""
    plans = plans_of(options)
    options.output.mkdir(parents=True, exist_ok=True)
    keep_settings(options, plans)
    with progress("reading", console=Console(stderr=True)) as meter:
        parts = parts_of(options, lambda what, done, total: meter.at(done, total, what))
        for name in options.rows:
            folder = options.output / name.replace(" ", "-")
            if (folder / ROW_FILE).exists():
                continue
            folder.mkdir(exist_ok=True)
            meter.says(name)
            if name == WORDS_ROW:
                row = measure_words(parts)
            else:
                row = measure_network(name, plans[name], parts, folder, meter.at)
            (folder / ROW_FILE).write_text(json.dumps(asdict(row), indent=2) + "\n")
    folders = {name: options.output / name.replace(" ", "-") for name in ROWS}
    done = {
        name: Row(**json.loads((folder / ROW_FILE).read_text()))
        for name, folder in folders.items()
        if (folder / ROW_FILE).exists()
    }
    scorers = {
        name: words_of(word_classifier(parts.training)) if name == WORDS_ROW else engine_of(folders[name])
        for name in done
    }
    rates = time_in_turn(scorers, [review.text for review in parts.test[:TIMED_TEXTS]])
    rows = [replace(row, reviews_a_second=rates[name]) for name, row in done.items()]
    (options.output / JSON_FILE).write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    (options.output / TABLE_FILE).write_text(table_of(rows))
    print(table_of(rows))
    return rows


def plans_of(options: argparse.Namespace) -> dict[str, TrainingPlan]:
    """The plan of each network; a mistake in one ends the command before anything is read."""
    given = tomllib.loads(options.plans.read_text()) if options.plans else {}
    if unknown := given.keys() - ROWS.keys():
        raise ConfigurationError(f"{options.plans}: no such row: {', '.join(sorted(unknown))}")
    common = {
        "architecture": options.base,
        "max_length": options.max_length,
        "tokens_per_batch": options.tokens_per_batch,
        "save_steps": ONCE_AN_EPOCH,
        "seed": options.seed,
    }
    return {
        name: make_plan(common | dict(fields) | given.get(name, {}), place=f"{name}: ")
        for name, fields in ROWS.items()
        if name != WORDS_ROW
    }


def keep_settings(options: argparse.Namespace, plans: Mapping[str, TrainingPlan]) -> None:
    """Write by what the rows in OUTPUT are made; rows of other settings stand in no table with them."""
    path = options.output / SETTINGS_FILE
    settings: dict[str, object] = {
        "reviews": options.reviews,
        "measured": options.measured,
        "seed": options.seed,
        "plans": {name: asdict(plan) for name, plan in plans.items()},
        **{
            part: hashlib.sha256(getattr(options, part).read_bytes()).hexdigest()
            for part in ("train", "dev", "test")
        },
    }
    written = json.loads(json.dumps(settings))
    if path.exists() and (before := json.loads(path.read_text())) != written:
        changed = [name for name in written if before.get(name) != written[name]]
        raise ConfigurationError(
            f"{options.output} holds rows of other settings ({', '.join(changed)}): give another --output"
        )
    path.write_text(json.dumps(settings, indent=2) + "\n")


def parts_of(options: argparse.Namespace, watch: Callable[[str, int, int], object]) -> Parts:
    """The reviews: none that is in dev or test is learned from."""
    given = Given([options.train], [options.dev], [options.test])
    prepared = prepare(given, choices=Choices(on_leak=OnLeak.DROP_TEXTS, seed=options.seed), watch=watch)
    training, dev, test = (
        [review for review in prepared.part(fate) if review.polarity is not None]
        for fate in (Fate.TRAINING, Fate.DEV, Fate.HELD_OUT)
    )
    drawn = random.Random(options.seed).sample(training, min(options.reviews, len(training)))
    return Parts(drawn, dev[: options.measured], test[: options.measured])


def measure_words(parts: Parts) -> Row:
    """TF-IDF of words and pairs of words, and a logistic regression."""
    started = time.process_time()
    classifier = word_classifier(parts.training)
    seconds = time.process_time() - started
    weights = classifier[-1].coef_.size + classifier[-1].intercept_.size
    return _row(
        WORDS_ROW,
        words_of(classifier),
        parts.test,
        (weights, weights),
        len(pickle.dumps(classifier)),
        seconds,
    )


def measure_network(
    name: str, plan: TrainingPlan, parts: Parts, folder: Path, show: Callable[[int, int, str], None]
) -> Row:
    """Train, export to int8, and score as the engine does."""

    def watch(step: Step) -> None:
        show(step.done, step.total, f"{name}: training")

    started = time.process_time()
    trained = train(parts.training, folder / CHECKPOINT, plan, dev=parts.dev, resume=True, watch=watch)
    seconds = time.process_time() - started
    export(
        folder / CHECKPOINT,
        parts.dev,
        folder / BUNDLE,
        BundleDescription(name, "", plan.architecture, "unknown", "of the comparison"),
        max_length=plan.max_length,
        progress=lambda done, total: show(done, total, f"{name}: exporting"),
    )
    size = sum(path.stat().st_size for path in (folder / BUNDLE).iterdir())
    sizes = (trained.parameters, trained.trained_parameters)
    return _row(name, engine_of(folder), parts.test, sizes, size, seconds)


def words_of(classifier: Pipeline) -> Score:
    """The bag of words, as a way to score."""

    def score(texts: Sequence[str]) -> list[float]:
        return [float(pair[1]) for pair in classifier.predict_proba(list(texts))]

    return score


def engine_of(folder: Path) -> Score:
    """The engine that serves, with the bundle of a row."""
    engine = Engine.start(folder / BUNDLE, Provider.CPU, cores())

    def score(texts: Sequence[str]) -> list[float]:
        outcomes = engine.score(texts)
        assert all(isinstance(outcome, Sentiment) for outcome in outcomes)
        return [outcome.score for outcome in outcomes if isinstance(outcome, Sentiment)]

    return score


def time_in_turn(scorers: Mapping[str, Score], texts: Sequence[str]) -> dict[str, float]:
    """Reviews a second of each, the median of rounds in which each runs once."""
    rates: dict[str, list[float]] = {name: [] for name in scorers}
    for _ in range(TIMED_ROUNDS):
        for name, score in scorers.items():
            started = time.perf_counter()
            score(texts)
            rates[name].append(len(texts) / (time.perf_counter() - started))
    return {name: round(statistics.median(of_one), 1) for name, of_one in rates.items()}


def _row(
    name: str,
    score: Score,
    test: Sequence[LabelledReview],
    parameters: tuple[int, int],
    size: int,
    training_cpu_s: float,
) -> Row:
    figures: PolarityFigures = polarity_figures(
        score([review.text for review in test]), [float((review.polarity or 0.0) >= 0.5) for review in test]
    )
    return Row(
        name=name,
        accuracy=figures.accuracy,
        macro_f1=figures.macro_f1,
        expected_calibration_error=figures.expected_calibration_error,
        parameters=parameters[0],
        trained_parameters=parameters[1],
        bundle_bytes=size,
        training_cpu_s=round(training_cpu_s, 1),
    )


def table_of(rows: Sequence[Row]) -> str:
    """Markdown."""
    lines = [
        "| | accuracy | macro F1 | ECE | weights (trained) | bundle | training, CPU | reviews/s |",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| {row.name} | {row.accuracy:.3f} | {row.macro_f1:.3f} | {row.expected_calibration_error:.3f} | "
            f"{row.parameters:,} ({row.trained_parameters:,}) | {row.bundle_bytes / 1e6:.1f} MB | "
            f"{row.training_cpu_s:,.0f} s | {row.reviews_a_second or 0:,.0f} |"
            for row in rows
        ),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
