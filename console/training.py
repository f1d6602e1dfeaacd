"""``train``: fine-tune a model on labelled reviews."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from console.extras import need

READABLE = click.Path(exists=True, path_type=Path)
WRITABLE = click.Path(path_type=Path)


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
    from model_export.data.reviews import read_labelled, without_texts_of  # noqa: PLC0415 -- torch takes seconds to import
    from model_export.training.train import TrainingPlan  # noqa: PLC0415
    from model_export.training.train import train as fine_tune  # noqa: PLC0415

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
