"""What the tests of the dashboard share: a shop in a Valkey, and the dashboard over it."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from dashboard_client import Clock, Serve
from redis import Redis
from shop import TOPIC, Shop
from starlette.testclient import TestClient

from dashboard.app import create_app
from embedded import ValkeyServer
from schemas.dashboard_settings import DashboardSettings


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(redis: Redis, redis_prefix: str) -> Shop:
    return Shop(redis, redis_prefix)


@pytest.fixture
def serve(valkey: ValkeyServer, redis_prefix: str, clock: Clock) -> Iterator[Serve]:
    """Starts the dashboard over the shop; waits until it has looked at Redis once."""
    with ExitStack() as stack:

        def start(
            ask_kafka: Any = None, label_log: Any = None, start_explaining: Any = None, **changes: Any
        ) -> TestClient:
            given = {"redis_url": valkey.url, "redis_prefix": redis_prefix, "scored_topic": TOPIC, **changes}
            app = create_app(
                DashboardSettings(**given),
                ask_kafka=ask_kafka,
                label_log=label_log,
                start_explaining=start_explaining,
                clock=clock,
            )
            client = stack.enter_context(
                TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
            )
            client.portal.call(app.state.services.watcher.settled)
            return client

        yield start
