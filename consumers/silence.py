"""Tell a topic that is rightly silent from a Kafka that is away."""

from collections.abc import Callable

from kafka.errors import RetriableError

from consumers.process import Clock
from schemas.errors import ServerUnavailable

PROBE_AFTER_S = 5.0
"""A topic may rightly be silent this long before we ask whether Kafka is still there."""

PROBE_TIMEOUT_S = 1.0


class SilenceGuard:
    """Asks Kafka for a sign of life during a silence: the client alone would retry for ever and say nothing.

    Args:
        probe: any question to Kafka; takes a timeout in seconds and raises ``RetriableError`` without an answer.
        deadline_s: seconds without an answer after which it gives up.
        clock: seconds, never going back.
    """

    def __init__(self, probe: Callable[[float], object], deadline_s: float, clock: Clock) -> None:
        self._probe = probe
        self._deadline_s = deadline_s
        self._clock = clock
        self._heard = clock()

    def heard(self) -> None:
        """Something came."""
        self._heard = self._clock()

    def check(self) -> None:
        """Nothing came.

        Raises:
            ServerUnavailable: the outage deadline has passed.
        """
        silence = self._clock() - self._heard
        if silence < PROBE_AFTER_S:
            return
        try:
            self._probe(PROBE_TIMEOUT_S)
        except RetriableError as error:
            if silence > self._deadline_s:
                raise ServerUnavailable(
                    f"Kafka has not answered for {silence:.0f} s; is a broker down?"
                ) from error
        else:
            self.heard()
