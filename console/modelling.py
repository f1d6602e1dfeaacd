"""``train``, ``export``, ``evaluate``: the model side."""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from console.options import with_settings
from console.progress import progress
from schemas.errors import ConfigurationError
from schemas.manifest import Precision
from schemas.settings import ModelSettings

if TYPE_CHECKING:
    from model_export.data import LabelledReview

READABLE = click.Path(exists=True, path_type=Path)
WRITABLE = click.Path(path_type=Path)

EVALUATION_BATCH = 64


@click.command()
@click.option(
    "--data",
    "data",
    type=READABLE,
    multiple=True,
    required=True,
    help="Labelled reviews, JSON Lines (.gz). Repeatable.",
)
@click.option(
    "--held-out", type=READABLE, multiple=True, help="Reviews never to train on: their texts are left out."
)
@click.option("--base", type=READABLE, required=True, help="Folder of a pretrained encoder.")
@click.option("--output", type=WRITABLE, required=True, help="Checkpoint folder to write.")
@click.option("--epochs", type=float, help="Passes over the data.")
@click.option("--learning-rate", type=float, help="Of the heads and the last layer.")
@click.option("--max-length", type=int, help="Tokens of a review seen in training.")
@click.option("--tokens-per-batch", type=int, help="Padded tokens of one step.")
@click.option("--seed", type=int)
@click.option("--resume", is_flag=True, help="Go on from the last saved step of a run that was killed.")
def train(
    data: tuple[Path, ...],
    held_out: tuple[Path, ...],
    base: Path,
    output: Path,
    epochs: float | None,
    learning_rate: float | None,
    max_length: int | None,
    tokens_per_batch: int | None,
    seed: int | None,
    resume: bool,
) -> None:
    """Fine-tune a pretrained encoder on labelled reviews.

    A line holds "text" and a "label" (1 positive, 0 negative) or a "rating" of 1 to 5 stars; stars also teach the
    intensity. "domain" balances the classes within each department, if given.
    """
    need("train")
    from model_export.data import read_labelled, without_texts_of  # noqa: PLC0415 -- torch takes seconds to import
    from model_export.train import TrainingPlan  # noqa: PLC0415
    from model_export.train import train as fine_tune  # noqa: PLC0415

    chosen: dict[str, Any] = {
        "epochs": epochs,
        "learning_rate": learning_rate,
        "max_length": max_length,
        "tokens_per_batch": tokens_per_batch,
        "seed": seed,
    }
    plan = replace(TrainingPlan(), **{name: value for name, value in chosen.items() if value is not None})
    reviews = [review for path in data for review in read_labelled(path)]
    kept = without_texts_of(reviews, [review for path in held_out for review in read_labelled(path)])
    click.echo(
        f"{len(reviews):,} labelled reviews, {len(kept):,} after leaving out repeated and held-out texts"
    )
    fine_tune(kept, base, output, plan, resume=resume)
    click.echo(f"checkpoint: {output}")


@click.command()
@click.option("--checkpoint", type=READABLE, required=True, help="Folder written by train.")
@click.option(
    "--held-out",
    type=READABLE,
    required=True,
    help="Labelled reviews to calibrate on and to prove parity with.",
)
@click.option("--output", type=WRITABLE, required=True, help="Bundle folder to write.")
@click.option("--name", required=True, help="Name of the model, as events will carry it.")
@click.option("--description", default="", help="One sentence for people.")
@click.option("--base-model", required=True, help="What was fine-tuned, for the manifest.")
@click.option("--licence", required=True, help="Licence of the weights, for the manifest.")
@click.option("--data-description", required=True, help="What it was trained on, for the manifest.")
@click.option(
    "--max-length",
    type=click.IntRange(min=2),
    default=256,
    show_default=True,
    help="Tokens read when serving.",
)
@click.option(
    "--precision",
    "precisions",
    type=click.Choice(["int8", "fp32"]),
    multiple=True,
    default=("int8",),
    show_default=True,
    help="Variants to include; the first is calibrated. Repeatable.",
)
def export(
    checkpoint: Path,
    held_out: Path,
    output: Path,
    name: str,
    description: str,
    base_model: str,
    licence: str,
    data_description: str,
    max_length: int,
    precisions: tuple[Precision, ...],
) -> None:
    """Export a checkpoint into a bundle: calibrated, quantised, and proved to agree with the trained network."""
    need("train")
    from model_export.data import read_labelled  # noqa: PLC0415 -- torch takes seconds to import
    from model_export.export import BundleDescription  # noqa: PLC0415
    from model_export.export import export as write_bundle  # noqa: PLC0415

    words = BundleDescription(name, description, base_model, licence, data_description)
    with Console(stderr=True).status("exporting, quantising, proving parity"):
        manifest = write_bundle(
            checkpoint, read_labelled(held_out), output, words, max_length=max_length, precisions=precisions
        )
    click.echo(f"bundle: {output}")
    click.echo(json.dumps(manifest.metrics, indent=2))


@click.command()
@click.option("--data", type=READABLE, help="Labelled reviews: polarity is measured.")
@click.option(
    "--intensity-data", type=READABLE, help='Texts with a human rating "intensity" of -1 to 1: correlation.'
)
@with_settings(ModelSettings)
def evaluate(settings: ModelSettings, data: Path | None, intensity_data: Path | None) -> None:
    """Measure a bundle as it is served: same engine, same truncation, same calibration. Prints JSON."""
    need("train")
    from model_export.data import read_labelled, read_rated  # noqa: PLC0415 -- scipy takes seconds to import
    from model_export.metrics import correlation, polarity_figures  # noqa: PLC0415

    if data is None and intensity_data is None:
        raise click.UsageError("give --data, --intensity-data or both")
    figures: dict[str, object] = {}
    if data is not None:
        reviews: list[LabelledReview] = [row for row in read_labelled(data) if row.polarity is not None]
        scores = _scores(settings, [review.text for review in reviews])
        labels = [review.polarity for review in reviews if review.polarity is not None]
        figures["polarity"] = polarity_figures(scores, labels).as_dict()
    if intensity_data is not None:
        rated = read_rated(intensity_data)
        scores = _scores(settings, [text for text, _ in rated])
        figures["correlation"] = correlation(scores, [rating for _, rating in rated])
    click.echo(json.dumps(figures, indent=2))


def need(extra: str) -> None:
    """Refuse with the remedy where an extra is not installed.

    Raises:
        ConfigurationError: with the command that installs it.
    """
    if any(importlib.util.find_spec(module) is None for module in ("torch", "transformers", "sklearn")):
        raise ConfigurationError(f"this command needs more packages: pip install '.[{extra}]' in a checkout")


def _scores(settings: ModelSettings, texts: list[str]) -> list[float]:
    from consumers.infer.engine import Engine  # noqa: PLC0415 -- keeps train free of onnxruntime's start
    from consumers.infer.runner import RunFailure  # noqa: PLC0415

    engine = Engine.start(settings.bundle, settings.provider, settings.threads)
    scores: list[float] = []
    with progress("scoring", len(texts), console=Console(stderr=True)) as meter:
        for start in range(0, len(texts), EVALUATION_BATCH):
            for sentiment in engine.score(texts[start : start + EVALUATION_BATCH]):
                if isinstance(sentiment, RunFailure):
                    raise ConfigurationError(f"the model failed on a text: {sentiment.detail}")
                scores.append(sentiment.score)
            meter.at(len(scores), len(texts))
    return scores
