"""Alerts do their whole job with what docs/security.md gives their user, and cannot change a count."""

from datetime import date, timedelta
from typing import Any

import pytest
from permissions import redis_permissions
from redis import Redis
from redis.exceptions import NoPermissionError
from secured_redis import SecuredRedis

from alerts.dry_run import dry_run
from alerts.incidents import Incidents
from alerts.outbox import Outbox
from alerts.watch import Watch, clock_of
from alerts.webhook import Webhook
from dashboard.periods import Period
from schemas.alert_keys import AlertKeys
from schemas.alert_rules import AlertRules
from schemas.alert_settings import AlertSettings
from schemas.errors import ConfigurationError
from schemas.events import Channel
from schemas.redis_keys import Ranking, ViewKeys

USER = "reviewstream-alerts"
RULES = AlertRules(rules=({"name": "sudden", "texts": 1},))


@pytest.fixture
def settings(guarded: SecuredRedis, authority: Any) -> AlertSettings:
    guarded.empty()
    return AlertSettings(
        redis_url=guarded.url(USER), redis_password=guarded.password, redis_ssl_cafile=authority.certificate
    )


def unhappy(redis: Redis, keys: ViewKeys, today: date) -> None:
    for ago in range(31):
        mapping = {"reviews": 30, "positive": 10, "strong_negative": 1 if ago else 20}
        redis.hset(keys.counts("kettle", Channel.REVIEW, today - timedelta(days=ago)), mapping=mapping)
    redis.hset(keys.product("kettle"), "reviews", 1)
    redis.hset(keys.ranking_revisions(Ranking.REVIEWS), "kettle", 1)


def test_an_incident_is_found_kept_and_given_up(settings: AlertSettings, guarded: SecuredRedis) -> None:
    with guarded.admin() as admin, Redis.from_url(**settings.redis_config()) as redis:
        today = clock_of(admin)().date()
        unhappy(admin, ViewKeys(), today)
        outbox = Outbox(redis, AlertKeys(), 60_000)
        nowhere = Webhook("http://127.0.0.1:1/", [b"key"], 1, lambda: 0)
        watch = Watch(RULES, redis, "reviewstream:", outbox=outbox, webhook=nowhere, now=clock_of(redis))

        watch.incidents.require_permissions()
        watch.look()
        delivered = watch.deliver()

        assert delivered
        assert (watch.sent.incidents, watch.sent.failed) == (1, 1)
        (alert_id,) = admin.hkeys(AlertKeys().bodies)
        outbox.remove(str(alert_id))
        assert admin.exists(AlertKeys().due, AlertKeys().bodies) == 0
        assert dry_run(redis, ViewKeys(), RULES, Period.until(today, 2))[0].incidents


def test_a_permission_that_is_missing_is_named_before_the_first_alarm(
    settings: AlertSettings, guarded: SecuredRedis
) -> None:
    guarded.set_user(USER, "-hincrby")
    try:
        with (
            Redis.from_url(**settings.redis_config()) as redis,
            pytest.raises(ConfigurationError, match=r"denies this user HINCRBY \{reviewstream:alerts\}"),
        ):
            Incidents(redis, AlertKeys()).require_permissions()
    finally:
        guarded.allow(USER)


def test_the_user_can_change_no_count(settings: AlertSettings) -> None:
    assert "~reviewstream:*" not in redis_permissions()[USER]
    with Redis.from_url(**settings.redis_config()) as redis, pytest.raises(NoPermissionError):
        redis.hset(ViewKeys().product("kettle"), "reviews", 7)
