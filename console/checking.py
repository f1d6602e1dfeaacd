"""``check-data``: what training would make of labelled reviews."""

from pathlib import Path

import click

from console.extras import need
from console.option_groups import GroupedCommand, option_of
from console.options import WRITABLE
from console.training_data import TrainingData, with_data
from model_export.data.cleaning import Cleaning


@click.command("check-data", cls=GroupedCommand)
@with_data
@option_of(
    "Text",
    "--cleaning",
    type=click.Choice([cleaning.value for cleaning in Cleaning]),
    default=Cleaning.MARKUP.value,
    show_default=True,
    help="As train has it: what the report counts as rewritten.",
)
@option_of("Run", "--seed", type=click.IntRange(min=0), default=7, show_default=True, help="Of the parts.")
@option_of(
    "Run",
    "--output",
    type=WRITABLE,
    help="Folder to write the report, the fate of every row, and the parts to, as train writes them.",
)
def check_data(data: TrainingData, cleaning: str, seed: int, output: Path | None) -> None:
    """Read, filter and part labelled reviews as train does, show the report, and train nothing."""
    need("train")
    prepared = data.prepare(cleaning=Cleaning(cleaning), seed=seed, taught=True)
    from model_export.data.record import write_record  # noqa: PLC0415 -- scipy takes seconds to import

    if output is not None:
        for path in write_record(prepared, output):
            click.echo(f"written: {path}")
