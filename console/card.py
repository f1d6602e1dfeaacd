"""``card``: what a bundle says of its model."""

import click

from console.options import with_settings
from consumers.infer.bundle import open_bundle
from consumers.infer.model_card import model_card
from schemas.settings import BundleSettings


@click.command()
@with_settings(BundleSettings)
def card(settings: BundleSettings) -> None:
    """Print the model card of a bundle in Markdown: what it is, data, figures, parity, neighbours, limits, citation."""
    bundle = open_bundle(settings.bundle)
    click.echo(model_card(bundle.manifest, bundle.version), nl=False)
