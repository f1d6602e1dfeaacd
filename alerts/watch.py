"""The process that watches: looks in regular intervals, opens incidents, and delivers their alerts.

    every interval  claim the look -> read what changed -> test -> open incidents, with their alerts in the outbox
    every second    take an alert that is due -> send it -> note that it is done

Each arrow may be where the process is killed. A look that was claimed and not made is lost, and the next one follows. An
incident and its alert are stored in one step. An alert that was sent and not noted is sent again.
The time is that of Redis, which several processes share.
"""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from alerts.counts import LatestDays
from alerts.incidents import Incidents, Place, incident_id
from alerts.judge import Look, Suspect, alarming, level, look
from alerts.message import alert, latest_texts
from alerts.outbox import Outbox, Pending
from alerts.webhook import Webhook
from consumers.process import Health, Shutdown
from consumers.read.show import harmless
from dashboard.periods import Period
from schemas.alert_keys import AlertKeys
from schemas.alert_rules import AlertRule, AlertRules, load_rules
from schemas.alert_settings import AlertSettings
from schemas.errors import DeliveryFailed, ServerUnavailable
from schemas.redis_keys import ViewKeys
from schemas.refusals import raise_if_refused

log = logging.getLogger(__name__)

TURN_S = 1.0

SENT_A_TURN = 5
"""Alerts sent before the clock is looked at again: a webhook that hangs must not keep us from looking."""

LEASE_TIMEOUTS = 6
"""Timeouts of the webhook for which an alert is ours: name, connection, TLS and answer can each take one."""

REDIS_TIMEOUT_S = 10.0

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Sent:
    """What this process did since it started."""

    looks: int = 0
    incidents: int = 0
    delivered: int = 0
    failed: int = 0
    """Attempts, not alerts."""

    def __str__(self) -> str:
        return (
            f"{self.looks} looks, {self.incidents} incidents opened, {self.delivered} alerts delivered, "
            f"{self.failed} attempts failed"
        )


