from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.rate import CATCH_UP_SECONDS, RateLimiter
from schemas.errors import ConfigurationError


@dataclass
class FakeTime:
    """Time that passes only when somebody sleeps, and then somewhat too long."""

    now: float = 1000.0
    late: float = 0.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds + self.late


def passes(rate: float, time: FakeTime, pauses: list[float]) -> list[float]:
    """When each of several callers passed, which came after these pauses."""
    limiter = RateLimiter(rate, time.clock, time.sleep)
    passed = []
    for pause in pauses:
        time.now += pause
        limiter.wait()
        passed.append(time.now)
    return passed


@given(
    rate=st.floats(0.5, 5000),
    late=st.floats(0, 0.3),
    pauses=st.lists(st.floats(0, 2), min_size=1, max_size=200),
)
def test_no_stretch_of_time_sees_more_than_the_rate_allows(
    rate: float, late: float, pauses: list[float]
) -> None:
    passed = passes(rate, FakeTime(late=late), pauses)

    for first, start in enumerate(passed):
        for last, end in enumerate(passed[first:], start=first):
            allowed = rate * (end - start + CATCH_UP_SECONDS) + 1
            assert last - first + 1 <= allowed + 1e-6 * allowed + 1e-6


@given(rate=st.floats(10, 1000), late=st.floats(0, 0.05))
def test_sleeps_that_end_late_do_not_slow_the_rate(rate: float, late: float) -> None:
    time = FakeTime(late=late)

    passed = passes(rate, time, [0.0] * 500)

    assert passed[-1] - passed[0] <= 499 / rate + late + 1e-6


def test_events_are_spaced_evenly() -> None:
    time = FakeTime()

    passed = passes(4, time, [0.0] * 5)

    assert passed == [1000.0, 1000.25, 1000.5, 1000.75, 1001.0]


def test_a_pause_is_no_credit_for_a_burst() -> None:
    passed = passes(100, FakeTime(), [0.0, 60.0, *[0.0] * 30])

    at_once = sum(moment == passed[1] for moment in passed)
    assert at_once <= 100 * CATCH_UP_SECONDS + 1


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_that_would_never_send_is_refused(rate: float) -> None:
    with pytest.raises(ConfigurationError, match="above 0"):
        RateLimiter(rate, FakeTime().clock, FakeTime().sleep)
