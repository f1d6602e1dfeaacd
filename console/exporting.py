"""``export``: a trained model as a bundle."""

import json
from pathlib import Path

import click
from rich.console import Console

from console.extras import need
from schemas.manifest import Precision

READABLE = click.Path(exists=True, path_type=Path)
WRITABLE = click.Path(path_type=Path)


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
    from model_export.data.reviews import read_labelled  # noqa: PLC0415 -- torch takes seconds to import
    from model_export.export.bundle import BundleDescription  # noqa: PLC0415
    from model_export.export.bundle import export as write_bundle  # noqa: PLC0415

    words = BundleDescription(name, description, base_model, licence, data_description)
    with Console(stderr=True).status("exporting, quantising, proving parity"):
        manifest = write_bundle(
            checkpoint, read_labelled(held_out), output, words, max_length=max_length, precisions=precisions
        )
    click.echo(f"bundle: {output}")
    click.echo(json.dumps(manifest.metrics, indent=2))
