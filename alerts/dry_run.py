"""What would have been alarmed about, had the rules been in force: each day of the past is looked at as it ended.

A process that watches looks many times a day at the same level. It alarms earlier on a day, and also on a rise that later
reviews of the day thin out again; of those that last until the evening, none is missed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from redis import Redis

from alerts.counts import batches, read_days, read_revisions
from alerts.judge import Suspect, alarming, level, look
from dashboard.periods import Period
from schemas.alert_rules import AlertRule, AlertRules
from schemas.redis_keys import ViewKeys


@dataclass(frozen=True)
class WouldBe:
    """An incident that would have opened."""

    rule: AlertRule
    opened: date
    last: date
    """The last day on which the rule held."""
    suspect: Suspect
    """As it was on the first."""
    limit: float


@dataclass(frozen=True)
class DryRun:
    """What a rule would have done in a period."""

    rule: AlertRule
    incidents: Sequence[WouldBe]
    watched: int
    """Products, on the day with most."""
    false_alarms: float
    """To be expected in the period, at most, had nothing changed."""


def dry_run(
    redis: Redis,
    keys: ViewKeys,
    rules: AlertRules,
    period: Period,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[DryRun]:
    """Look at every day of the period. Memory grows with what is unusual, not with the products.

    Args:
        redis: a client with ``decode_responses``.
        keys: names of the view's keys.
        rules: to try.
        period: the days, each of which is looked at with the days before it that the rules need.
        progress: told products done, and products in all.

    Returns:
        One for each rule, in their order.
    """
    needed = Period(period.first - timedelta(days=rules.days - 1), period.last)
    names = sorted(read_revisions(redis, keys))
    watched = {rule: [0] * len(period) for rule in rules.rules}
    suspects: dict[AlertRule, list[list[Suspect]]] = {rule: [[] for _ in period] for rule in rules.rules}
    done = 0
    for batch in batches(names):
        counted = read_days(redis, keys, batch, needed)
        for rule in rules.rules:
            for number in range(len(period)):
                found = look(rule, rules.looks_per_day, batch, counted[:, :, number : number + rules.days])
                watched[rule][number] += found.watched
                suspects[rule][number] += found.suspects
        done += len(batch)
        progress(done, len(names))
    return [
        DryRun(
            rule,
            _incidents(rule, rules.looks_per_day, period, watched[rule], suspects[rule]),
            max(watched[rule]),
            len(period) / rule.days_per_false_alarm,
        )
        for rule in rules.rules
    ]


def _incidents(
    rule: AlertRule,
    looks_per_day: int,
    period: Period,
    watched: Sequence[int],
    suspects: Sequence[Sequence[Suspect]],
) -> list[WouldBe]:
    """Days on which a rule holds for a product, less than its quiet time apart, are one incident."""
    closed: list[WouldBe] = []
    open_: dict[str, WouldBe] = {}
    for number, day in enumerate(period):
        limit = level(rule, looks_per_day, watched[number])
        for suspect in alarming(suspects[number], limit):
            before = open_.get(suspect.product_id)
            if before is not None and (day - before.last).days <= rule.quiet_days:
                open_[suspect.product_id] = WouldBe(rule, before.opened, day, before.suspect, before.limit)
                continue
            if before is not None:
                closed.append(before)
            open_[suspect.product_id] = WouldBe(rule, day, day, suspect, limit)
    return sorted(
        [*closed, *open_.values()], key=lambda one: (one.opened, one.suspect.p, one.suspect.product_id)
    )
