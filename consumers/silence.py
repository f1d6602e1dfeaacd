"""Tell a topic that is rightly silent from a Kafka that is away."""

from collections.abc import Callable

from kafka.errors import KafkaTimeoutError, RetriableError

from consumers.process import Clock
from schemas.errors import ServerUnavailable

PROBE_AFTER_S = 5.0
"""A topic may rightly be silent this long before we ask whether Kafka is still there."""

PROBE_TIMEOUT_S = 1.0


class HeldBack(KafkaTimeoutError):  # type: ignore[misc]  # noqa: N818 -- what Kafka says, not a failure of the client
    """Kafka answers, but does not say where to go on."""


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
                raise ServerUnavailable(_reason(error, silence)) from error
        else:
            self.heard()


def _reason(error: RetriableError, silence_s: float) -> str:
    if isinstance(error, HeldBack):
        return held_back(silence_s)
    return f"Kafka has not answered for {silence_s:.0f} s; is a broker down?"


def held_back(seconds: float) -> str:
    """What is wrong where Kafka answers everything but where to go on."""
    return (
        f"Kafka answers, but for {seconds:.0f} s it has not said where to go on: a partition has no leader, or a transaction "
        "that does not end holds back the offsets of this group (kafka-transactions.sh find-hanging; see docs/faults.md)"
    )
