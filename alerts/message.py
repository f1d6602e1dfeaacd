"""What an alert says, for programs and for people."""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import islice

from redis import Redis

from alerts.judge import Side, Suspect
from consumers.read.show import harmless
from dashboard.counts import StrongNegative
from dashboard.periods import Period
from schemas.alert_rules import AlertRule
from schemas.alerts import Alert, AlertData, AlertedSpan, AlertedText
from schemas.redis_keys import ViewKeys

EXCERPT_CHARACTERS = 280

_LATEST = 100
"""Of the product's latest strong negatives that are looked through, in all channels."""


def window_of(rule: AlertRule, day: date) -> Period:
    """The days that are watched on this one."""
    return Period.until(day, rule.window_days)


def baseline_of(rule: AlertRule, day: date) -> Period:
    """The days just before, which say what is usual."""
    return Period.until(window_of(rule, day).first - timedelta(days=1), rule.baseline_days)


def alert(
    rule: AlertRule,
    suspect: Suspect,
    *,
    incident_id: str,
    opened_at: datetime,
    limit: float,
    watched: int,
    texts: Sequence[AlertedText],
) -> Alert:
    """Put it together.

    Args:
        rule: that holds.
        suspect: for which product, and by what counts.
        incident_id: of the incident.
        opened_at: when the look was.
        limit: the level.
        watched: products that the rule watched in this look.
        texts: to send along.
    """
    day = opened_at.date()
    return Alert(
        timestamp=opened_at,
        data=AlertData(
            incident_id=incident_id,
            rule=rule.name,
            product_id=suspect.product_id,
            channels=rule.channels,
            summary=summary(rule, suspect),
            window=_span(window_of(rule, day), suspect.window),
            baseline=_span(baseline_of(rule, day), suspect.baseline),
            p=suspect.p,
            level=limit,
            products_watched=watched,
            texts=tuple(texts),
        ),
    )


def summary(rule: AlertRule, suspect: Suspect) -> str:
    """One sentence; the product's id cannot steer what shows it."""
    window, baseline = suspect.window, suspect.baseline
    return (
        f"{harmless(suspect.product_id)}: {window.strong_negative:,} of {window.reviews:,} are strongly negative "
        f"({window.share:.0%}) {_within(rule.window_days)}; usual are {baseline.share:.1%} of {baseline.reviews:,}"
    )


def latest_texts(
    redis: Redis, keys: ViewKeys, rule: AlertRule, product_id: str, day: date
) -> list[AlertedText]:
    """The latest strong negatives of the window, as many as the rule asks for, masked as the dashboard masks them."""
    if not rule.texts:
        return []
    window = window_of(rule, day)
    entries = map(json.loads, redis.lrange(keys.negatives(product_id), 0, _LATEST - 1))
    wanted = (
        fields
        for fields in entries
        if fields["channel"] in rule.channels
        and window.first <= datetime.fromisoformat(fields["created_at"]).date() <= window.last
    )
    picked = map(
        StrongNegative.of_fields, islice(wanted, rule.texts)
    )  # masking the others would take longest
    return [
        AlertedText(
            review_id=one.review_id,
            channel=one.channel,
            created_at=one.created_at,
            text=harmless(one.text, EXCERPT_CHARACTERS),
        )
        for one in picked
    ]


def _within(days: int) -> str:
    return "on one day" if days == 1 else f"within {days} days"


def _span(period: Period, side: Side) -> AlertedSpan:
    return AlertedSpan(
        first=period.first,
        last=period.last,
        reviews=side.reviews,
        strong_negative=side.strong_negative,
        share=side.share,
    )
