"""What the tests of alerts share: a Valkey of which they use some keys, a receiver, and a watch over both."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from receiver import Receiver, receiving
from redis import Redis
from watching import KEY, LEASE_MS, Clock, Watches

from alerts.outbox import Outbox
from alerts.watch import Watch
from alerts.webhook import Webhook
from schemas.alert_keys import AlertKeys
from schemas.alert_rules import AlertRules
from schemas.redis_keys import ViewKeys


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(redis_prefix: str) -> ViewKeys:
    return ViewKeys(redis_prefix)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


@pytest.fixture
def watch(redis: Redis, redis_prefix: str, receiver: Receiver, clock: Clock) -> Watches:
    """Makes a watch, as a process does at its start; rules as in the file, one rule by default."""

    def make(*rules: dict[str, Any], redis: Redis = redis, now: Callable[[], datetime] = clock) -> Watch:
        return Watch(
            AlertRules(rules=rules or ({"name": "sudden"},)),
            redis,
            redis_prefix,
            outbox=Outbox(redis, AlertKeys(redis_prefix), LEASE_MS),
            webhook=Webhook(receiver.url, [KEY], 5, lambda: now().timestamp()),
            now=now,
            jitter=lambda: 0.0,
        )

    return make
