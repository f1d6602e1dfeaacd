"""The options that say how files of labelled reviews are read."""

import functools
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from console.option_groups import option_of
from model_export.data.labels import polarity_names
from model_export.data.reviews import Columns, Reading

GROUP = "Files of reviews"
SOURCE_HELP = (
    ".jsonl, .csv or .tsv (also .gz), .parquet, a folder of them, or hub:NAME[:SPLIT[:CONFIGURATION]] for a data set of "
    "the Hugging Face hub."
)

_HOLDS = {
    "text": "the review",
    "label": "positive or negative: positive/negative, pos/neg, 1/0, true/false",
    "rating": "1 to 5 stars, which also teach the intensity",
    "intensity": "strong or weak, where it is not told by the stars",
    "product_id": "the product: no product is in two parts of the data",
    "domain": "the department, within which the classes are balanced",
    "language": "the language",
    "source": "where a review comes from",
}


def with_reading(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of columns, labels and encoding, and pass it the result as ``reading``."""

    @functools.wraps(command)
    def run(
        *,
        positive_label: tuple[str, ...],
        negative_label: tuple[str, ...],
        no_label: tuple[str, ...],
        encoding: str | None,
        skip_bad_rows: bool,
        **arguments: Any,
    ) -> Any:
        columns = Columns(
            **{column.name: arguments.pop(_parameter(column.name)) for column in fields(Columns)}
        )
        names = polarity_names(positive_label, negative_label, no_label)
        reading = Reading(columns, names, encoding, skip_bad_rows)
        return command(reading=reading, **arguments)

    decorated: Callable[..., Any] = run
    for decorate in reversed((*map(_column_option, fields(Columns)), *_LABEL_OPTIONS)):
        decorated = decorate(decorated)
    return decorated


def _parameter(column: str) -> str:
    return f"{column.removesuffix('_id')}_column"


def _column_option(column: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return option_of(
        GROUP,
        f"--{column.name.removesuffix('_id')}-column",
        _parameter(column.name),
        metavar="NAME",
        default=column.default,
        show_default=True,
        help=f"Column, or field of a JSON line, that holds {_HOLDS[column.name]}.",
    )


_LABEL_OPTIONS = (
    option_of(
        GROUP,
        "--positive-label",
        multiple=True,
        metavar="VALUE",
        help="What a positive row's label is, if not as usual. Repeatable.",
    ),
    option_of(
        GROUP,
        "--negative-label",
        multiple=True,
        metavar="VALUE",
        help="What a negative row's label is, if not as usual. Repeatable.",
    ),
    option_of(
        GROUP,
        "--no-label",
        multiple=True,
        metavar="VALUE",
        help="A label of rows that take no side; an empty one, neutral and mixed always are. Repeatable.",
    ),
    option_of(
        GROUP, "--encoding", metavar="NAME", help="Of text files, such as cp1252; without it, found out."
    ),
    option_of(
        GROUP,
        "--skip-bad-rows",
        is_flag=True,
        help="Leave out rows that cannot be used, and count them, instead of stopping.",
    ),
)