class Watch:
    """Looks and delivers until asked to stop.

    Args:
        rules: what to look for.
        redis: a client with ``decode_responses``.
        prefix: of all keys.
        outbox: what has yet to be sent.
        webhook: where to.
        now: the time, in UTC.
        jitter: a random number from 0 to 1.
    """

    def __init__(
        self,
        rules: AlertRules,
        redis: Redis,
        prefix: str,
        *,
        outbox: Outbox,
        webhook: Webhook,
        now: Callable[[], datetime],
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.sent = Sent()
        self.incidents = Incidents(redis, AlertKeys(prefix))
        self._rules = rules
        self._redis = redis
        self._prefix = prefix
        self._keys = ViewKeys(prefix)
        self._latest = LatestDays(redis, self._keys)
        self._outbox = outbox
        self._webhook = webhook
        self._now = now
        self._jitter = jitter
        self._interval: int | None = None

    def look(self) -> None:
        """Look, if it is time to and no other process does.

        Raises:
            RedisError: Redis is away, or refuses us.
        """
        now = self._now()
        interval = (now - _EPOCH) // timedelta(minutes=self._rules.look_every_minutes)
        if interval != self._interval:
            claimed = [rule for rule in self._rules.rules if self.incidents.claim_look(rule.name, interval)]
            self._interval = interval
            if claimed:
                self._look(claimed, now)

    def _look(self, rules: list[AlertRule], now: datetime) -> None:
        names, counted = self._latest.refresh(Period.until(now.date(), self._rules.days))
        self.sent.looks += 1
        for rule in rules:
            found = look(rule, self._rules.looks_per_day, names, counted)
            limit = level(rule, self._rules.looks_per_day, found.watched)
            above = alarming(found.suspects, limit)
            log.info(
                "rule %s: %d products watched, %d far above their usual share",
                rule.name,
                found.watched,
                len(above),
            )
            for suspect in above:
                self._alarm(rule, suspect, found, limit, now)

    def _alarm(self, rule: AlertRule, suspect: Suspect, found: Look, limit: float, now: datetime) -> None:
        place = Place(rule.name, suspect.product_id)
        if self.incidents.still_holds(place, rule.quiet_days, _milliseconds(now)):
            return
        made = alert(
            rule,
            suspect,
            incident_id=incident_id(self._prefix, place, now.date()),
            opened_at=now,
            limit=limit,
            watched=found.watched,
            texts=latest_texts(self._redis, self._keys, rule, suspect.product_id, now.date()),
        )
        if self.incidents.open(place, rule.quiet_days, made, _milliseconds(now)):
            self.sent.incidents += 1
            log.warning("rule %s: %s (%s)", rule.name, made.data.summary, made.data.incident_id)

    def deliver(self) -> bool:
        """Send one alert, if one is due; whether one was.

        Raises:
            RedisError: Redis is away, or refuses us.
        """
        pending = self._outbox.take(_milliseconds(self._now()))
        if pending is None:
            return False
        try:
            self._webhook.send(pending.alert_id, pending.body)
        except DeliveryFailed as error:
            self.sent.failed += 1
            self._try_later(pending, error)
        else:
            self._outbox.remove(pending.alert_id)
            self.sent.delivered += 1
            log.info("%s is delivered", harmless(pending.alert_id))
        return True

    def _try_later(self, pending: Pending, error: DeliveryFailed) -> None:
        if pending.is_last:
            log.error("%s is given up after %d attempts: %s", pending.alert_id, pending.attempt, error)
            self._outbox.remove(pending.alert_id)
            return
        pause_s = pending.pause_s(self._jitter())
        log.warning("%s is not delivered: %s; again in %.0f s", pending.alert_id, error, pause_s)
        self._outbox.put_off(pending.alert_id, _milliseconds(self._now()) + int(1000 * pause_s))


def clock_of(redis: Redis) -> Callable[[], datetime]:
    """The time by the clock of Redis, which all processes share."""

    def now() -> datetime:
        seconds, microseconds = redis.time()
        return _EPOCH + timedelta(seconds=seconds, microseconds=microseconds)

    return now


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def run(
    watch: Watch,
    shutdown: Shutdown,
    health: Health,
    outage_deadline_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Turn until asked to stop.

    Raises:
        ConfigurationError: Redis refuses us.
        ServerUnavailable: Redis was away for longer than the deadline.
    """
    away_since: float | None = None
    allowed = False
    while not shutdown.requested:
        try:
            if not allowed:
                watch.incidents.require_permissions()
                allowed = True
            watch.look()
            for _ in range(SENT_A_TURN):
                if shutdown.requested or not watch.deliver():
                    break
        except (RedisError, OSError) as error:
            raise_if_refused(error)
            if away_since is None:
                away_since = clock()
                log.warning("Redis: %s; trying again for %.0f s", error, outage_deadline_s)
            if clock() - away_since > outage_deadline_s:
                raise ServerUnavailable(
                    f"Redis was away for {clock() - away_since:.0f} s: {error}"
                ) from error
        else:
            away_since = None
            health.beat()
        shutdown.wait(TURN_S)


def start_watch(settings: AlertSettings, make_redis: Callable[..., Redis] = Redis.from_url) -> Watch:
    """Read the rules and put a watch together; Redis is first called when it turns.

    Raises:
        ConfigurationError: the rules, the address or the secret are missing or cannot work.
    """
    rules = load_rules(settings.required_rules)
    redis: Any = make_redis(
        **settings.redis_config(),
        socket_timeout=REDIS_TIMEOUT_S,
        socket_connect_timeout=REDIS_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),  # the loop tries again
    )
    timeout = settings.webhook_timeout
    return Watch(
        rules,
        redis,
        settings.redis_prefix,
        outbox=Outbox(redis, AlertKeys(settings.redis_prefix), int(1000 * LEASE_TIMEOUTS * timeout)),
        now=clock_of(redis),
        webhook=Webhook(settings.required_url, settings.required_keys, timeout, time.time),
    )
