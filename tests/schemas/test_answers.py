"""Questions to Kafka are asked again until the outage deadline, and no longer."""

from collections.abc import Callable

import pytest
from kafka.errors import KafkaConnectionError, RetriableError, TopicAuthorizationFailedError

from schemas.answers import answered
from schemas.errors import ConfigurationError, ServerUnavailable

DEADLINE_S = 60.0


class Clock:
    """Seconds that pass only while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


def asking(question: Callable[[], str], clock: Clock) -> str:
    return answered(question, "reviews", deadline_s=DEADLINE_S, clock=clock, pause=clock.wait)


def failing(times: int, error: Exception) -> Callable[[], str]:
    errors = iter([error] * times)

    def question() -> str:
        for met in errors:
            raise met
        return "answer"

    return question


def test_what_fails_at_once_is_asked_again_until_there_is_an_answer() -> None:
    assert asking(failing(100, KafkaConnectionError("111 ECONNREFUSED")), Clock()) == "answer"


def test_it_is_given_up_at_the_deadline_which_is_told_as_it_was() -> None:
    clock = Clock()

    with pytest.raises(ServerUnavailable, match="'reviews' for 60 s"):
        asking(failing(10_000, KafkaConnectionError("111 ECONNREFUSED")), clock)

    assert clock.now == pytest.approx(DEADLINE_S, abs=1)


def test_who_has_waited_for_the_whole_deadline_in_one_question_does_not_ask_again() -> None:
    clock, asked = Clock(), []

    def slow() -> str:
        asked.append(clock.now)
        clock.wait(DEADLINE_S)
        raise KafkaConnectionError("no answer")

    with pytest.raises(ServerUnavailable):
        asking(slow, clock)

    assert asked == [0.0]


def test_a_refusal_is_not_waited_for() -> None:
    class RefusedError(RetriableError):  # type: ignore[misc]
        """The client wraps what the broker said."""

    refused = RefusedError("denied")
    refused.__cause__ = TopicAuthorizationFailedError("reviews")

    with pytest.raises(ConfigurationError):
        asking(failing(1, refused), clock := Clock())

    assert clock.now == 0
