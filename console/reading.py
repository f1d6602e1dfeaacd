"""``tail``, ``counts``: what people read."""

from collections.abc import Sequence
from datetime import datetime

import click
from redis import Redis
from rich.console import Console
from rich.table import Table

from console.options import with_settings
from consumers.read.counts import Counts, ProductCounts, Share, read_counts
from consumers.read.counts import top as read_top
from consumers.read.show import format_scored, harmless
from consumers.read.tail import ReviewFilter, Start
from consumers.read.tail import tail as follow
from schemas.events import Channel, Intensity, Label
from schemas.redis_keys import Counter, Ranking, ViewKeys
from schemas.settings import KafkaSettings, RedisSettings


@click.command()
@click.option("--product", "product_id", help="Only this product.")
@click.option(
    "--channel", type=click.Choice([channel.value for channel in Channel]), help="Only this channel."
)
@click.option("--label", type=click.Choice([label.value for label in Label]), help="Only this polarity.")
@click.option(
    "--intensity", type=click.Choice([step.value for step in Intensity]), help="Only this intensity."
)
@click.option("--uncertain", is_flag=True, help="Only what a person should look at.")
@click.option("--from-beginning", is_flag=True, help="Begin with the oldest review instead of the next one.")
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), help="Begin here (local time)."
)
@click.option("--limit", type=click.IntRange(min=1), help="Leave after this many.")
@click.option("--json", "as_json", is_flag=True, help="Print events as JSON Lines.")
@with_settings(KafkaSettings)
def tail(
    settings: KafkaSettings,
    product_id: str | None,
    channel: str | None,
    label: str | None,
    intensity: str | None,
    uncertain: bool,
    from_beginning: bool,
    since: datetime | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """Follow labelled reviews as they are published; Ctrl-C ends it."""
    wanted = ReviewFilter(
        product_id=product_id,
        channel=Channel(channel) if channel else None,
        label=Label(label) if label else None,
        intensity=Intensity(intensity) if intensity else None,
        needs_review=True if uncertain else None,
    )
    start = since.astimezone() if since else Start.BEGINNING if from_beginning else Start.LATEST
    console = Console(highlight=False)
    with follow(settings, start=start, accepts=wanted.accepts, limit=limit) as reviews:
        for review in reviews:
            if as_json:
                click.echo(review.scored.to_json())
            else:
                console.print(format_scored(review.scored))


@click.command()
@click.argument("products", nargs=-1, metavar="[PRODUCT]...")
@click.option(
    "--top",
    "ranking",
    type=click.Choice([name.value for name in Ranking]),
    help="The products with most of these.",
)
@click.option("--limit", type=click.IntRange(min=1), default=10, show_default=True, help="Length of --top.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Only reviews written on this day (UTC).")
@with_settings(RedisSettings)
@click.pass_context
def counts(
    ctx: click.Context,
    settings: RedisSettings,
    products: tuple[str, ...],
    ranking: str | None,
    limit: int,
    day: datetime | None,
) -> None:
    """Show the counts of PRODUCT... in every channel, or the top of a ranking.

    Shares come with their 95 % interval, since 3 of 3 says less than 3,000 of 3,000.
    """
    if bool(products) == bool(ranking):
        raise click.UsageError("name products, or a ranking by --top", ctx)
    redis = Redis.from_url(**settings.redis_config())
    keys = ViewKeys(settings.redis_prefix)
    wanted = (
        [product for product, _ in read_top(redis, keys, Ranking(ranking), limit)] if ranking else products
    )
    found = read_counts(redis, keys, wanted, day.date() if day else None)
    if found:
        channels = list(Channel) if products else [Channel.REVIEW]
        Console().print(counts_table(found, channels))
    missing = sorted(set(wanted) - {product.product_id for product in found})
    for product in missing:
        click.echo(f"nothing counted for {harmless(product)}", err=True)
    if not wanted:
        click.echo("nothing counted yet", err=True)
    ctx.exit(1 if missing else 0)


def counts_table(products: Sequence[ProductCounts], channels: Sequence[Channel]) -> Table:
    """Products by channel, leaving out channels without a review."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("product", no_wrap=True)
    if len(channels) > 1:
        table.add_column("channel", no_wrap=True)
    for heading in ("reviews", "▲▲", "▲", "▼", "▼▼", "unsure"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("positive (95 %)", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    for product in products:
        for channel in channels:
            if product.channels[channel].reviews:
                names = [harmless(product.product_id), channel][: min(2, len(channels))]
                table.add_row(*names, *_cells(product.channels[channel]))
    return table


def _cells(counted: Counts) -> list[str]:
    share, mean = counted.share(Counter.POSITIVE), counted.mean_score
    return [
        f"{counted.reviews:,}",
        f"[green]{counted.strong_positive:,}[/]",
        f"{counted.weak_positive:,}",
        f"{counted.weak_negative:,}",
        f"[red]{counted.strong_negative:,}[/]",
        f"{counted.uncertain:,}",
        _interval(share),
        "" if mean is None else f"{mean:.3f}",
    ]


def _interval(share: Share | None) -> str:
    return "" if share is None else f"{share.value:4.0%} ({share.low:.0%} to {share.high:.0%})"
