"""The options that say what to learn from."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.option_groups import option_of

if TYPE_CHECKING:
    from model_export.data.reviews import LabelledReview

GROUP = "Data"
READABLE = click.Path(exists=True, path_type=Path)


@dataclass(frozen=True)
class TrainingData:
    """Reviews to learn from, and reviews to measure on while learning."""

    train: "list[LabelledReview]"
    dev: "list[LabelledReview]"


def with_data(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of its data and pass it a function that reads them as ``read``."""

    @functools.wraps(command)
    def run(
        *, data: tuple[Path, ...], dev: tuple[Path, ...], held_out: tuple[Path, ...], **arguments: Any
    ) -> Any:
        return command(read=functools.partial(_read, data, dev, held_out), **arguments)

    decorated: Callable[..., Any] = run
    for decorate in (
        option_of(
            GROUP,
            "--held-out",
            type=READABLE,
            multiple=True,
            help="Reviews never to train on: their texts are left out. Repeatable.",
        ),
        option_of(
            GROUP,
            "--dev",
            type=READABLE,
            multiple=True,
            help="Reviews to measure on while training: the best network is kept. Never trained on. Repeatable.",
        ),
        option_of(
            GROUP,
            "--data",
            type=READABLE,
            multiple=True,
            required=True,
            help="Labelled reviews, JSON Lines (.gz). Repeatable.",
        ),
    ):
        decorated = decorate(decorated)
    return decorated


def _read(data: tuple[Path, ...], dev: tuple[Path, ...], held_out: tuple[Path, ...]) -> TrainingData:
    from model_export.data.reviews import read_labelled, without_texts_of  # noqa: PLC0415 -- tokenizers take time to import

    reviews = [review for path in data for review in read_labelled(path)]
    measured = [review for path in dev for review in read_labelled(path)]
    never = measured + [review for path in held_out for review in read_labelled(path)]
    kept = without_texts_of(reviews, never)
    click.echo(
        f"{len(reviews):,} labelled reviews, {len(kept):,} after leaving out repeated and held-out texts"
    )
    return TrainingData(kept, measured)
