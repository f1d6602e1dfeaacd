"""A pace for sends."""

from collections.abc import Callable

from schemas.errors import ConfigurationError

CATCH_UP_SECONDS = 0.1
"""Sleeps end some milliseconds late; sends may make up for that much lost time, and no more."""


class RateLimiter:
    """Lets at most ``rate`` callers a second pass, evenly spaced.

    In any ``t`` seconds at most ``rate * (t + CATCH_UP_SECONDS) + 1`` pass.

    Args:
        rate: calls of ``wait`` per second.
        clock: seconds, monotonic.
        sleep: waits for that many seconds.

    Raises:
        ConfigurationError: the rate is not above 0.
    """

    def __init__(self, rate: float, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        if not rate > 0:
            raise ConfigurationError(f"the rate has to be above 0 events a second, not {rate:g}")
        self._interval = 1 / rate
        self._clock = clock
        self._sleep = sleep
        self._due = clock()

    def wait(self) -> None:
        """Return when the next event may be sent."""
        now = self._clock()
        if self._due > now:
            self._sleep(self._due - now)
            now = self._clock()
        self._due = max(self._due, now - CATCH_UP_SECONDS) + self._interval
