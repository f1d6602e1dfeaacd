"""``average``: several checkpoints as one."""

from pathlib import Path

import click

from console.extras import need
from console.options import READABLE, WRITABLE


@click.command()
@click.option(
    "--checkpoint",
    "checkpoints",
    type=READABLE,
    multiple=True,
    required=True,
    help="Folder written by train. Give two or more, of runs that began with the same weights.",
)
@click.option("--output", type=WRITABLE, required=True, help="Checkpoint folder to write.")
def average(checkpoints: tuple[Path, ...], output: Path) -> None:
    """Write the mean of the weights of several checkpoints, often better than each.

    Their runs differ in seeds, data or rates, and began alike: with the same pretrained transformer, or --begin-with the same
    checkpoint.
    """
    need("train")
    from model_export.training.mean import write_mean  # noqa: PLC0415 -- torch takes seconds to import

    write_mean(checkpoints, output)
    click.echo(f"checkpoint: {output}")
