"""Questions to Kafka that are asked again until the outage deadline, and what is said when no answer came."""

import time
from collections.abc import Callable
from typing import TypeVar

from kafka.errors import RetriableError

from schemas.errors import ServerUnavailable
from schemas.refusals import raise_if_refused

Answer = TypeVar("Answer")

RETRY_PAUSE_S = 0.5


def answered(
    question: Callable[[], Answer],
    about: str,
    *,
    deadline_s: float,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], object] = time.sleep,
) -> Answer:
    """What Kafka answers.

    The client asks one broker, and raises at once if that one goes just then, although others are there or it comes back.

    Args:
        question: asks, and raises ``RetriableError`` where there was no answer; it may wait for long itself.
        about: what is asked about, for people.
        deadline_s: seconds after which it gives up.
        clock: seconds, never going back.
        pause: waits between two tries.

    Raises:
        ConfigurationError: Kafka refuses us; no waiting helps.
        ServerUnavailable: there was no answer until the deadline.
    """
    asked = clock()
    while True:
        try:
            return question()
        except RetriableError as error:
            raise_if_refused(error)
            waited = clock() - asked
            if waited + RETRY_PAUSE_S >= deadline_s:
                raise ServerUnavailable(
                    f"Kafka has not answered about {about!r} for {waited:.0f} s; is a broker down?"
                ) from error
        pause(RETRY_PAUSE_S)
