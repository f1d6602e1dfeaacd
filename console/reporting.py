"""``report``: what customers felt in a period, for people who read no topics."""

from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from console.extras import need
from console.options import WRITABLE, with_settings
from console.progress import progress
from dashboard.periods import chosen_period
from schemas.errors import ConfigurationError
from schemas.events import Channel
from schemas.settings import KafkaSettings

DEFAULT_DAYS = 7

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option(
    "--from", "first", type=_DAY, help=f"First day (UTC); by default, {DEFAULT_DAYS} days are reported on."
)
@click.option("--to", "last", type=_DAY, help="Last day (UTC); today by default.")
@click.option("--product", "products", multiple=True, help="Only this product; may be given again.")
@click.option(
    "--channel",
    "channels",
    type=click.Choice([channel.value for channel in Channel]),
    multiple=True,
    default=[Channel.REVIEW.value],
    show_default=True,
    help="What customers wrote where; may be given again.",
)
@click.option(
    "--output",
    type=WRITABLE,
    required=True,
    help="A folder for report.html, report.md and report.json, or one file with such an ending.",
)
@with_settings(KafkaSettings)
def report(
    settings: KafkaSettings,
    first: datetime | None,
    last: datetime | None,
    products: tuple[str, ...],
    channels: tuple[str, ...],
    output: Path,
) -> None:
    """Report on a period against as many days before: what changed and whether it is more than noise, what customers write,
    and which products need somebody today.

    Reads the scored topic from its beginning; nothing else has to run. The files need no server and hold no script.
    """  # noqa: D205 -- click shows the whole first paragraph
    need("report")
    from reports.counted import Wanted  # noqa: PLC0415 -- needs the extra
    from reports.make import make_report  # noqa: PLC0415 -- needs the extra
    from reports.writing import files_of, headline, write  # noqa: PLC0415 -- needs the extra

    now = datetime.now(UTC)
    try:
        period = chosen_period(
            first.date() if first else None,
            last.date() if last else None,
            today=now.date(),
            days=DEFAULT_DAYS,
        )
    except ValueError as error:
        raise ConfigurationError(f"--from, --to: {error}") from error
    files = files_of(output)
    wanted = Wanted(period, [Channel(channel) for channel in dict.fromkeys(channels)], frozenset(products))
    with progress("reporting", console=Console(stderr=True)) as meter:
        made = make_report(settings, wanted, now=now, stage=meter.says, progress=meter.at)
    write(made, files)
    click.echo(headline(made))
    needy = len(made.need_somebody)
    click.echo(
        f"{made.now.reviews:,} written, {needy} {'product needs' if needy == 1 else 'products need'} somebody: {', '.join(map(str, files.values()))}"
    )
