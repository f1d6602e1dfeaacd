"""``labels``: what people said of reviews, as training data."""

import json
from pathlib import Path

import click
from rich.console import Console

from console.options import WRITABLE, with_settings
from console.progress import progress
from consumers.labels.export import labelled_reviews
from schemas.settings import KafkaSettings


@click.command()
@click.option("--output", type=WRITABLE, required=True, help="JSON Lines to write, for reviewstream train.")
@with_settings(KafkaSettings)
def labels(settings: KafkaSettings, output: Path) -> None:
    """Write the reviews that people labelled, with their texts, for ``reviewstream train --data``.

    What was corrected, deleted or taken back since is left out. Texts are written as customers wrote them.
    """
    with output.open("w", encoding="utf-8") as file:  # before the long work: a path may be wrong
        with progress("reading what people said", console=Console(stderr=True)) as meter:
            found = labelled_reviews(settings, meter.at)
        for one in found:
            file.write(json.dumps(one.row(), ensure_ascii=False) + "\n")
    click.echo(f"{output}: {len(found):,} reviews")
