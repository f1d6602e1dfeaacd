"""A Redis that is away is told as such, and served again as soon as it is back."""

from collections.abc import Iterator

import pytest
from dashboard_client import Clock
from redis import Redis
from shop import TOPIC, Shop, written
from starlette.testclient import TestClient

from dashboard.app import create_app
from embedded import ValkeyServer
from schemas.dashboard_settings import DashboardSettings


@pytest.fixture
def fragile_valkey() -> Iterator[ValkeyServer]:
    with ValkeyServer() as server:
        yield server


def test_redis_away_is_503_with_a_time_to_try_again_and_recovers_by_itself(
    fragile_valkey: ValkeyServer, clock: Clock
) -> None:
    settings = DashboardSettings(redis_url=fragile_valkey.url, scored_topic=TOPIC)
    with TestClient(create_app(settings, clock=clock), base_url="http://localhost") as client:
        watcher = client.app.state.services.watcher
        client.portal.call(watcher.settled)
        fragile_valkey.kill()

        answers = [
            client.get(f"/api/v1/{path}") for path in ("products", "counts?product_id=p", "products.csv")
        ]
        page = client.get("/products")

        assert {answer.status_code for answer in answers} == {503}
        assert {answer.json()["type"] for answer in answers} == {"urn:reviewstream:problem:redis-away"}
        assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
        assert page.status_code == 503
        assert "Redis does not answer" in page.text

        fragile_valkey.restart()
        with Redis.from_url(fragile_valkey.url, decode_responses=True) as redis:
            Shop(redis, settings.redis_prefix).count([written("kettle")])
        client.portal.call(watcher.look)
        assert client.get("/api/v1/counts?product_id=kettle").status_code == 200
        assert client.get("/api/v1/overview").json()["now"]["reviews"] == 1


def test_a_server_that_never_saw_redis_still_answers(clock: Clock) -> None:
    settings = DashboardSettings(redis_url="redis://127.0.0.1:1/0")
    with TestClient(create_app(settings, clock=clock), base_url="http://localhost") as client:
        client.portal.call(client.app.state.services.watcher.settled)

        assert client.get("/healthz").status_code == 200
        assert client.get("/").status_code == 503
        assert "Redis cannot be read" in client.get("/pipeline").text
