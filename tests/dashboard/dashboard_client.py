"""What the tests of the dashboard are given: how to start one, and its clock."""

from collections.abc import Callable
from datetime import datetime

from shop import NOW
from starlette.testclient import TestClient

Serve = Callable[..., TestClient]


class Clock:
    """A clock that a test may turn."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now
