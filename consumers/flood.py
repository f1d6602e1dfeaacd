"""Stop before a topic drains into the dead letters: bad records are rare, unless something upstream is broken."""

from collections import deque
from collections.abc import Sequence

from schemas.errors import DeadLetterFlood


class FloodGate:
    """Watches the share of bad records among the latest ``window``."""

    def __init__(self, window: int, limit: float) -> None:
        self._latest: deque[bool] = deque(maxlen=window)
        self._limit = limit

    def check(self, bad: Sequence[bool]) -> None:
        """Look at a batch before it is published.

        Raises:
            DeadLetterFlood: with it the window is full and the share of bad records above the limit.
        """
        latest = deque([*self._latest, *bad], maxlen=self._latest.maxlen)
        window = latest.maxlen
        if self._limit < 1 and len(latest) == window and sum(latest) > self._limit * window:
            raise DeadLetterFlood(
                f"{sum(latest)} of the latest {window} records are bad; stopping before the topic drains "
                "into the dead letters. Look at their dlq.reason headers; REVIEWSTREAM_FLOOD_LIMIT=1 goes on anyway."
            )

    def take(self, bad: Sequence[bool]) -> None:
        """Take in a batch that was published; one that was not comes again."""
        self._latest.extend(bad)
