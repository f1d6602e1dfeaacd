"""What the tests of alerts are given: how to start a watch, and its clock."""

from collections.abc import Callable
from datetime import UTC, datetime

from alerts.watch import Watch

LEASE_MS = 60_000
KEY = b"k" * 32

Watches = Callable[..., Watch]


class Clock:
    """A clock that a test may turn."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 28, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now
