"""The dashboard does its whole job with what docs/security.md gives its user, and writes nothing."""

from datetime import UTC, datetime
from typing import Any

import pytest
from permissions import redis_permissions
from redis import Redis
from redis.exceptions import NoPermissionError
from secured_redis import SecuredRedis
from starlette.testclient import TestClient

from dashboard.app import create_app
from schemas.dashboard_settings import DashboardSettings
from schemas.redis_keys import Ranking, ViewKeys

USER = "reviewstream-serve"
NOW = datetime(2026, 3, 28, 12, tzinfo=UTC)
PATHS = (
    "products",
    "counts",
    "days",
    "negatives",
    "compare",
    "overview",
    "pipeline",
    "products.csv",
    "days.csv",
)


@pytest.fixture
def settings(guarded: SecuredRedis, authority: Any) -> DashboardSettings:
    keys = ViewKeys()
    with guarded.admin() as redis:
        redis.hset(keys.product("kettle"), mapping={"reviews": 1, "positive": 1, "score_sum": "0.900000"})
        redis.hset(f"{keys.product('kettle')}:day:2026-03-28", mapping={"reviews": 1, "positive": 1})
        redis.zadd(keys.ranking(Ranking.REVIEWS), {"kettle": 1})
        redis.hset(keys.ranking_revisions(Ranking.REVIEWS), "kettle", 1)
    return DashboardSettings(
        redis_url=guarded.url(USER), redis_password=guarded.password, redis_ssl_cafile=authority.certificate
    )


def test_every_answer_is_given(settings: DashboardSettings) -> None:
    with TestClient(create_app(settings, clock=lambda: NOW), base_url="http://localhost") as client:
        client.portal.call(client.app.state.services.watcher.settled)
        answers = {path: client.get(f"/api/v1/{path}", params={"product_id": "kettle"}) for path in PATHS}

        assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(PATHS, 200)
        assert answers["overview"].json()["now"]["reviews"] == 1


def test_the_user_can_write_nothing(guarded: SecuredRedis, settings: DashboardSettings) -> None:
    assert "~reviewstream:*" not in redis_permissions()[USER]
    with Redis.from_url(**settings.redis_config()) as redis:
        for script in ("redis.call('HSET', KEYS[1], 'reviews', 7)", "redis.call('DEL', KEYS[1])"):
            with pytest.raises(NoPermissionError):
                redis.eval(script, 1, ViewKeys().product("kettle"))
