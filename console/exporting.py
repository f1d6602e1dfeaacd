"""``export``: a trained model as a bundle."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click
from rich.console import Console

from console.extras import need
from console.options import READABLE, WRITABLE
from console.progress import progress
from schemas.manifest import Precision

if TYPE_CHECKING:
    from torch.nn import Module


@click.command()
@click.option("--checkpoint", type=READABLE, help="Folder written by train.")
@click.option(
    "--from-classifier",
    "classifier",
    type=READABLE,
    help="Instead: folder of an existing classifier of transformers, of two, three or five-star outputs.",
)
@click.option(
    "--outputs",
    help="What its outputs stand for, in their order, as in negative,positive or 1,2,3,4,5; by default their names.",
)
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
    "--language",
    "languages",
    multiple=True,
    help="Language of its texts, as en, for the manifest. Repeatable.",
)
@click.option(
    "--limit", "limits", multiple=True, help="What to know before using it, for the card. Repeatable."
)
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
    type=click.Choice(get_args(Precision)),
    multiple=True,
    default=("int8",),
    show_default=True,
    help="Variants to include: int8 for CPUs, fp16 for GPUs, fp32 for either; the first is calibrated. Repeatable.",
)
def export(
    checkpoint: Path | None,
    classifier: Path | None,
    outputs: str | None,
    held_out: Path,
    output: Path,
    name: str,
    description: str,
    base_model: str,
    licence: str,
    data_description: str,
    languages: tuple[str, ...],
    limits: tuple[str, ...],
    max_length: int,
    precisions: tuple[Precision, ...],
) -> None:
    """Export a trained network into a bundle: calibrated, quantised, and proved to agree with the network."""
    if (checkpoint is None) == (classifier is None):
        raise click.UsageError("give --checkpoint or --from-classifier")
    if outputs is not None and classifier is None:
        raise click.UsageError("--outputs goes with --from-classifier")
    need("train")
    from model_export.data.reviews import read_labelled  # noqa: PLC0415 -- torch takes seconds to import
    from model_export.data.tokens import TextEncoder  # noqa: PLC0415
    from model_export.export.bundle import BundleDescription, write_bundle  # noqa: PLC0415
    from model_export.export.classifier_import import import_classifier  # noqa: PLC0415
    from model_export.export.grid import Grid  # noqa: PLC0415
    from model_export.training.train import load_checkpoint  # noqa: PLC0415

    reviews = read_labelled(held_out)
    with progress("exporting", console=Console(stderr=True)) as meter:
        grid = Grid()
        if classifier is None:
            assert checkpoint is not None
            grid = Grid.load(checkpoint)
            network: Module = load_checkpoint(checkpoint)
            encoder = TextEncoder.from_folder(checkpoint, max_length)
        else:
            names = outputs.split(",") if outputs else None
            network, encoder = import_classifier(classifier, reviews, max_length=max_length, outputs=names)
            limits = (*limits, network.intensity_rule)
        words = BundleDescription(name, description, base_model, licence, data_description, languages, limits)
        manifest = write_bundle(
            network, encoder, reviews, output, words, precisions, grid=grid, progress=meter.at
        )
    click.echo(f"bundle: {output}")
    click.echo(json.dumps(manifest.metrics, indent=2))
    click.echo(f"its model card: reviewstream card --bundle {output}")
