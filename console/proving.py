"""``verify`` and ``rebuild``: proof that Redis equals a recount, and what makes it so again."""

from pathlib import Path

import click
from redis import Redis
from rich.console import Console

from console.options import load_settings, with_settings
from console.progress import progress
from consumers.read.report import Verdict, VerifyReport
from consumers.read.show import harmless
from consumers.read.verify import verify as recount
from consumers.rebuild.rebuild import abort as abort_rebuild
from consumers.rebuild.rebuild import rebuild as make_anew
from schemas.redis_keys import ViewKeys
from schemas.settings import AggregatorSettings, ReaderSettings, RebuildSettings

LISTED_DIFFERENCES = 20


@click.command()
@click.option(
    "--json", "json_path", type=click.Path(dir_okay=False, path_type=Path), help="Write the receipt here."
)
@click.option(
    "--state",
    "state_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep what is read in this file until there is a verdict; after an interruption, the same command goes on.",
)
@click.option("--day-retention", type=click.IntRange(min=1), help="As the aggregator's.")
@with_settings(ReaderSettings)
@click.pass_context
def verify(
    ctx: click.Context,
    settings: ReaderSettings,
    json_path: Path | None,
    state_path: Path | None,
    day_retention: int | None,
) -> None:
    """Recount the scored topic and compare every count in Redis with it; the pipeline may be running.

    Memory stays the same however large the topic is: what is read waits in a file. Leaves with 0 if all is equal, 12 if
    anything differs, 13 if rankings were still moving, 14 if the topic has lost its beginning and cannot be recounted.
    """
    aggregator = load_settings(AggregatorSettings, **settings.model_dump())
    redis = Redis.from_url(**settings.redis_config())
    console = Console(stderr=True)
    with progress("verifying", console=console) as meter:
        report = recount(
            settings,
            redis,
            day_retention=day_retention or aggregator.day_retention,
            customer_retention=aggregator.customer_retention,
            state=state_path,
            stage=meter.says,
            progress=meter.at,
        )
    if json_path is not None:
        json_path.write_text(report.as_json() + "\n")
    _print_verdict(report)
    ctx.exit(report.verdict.exit_code)


@click.command()
@click.option(
    "--abort", is_flag=True, help="Remove what a rebuild that was cut short has left; change nothing else."
)
@with_settings(RebuildSettings)
def rebuild(settings: RebuildSettings, abort: bool) -> None:
    """Make the counts in Redis anew from the scored topic, beside the live ones, then swap them.

    Readers are served all the time and aggregators may be running: they wait for some seconds during the swap. After an
    interruption the same command goes on. Redis needs room for a second view meanwhile.
    """
    redis = Redis.from_url(**settings.redis_config())
    keys = ViewKeys(settings.redis_prefix)
    if abort:
        abort_rebuild(redis, keys)
        click.echo(f"{keys.prefix}* is as it was before the rebuild")
        return
    with progress("rebuilding", console=Console(stderr=True)) as meter:
        done = make_anew(settings, redis, stage=meter.says, progress=meter.at)
    how = "at one instant" if done.calls == 1 else f"in {done.calls} steps"
    click.echo(
        f"rebuilt from {done.records:,} records of {settings.scored_topic}; {done.keys:,} keys swapped {how} "
        f"(the longest took {done.longest_call_s:.3f} s)"
    )


def _print_verdict(report: VerifyReport) -> None:
    for difference in report.differences[:LISTED_DIFFERENCES]:
        click.echo(
            f"{harmless(difference.key)} {harmless(difference.field)}: "
            f"expected {difference.expected}, found {difference.found}"
        )
    if report.difference_count > LISTED_DIFFERENCES:
        click.echo(f"... {report.difference_count - LISTED_DIFFERENCES:,} more; --json lists them")
    what = f"{report.records:,} records of {report.topic}, {report.products:,} products"
    match report.verdict:
        case Verdict.EQUAL:
            click.echo(f"equal: {what}, digest {report.digest[:16]}")
        case Verdict.DIFFERENT:
            click.echo(f"DIFFERENT in {report.difference_count:,} places: {what}")
        case Verdict.UNSETTLED:
            click.echo(
                f"unsettled: rankings of {len(report.unsettled)} products were still moving; verify again"
            )
        case Verdict.UNVERIFIABLE:
            click.echo(f"cannot verify: {report.reason}")
