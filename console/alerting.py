"""``alerts``: somebody is told when a product's customers are suddenly unhappier than usual."""

import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click
from redis import Redis
from rich.console import Console
from rich.table import Table

from alerts.dry_run import DryRun, WouldBe
from alerts.dry_run import dry_run as look_back
from alerts.message import summary
from alerts.watch import run, start_watch
from console.options import with_settings
from console.progress import progress
from consumers.process import Health, Shutdown
from dashboard.periods import Period, chosen_period
from schemas.alert_rules import load_rules
from schemas.alert_settings import AlertSettings
from schemas.errors import ConfigurationError
from schemas.redis_keys import ViewKeys

DRY_RUN_DAYS = 28

log = logging.getLogger(__name__)

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option(
    "--dry-run", is_flag=True, help="Only show what the rules would have alarmed about; sends nothing."
)
@click.option(
    "--from", "first", type=_DAY, help=f"First day (UTC) of a dry run; {DRY_RUN_DAYS} days by default."
)
@click.option("--to", "last", type=_DAY, help="Last day (UTC) of a dry run; today by default.")
@click.option("--json", "as_json", is_flag=True, help="Print a dry run as JSON.")
@with_settings(AlertSettings)
@click.pass_context
def alerts(
    ctx: click.Context,
    settings: AlertSettings,
    dry_run: bool,
    first: datetime | None,
    last: datetime | None,
    as_json: bool,
) -> None:
    """Watch the counts in Redis by rules, and post a signed alert to a webhook, once for each incident.

    Several can run: one looks, and any of them delivers. SIGTERM finishes what is in flight.
    """
    if not dry_run:
        if first or last or as_json:
            raise click.UsageError("--from, --to and --json belong to --dry-run", ctx)
        _watch(settings)
        return
    rules = load_rules(settings.required_rules)
    try:
        period = chosen_period(
            first.date() if first else None,
            last.date() if last else None,
            today=datetime.now(UTC).date(),
            days=DRY_RUN_DAYS,
        )
    except ValueError as error:
        raise ConfigurationError(f"--from, --to: {error}") from error
    with (
        Redis.from_url(**settings.redis_config()) as redis,
        progress("looking back", console=Console(stderr=True)) as meter,
    ):
        runs = look_back(redis, ViewKeys(settings.redis_prefix), rules, period, meter.at)
    if as_json:
        click.echo(json.dumps(_as_json(runs, period), indent=2))
    else:
        _print(runs, period)


def _watch(settings: AlertSettings) -> None:
    watch = start_watch(settings)
    shutdown = Shutdown(settings.grace_period).listen()
    log.info("alerts: watching %s*", settings.redis_prefix)
    run(watch, shutdown, Health(settings.health_file), settings.outage_deadline)
    log.info("alerts: %s", watch.sent)


def _print(runs: Sequence[DryRun], period: Period) -> None:
    if any(one.incidents for one in runs):
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("opened", "until", "rule", "by chance"):
            table.add_column(heading, no_wrap=True)
        table.add_column("what")
        for incident in sorted((one for run_ in runs for one in run_.incidents), key=lambda one: one.opened):
            table.add_row(
                str(incident.opened),
                str(incident.last),
                incident.rule.name,
                f"{incident.suspect.p:.0e}",
                summary(incident.rule, incident.suspect),
            )
        Console(highlight=False, markup=False).print(table)
    for one in runs:
        click.echo(
            f"rule {one.rule.name}: {len(one.incidents):,} from {period.first} to {period.last}, "
            f"{one.watched:,} products watched; by chance alone at most {one.false_alarms:.2g} in this time"
        )


def _as_json(runs: Sequence[DryRun], period: Period) -> dict[str, Any]:
    return {
        "from": str(period.first),
        "to": str(period.last),
        "rules": [
            {
                "rule": one.rule.name,
                "products_watched": one.watched,
                "false_alarms_at_most": one.false_alarms,
                "incidents": [_incident(incident) for incident in one.incidents],
            }
            for one in runs
        ],
    }


def _incident(incident: WouldBe) -> dict[str, Any]:
    window, baseline = incident.suspect.window, incident.suspect.baseline
    return {
        "product_id": incident.suspect.product_id,
        "opened": str(incident.opened),
        "last": str(incident.last),
        "reviews": window.reviews,
        "strong_negative": window.strong_negative,
        "baseline_reviews": baseline.reviews,
        "baseline_strong_negative": baseline.strong_negative,
        "p": incident.suspect.p,
        "level": incident.limit,
    }
