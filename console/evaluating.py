"""``evaluate``: how good a bundle is, as it is served."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from console.extras import need
from console.options import with_settings
from console.progress import progress
from schemas.errors import ConfigurationError
from schemas.settings import ModelSettings

if TYPE_CHECKING:
    from model_export.data.reviews import LabelledReview

READABLE = click.Path(exists=True, path_type=Path)
WRITABLE = click.Path(path_type=Path)

EVALUATION_BATCH = 64


@click.command()
@click.option("--data", type=READABLE, help="Labelled reviews: polarity is measured.")
@click.option(
    "--intensity-data", type=READABLE, help='Texts with a human rating "intensity" of -1 to 1: correlation.'
)
@with_settings(ModelSettings)
def evaluate(settings: ModelSettings, data: Path | None, intensity_data: Path | None) -> None:
    """Measure a bundle as it is served: same engine, same truncation, same calibration. Prints JSON."""
    need("train")
    from model_export.data.reviews import read_labelled, read_rated  # noqa: PLC0415 -- scipy takes seconds to import
    from model_export.evaluation.metrics import correlation, polarity_figures  # noqa: PLC0415

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
