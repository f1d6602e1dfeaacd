"""``evaluate``: how good a bundle is, as it is served."""

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from console.extras import need
from console.labelled_reviews import SOURCE_HELP, with_reading
from console.option_groups import GroupedCommand
from console.options import READABLE, WRITABLE, with_settings
from console.progress import Meter, progress
from model_export.data.reviews import Reading
from schemas.errors import ConfigurationError
from schemas.events import Sentiment
from schemas.settings import ModelSettings

if TYPE_CHECKING:
    from model_export.evaluation.evaluate import Model
    from model_export.evaluation.measured import OnProgress


@click.command(cls=GroupedCommand)
@click.option(
    "--data", metavar="SOURCE", required=True, help=f"Labelled reviews to measure on: {SOURCE_HELP}"
)
@click.option(
    "--intensity-data", type=READABLE, help='Texts with a human rating "intensity" of -1 to 1: correlation.'
)
@click.option(
    "--train-data",
    metavar="SOURCE",
    multiple=True,
    help="Reviews to train a bag of words on, the bar to clear. Repeatable.",
)
@click.option(
    "--base",
    help="The encoder before fine-tuning, a folder or a name on the hub, to compare with (needs --train-data).",
)
@click.option(
    "--output", type=WRITABLE, help="Folder for report.html and figures.json; without it, JSON is printed."
)
@click.option(
    "--table",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Markdown document in which to renew the table between its markers.",
)
@click.option(
    "--examples",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Mislabelled reviews to show in the report, with their texts.",
)
@click.option(
    "--resamples",
    type=click.IntRange(min=100),
    default=2000,
    show_default=True,
    help="Bootstrap resamples of each interval.",
)
@click.option("--seed", type=int, default=7, show_default=True, help="Of all that is drawn at random.")
@with_reading
@with_settings(ModelSettings)
def evaluate(
    settings: ModelSettings,
    reading: Reading,
    data: str,
    intensity_data: Path | None,
    train_data: tuple[str, ...],
    base: str | None,
    output: Path | None,
    table: Path | None,
    examples: int,
    resamples: int,
    seed: int,
) -> None:
    """Measure a bundle as it is served: same engine, same truncation, same calibration.

    Writes one HTML report that starts with a verdict in plain words, and the same figures as JSON. Every figure has a
    95 % bootstrap interval.
    """
    need("train", "sklearn", "matplotlib", "jinja2", *(("torch", "transformers") if base else ()))
    if base is not None and not train_data:
        raise click.UsageError("--base needs --train-data, to train a linear layer on the frozen encoder")
    if examples and output is None:
        raise click.UsageError("--examples are shown in the report: give --output")
    from model_export.data.reviews import read_labelled, read_rated  # noqa: PLC0415 -- scipy takes seconds to import
    from model_export.evaluation.bootstrap import Bootstrap  # noqa: PLC0415
    from model_export.evaluation.evaluate import LabelledFile, RatedFile  # noqa: PLC0415
    from model_export.evaluation.evaluate import evaluate as measure  # noqa: PLC0415
    from model_export.evaluation.references import compare  # noqa: PLC0415
    from model_export.evaluation.report import write_report  # noqa: PLC0415
    from model_export.evaluation.table import check_markers, renew_table  # noqa: PLC0415

    if table is not None:
        check_markers(table)

    labelled = LabelledFile(Path(data).name, _sha256(Path(data)), read_labelled(data, reading))
    rated = RatedFile(intensity_data.name, read_rated(intensity_data)) if intensity_data else None
    train = [review for source in train_data for review in read_labelled(source, reading)]

    with progress("starting", console=Console(stderr=True)) as meter:
        show = _shown_by(meter)
        references = partial(compare, train, base, seed=seed, on_progress=show) if train else None
        figures, measured = measure(
            _model(settings), labelled, rated, references, Bootstrap(resamples, seed), show
        )
    if table is not None:
        renew_table(table, figures)
    if output is None:
        click.echo(figures.model_dump_json(indent=2))
        return
    verdict = write_report(figures, measured, output, examples)
    click.echo(verdict.headline)
    for line in (*verdict.strengths, *verdict.weaknesses):
        click.echo(f"- {line}")
    click.echo(f"report: {output}")


def _sha256(file: Path) -> str | None:
    """Of a file, so that figures can be told to be of the same data; None of a folder or a data set of the hub."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None


def _model(settings: ModelSettings) -> "Model":
    """The bundle as the scorer runs it."""
    from consumers.infer.engine import Engine  # noqa: PLC0415 -- keeps train free of onnxruntime's start
    from consumers.infer.runner import RunFailure  # noqa: PLC0415
    from model_export.evaluation.evaluate import Model  # noqa: PLC0415

    engine = Engine.start(settings.bundle, settings.provider, settings.threads)

    def score(texts: Sequence[str]) -> list[Sentiment]:
        sentiments = []
        for sentiment in engine.score(texts):
            if isinstance(sentiment, RunFailure):
                raise ConfigurationError(f"the model failed on a text: {sentiment.detail}")
            sentiments.append(sentiment)
        return sentiments

    return Model(
        score=score,
        name=engine.model.name,
        version=engine.model.version,
        description=engine.manifest.description,
        temperature=engine.manifest.heads[0].temperature,
    )


def _shown_by(meter: Meter) -> "OnProgress":
    def show(what: str, done: int, total: int) -> None:
        meter.at(done, total, what)

    return show
