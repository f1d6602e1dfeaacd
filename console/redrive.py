"""``redrive``: dead letters back to where they came from."""

import sys
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import click
from rich.console import Console

from console.letters import chosen_by, place_argument, with_filters
from console.options import with_settings
from console.progress import progress
from consumers.read.letters import Place
from consumers.read.show_letter import state_of
from consumers.redrive.plan import Plan, make_plan
from consumers.redrive.put_back import Redrive
from schemas.settings import KafkaSettings


@click.command()
@click.argument("places", nargs=-1, type=place_argument, metavar="[PARTITION:OFFSET]...")
@with_filters
@click.option("--all", "everything", is_flag=True, help="Every letter that waits.")
@click.option("--dry-run", is_flag=True, help="Only say what would be put back, and what not.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--force",
    is_flag=True,
    help="Also what would be refused again, or would overwrite a newer event of the same review.",
)
@with_settings(KafkaSettings)
@click.pass_context
def redrive(
    ctx: click.Context,
    settings: KafkaSettings,
    places: tuple[Place, ...],
    reasons: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    everything: bool,
    dry_run: bool,
    yes: bool,
    force: bool,
) -> None:
    """Put dead letters back on the raw topic once their cause is mended: those at PARTITION:OFFSET, or those that
    the options choose.

    Each goes back exactly once, unchanged, to the partition where it stood, however often this command is killed
    or started. It is then the newest event of its review: left out, unless --force is given, are letters that a newer
    event of the same review stands behind, and those that would only be refused again.

    Leaves with 0 if all that was chosen went back, 1 if something was left out, 8 if another redrive took over.
    """  # noqa: D205 -- the first line of the help is a sentence that needs two
    if not (places or reasons or since or until or everything):
        raise click.UsageError("choose letters: PARTITION:OFFSET, --reason, --since, --until, or --all", ctx)
    err = Console(stderr=True)
    with progress("reading", console=err) as meter:
        plan = make_plan(settings, chosen_by(places, reasons, since, until), force=force, progress=meter.at)
    _print_plan(plan)
    if plan.going and not dry_run:
        if not yes:
            _confirm(ctx, len(plan.going))
        job = Redrive(settings)
        try:
            with progress("putting back", len(plan.going), console=err) as meter:
                job.run(plan.going, meter.at)
        finally:
            click.echo(f"{job.done:,} put back")
    ctx.exit(0 if plan.complete else 1)


def _confirm(ctx: click.Context, letters: int) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked here; say --yes or --dry-run", ctx)
    click.confirm(f"Put {letters:,} back?", abort=True, err=True)


def _print_plan(plan: Plan) -> None:
    click.echo(f"{len(plan.going):,} can go back")
    by_obstacle = defaultdict(list)
    for place, obstacle in plan.staying.items():
        by_obstacle[obstacle].append(place)
    for obstacle, places in by_obstacle.items():
        click.echo(f"{len(places):,} stay ({_some(places)}): {obstacle.value}")
    for place, entry in plan.redriven.items():
        click.echo(f"{place} went before: {state_of(entry)}")
    for place in plan.missing:
        click.echo(f"{place} is no dead letter")


def _some(places: Sequence[Place], shown: int = 3) -> str:
    names = ", ".join(map(str, places[:shown]))
    return f"{names}, …" if len(places) > shown else names
