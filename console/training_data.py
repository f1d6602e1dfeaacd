"""The options that say what to learn from."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from console.labelled_reviews import SOURCE_HELP, with_reading
from console.option_groups import option_of
from console.progress import progress
from model_export.data.cleaning import Cleaning
from model_export.data.reviews import Reading

if TYPE_CHECKING:
    from model_export.data.prepare import Prepared
    from model_export.data.report import DataReport

GROUP = "Data"
ON_LEAK = ("fail", "drop", "drop-texts")


@dataclass(frozen=True)
class TrainingData:
    """Where reviews to learn from are, how they are read, and what is left out; nothing is read before it is asked for."""

    data: tuple[str, ...]
    dev: tuple[str, ...]
    held_out: tuple[str, ...]
    unlabelled: tuple[str, ...]
    reading: Reading
    choices: dict[str, Any]

    def prepare(self, *, cleaning: Cleaning, seed: int, taught: bool, **choices: Any) -> "Prepared":
        """Read, filter and part the reviews, and show the report.

        Args:
            cleaning: what the tokenizer will rewrite.
            seed: of the parts.
            taught: a teacher will say what it thinks of what has no label.
            choices: fields of ``Choices`` that count more than the options.

        Raises:
            TrainingDataError: they cannot be trained on.
            click.UsageError: there are unlabelled ones and no teacher.
        """
        if self.unlabelled and not taught:
            raise click.UsageError("--unlabelled needs a --teacher to label them")
        # scikit-learn and scipy take seconds to import.
        from model_export.data.prepare import Choices, Given, prepare  # noqa: PLC0415

        given = Given(self.data, self.dev, self.held_out, self.unlabelled)
        chosen = Choices(cleaning=cleaning, seed=seed, **(self.choices | choices))
        with progress("reading", console=Console(stderr=True)) as meter:

            def watch(what: str, done: int, total: int) -> None:
                meter.says(what)
                meter.at(done, total)

            prepared = prepare(given, self.reading, chosen, watch)
        show(prepared.report)
        return prepared


def with_data(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of its data and pass it the result as ``data``."""

    @with_reading
    @functools.wraps(command)
    def run(
        *,
        data: tuple[str, ...],
        dev: tuple[str, ...],
        held_out: tuple[str, ...],
        unlabelled: tuple[str, ...],
        reading: Reading,
        **arguments: Any,
    ) -> Any:
        choices = {name: arguments.pop(name) for name in _CHOICES if name in arguments}
        return command(data=TrainingData(data, dev, held_out, unlabelled, reading, choices), **arguments)

    decorated: Callable[..., Any] = run
    for decorate in reversed((*_SOURCES, *_CHOICES.values())):
        decorated = decorate(decorated)
    return decorated


def show(report: "DataReport") -> None:
    """The report as a table on standard output."""
    table = Table("data", "rows", show_edge=False, pad_edge=False)
    table.columns[1].justify = "right"
    for what, count in report.lines():
        table.add_row(what, count)
    Console().print(table)


_SOURCES = (
    option_of(
        GROUP,
        "--data",
        multiple=True,
        required=True,
        metavar="SOURCE",
        help=f"Labelled reviews: {SOURCE_HELP} Repeatable.",
    ),
    option_of(
        GROUP,
        "--dev",
        multiple=True,
        metavar="SOURCE",
        help="Reviews to measure on while training: the best network is kept. Never trained on. Repeatable.",
    ),
    option_of(
        GROUP,
        "--held-out",
        multiple=True,
        metavar="SOURCE",
        help="Reviews never to train on. Without --dev and --held-out, both parts are taken from the data by product and written "
        "beside the checkpoint. Repeatable.",
    ),
    option_of(
        GROUP,
        "--unlabelled",
        multiple=True,
        metavar="SOURCE",
        help="More reviews to train on, whose labels may be missing: the --teacher of train says what it thinks of them. Repeatable.",
    ),
)

_CHOICES = {
    "dev_share": option_of(
        GROUP,
        "--dev-share",
        type=click.FloatRange(0, 0.4),
        default=0.1,
        show_default=True,
        help="Share of the data to measure on while training, where none is given; 0 takes none.",
    ),
    "held_out_share": option_of(
        GROUP,
        "--held-out-share",
        type=click.FloatRange(0, 0.4),
        default=0.1,
        show_default=True,
        help="Share of the data for final figures, where none is given; 0 takes none.",
    ),
    "on_leak": option_of(
        GROUP,
        "--on-leak",
        type=click.Choice(ON_LEAK),
        default="fail",
        show_default=True,
        help="Where a training review shares its text or product with a dev or held-out one: stop, leave it out, or leave out "
        "only those that share a text.",
    ),
    "shortest": option_of(
        GROUP,
        "--shortest",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Characters of a text below which it is left out.",
    ),
    "longest": option_of(
        GROUP,
        "--longest",
        type=click.IntRange(min=1),
        default=20_000,
        show_default=True,
        help="Characters of a text above which it is left out; an event holds no more than 20,000.",
    ),
    "drop_duplicates": option_of(
        GROUP,
        "--drop-duplicates/--keep-duplicates",
        default=True,
        show_default=True,
        help="Leave out all but the first of texts that are the same or nearly.",
    ),
}
