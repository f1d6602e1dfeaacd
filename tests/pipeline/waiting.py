"""Waiting for a condition, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

POLL_S = 0.05


def eventually(condition: Callable[[], Value], timeout: float = 60.0) -> Value:
    """What ``condition`` returns once that is true; asked until ``timeout`` seconds are over."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"did not come true within {timeout:g} s"
        time.sleep(POLL_S)
    return value


def let_pass(seconds: float) -> None:
    """Return once they have passed, where time itself is what a test is about."""
    end = time.monotonic() + seconds
    eventually(lambda: time.monotonic() >= end, 2 * seconds + 60)
