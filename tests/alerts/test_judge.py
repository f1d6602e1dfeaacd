"""The test is exact, and its false alarms are no more than is said: against scipy, and by simulation."""

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from alerts.judge import Side, Suspect, alarming, level, look, upper_tail
from dashboard.counts import CHANNELS
from schemas.alert_rules import AlertRule
from schemas.events import Channel

SIDES = st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
RULE = AlertRule(name="sudden")


def exact(part: int, n: int, part_before: int, n_before: int) -> float:
    return float(hypergeom.sf(part - 1, n + n_before, part + part_before, n))


@given(SIDES, SIDES)
def test_p_is_the_upper_tail_of_the_hypergeometric_distribution(
    window: tuple[int, int], baseline: tuple[int, int]
) -> None:
    assert upper_tail(*window, *baseline) == pytest.approx(exact(*window, *baseline), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("part", [15_000, 15_400, 16_500, 40_000])
def test_p_of_very_many_reviews_is_right_too(part: int) -> None:
    found = upper_tail(part, 300_000, 150_000, 3_000_000)

    assert found == pytest.approx(exact(part, 300_000, 150_000, 3_000_000), rel=1e-5, abs=1e-300)


def days_of(*products: list[tuple[int, int]], channel: Channel = Channel.REVIEW) -> npt.NDArray[np.int32]:
    """Of shape (product, channel, day, 2)."""
    counted = np.zeros((len(products), len(CHANNELS), len(products[0]), 2), np.int32)
    counted[:, CHANNELS.index(channel)] = products
    return counted


def test_a_product_is_compared_with_its_own_days_before() -> None:
    rule = AlertRule(name="sudden", window_days=2, baseline_days=3)
    days = [(99, 99), (40, 2), (40, 2), (40, 2), (10, 3), (20, 8)]  # the first one is too long ago

    found = look(rule, 96, ["kettle"], days_of(days))

    assert found.watched == 1
    (suspect,) = found.suspects
    assert (suspect.window, suspect.baseline) == (Side(30, 11), Side(120, 6))
    assert suspect.p == pytest.approx(exact(11, 30, 6, 120))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"minimum_reviews": 31}, "too few in the window"),
        ({"minimum_strong_negatives": 12}, "too few strong negatives"),
        ({"minimum_baseline_reviews": 121}, "no baseline to speak of"),
        ({"at_least_times": 7.5}, "not enough of a rise"),
        ({"products": ("pan-*",)}, "of another product"),
        ({"channels": (Channel.SUPPORT,)}, "in another channel"),
    ],
)
def test_a_rule_says_what_is_enough(change: dict[str, object], why: str) -> None:
    days = days_of([(120, 6), (30, 11)])
    rule = AlertRule(name="sudden", window_days=1, baseline_days=1)

    assert len(look(rule, 96, ["kettle"], days).suspects) == 1
    assert look(rule.model_copy(update=change), 96, ["kettle"], days).suspects == [], why


def test_channels_of_a_rule_are_counted_together() -> None:
    both = days_of([(100, 5), (10, 4)]) + days_of([(20, 1), (20, 7)], channel=Channel.SOCIAL)
    rule = AlertRule(name="any", window_days=1, baseline_days=1, channels=(Channel.REVIEW, Channel.SOCIAL))

    (suspect,) = look(rule, 96, ["kettle"], both).suspects

    assert (suspect.window, suspect.baseline) == (Side(30, 11), Side(120, 6))


def test_the_level_is_shared_by_looks_and_products_and_what_was_unlikeliest_comes_first() -> None:
    assert level(RULE, 96, 1000) == pytest.approx(0.01 / 96 / 1000)
    suspects = [
        Suspect(name, Side(1, 1), Side(1, 0), p) for name, p in (("a", 1e-3), ("b", 1e-9), ("c", 1e-4))
    ]

    assert [one.product_id for one in alarming(suspects, 2e-4)] == ["b", "c"]


# Simulated shops. A rule that is promised to be wrong every second day is wrong often enough to be counted.

PRODUCTS, DAYS, LOOKS, A_DAY, BASELINE = 20, 200, 24, 48, 300
OFTEN = AlertRule(
    name="often", days_per_false_alarm=2, minimum_reviews=1, minimum_strong_negatives=1, at_least_times=1
)


def false_alarms_a_day(limit: float, share: float, seed: int = 7) -> float:
    """Looks that alarm, counted one by one: products whose share never changes, seen as each day's reviews come in."""
    draw = np.random.default_rng(seed)

    @cache
    def p(part: int, n: int, part_before: int) -> float:
        return upper_tail(part, n, part_before, BASELINE)

    alarms = 0
    for _ in range(DAYS * PRODUCTS):
        before = int(draw.binomial(BASELINE, share))
        strong_negative = np.cumsum(draw.random(A_DAY) < share)
        seen = np.linspace(0, A_DAY, LOOKS + 1, dtype=int)[1:]
        alarms += sum(p(int(strong_negative[n - 1]), int(n), before) <= limit for n in seen)
    return alarms / DAYS


@pytest.mark.parametrize("share", [0.02, 0.1, 0.4])
def test_false_alarms_are_no_more_than_is_said(share: float) -> None:
    assert false_alarms_a_day(level(OFTEN, LOOKS, PRODUCTS), share) <= 1 / OFTEN.days_per_false_alarm


def test_without_counting_looks_and_products_in_there_would_be_far_more() -> None:
    assert false_alarms_a_day(1 / OFTEN.days_per_false_alarm / 20, 0.1) > 4 / OFTEN.days_per_false_alarm


def strong_negatives_until_alarm(limit: float, usual: float, now: float) -> list[int]:
    """Of how many strong negatives it takes, each of many times that the share rises."""
    draw = np.random.default_rng(11)
    needed = []
    for _ in range(100):
        before, found = int(draw.binomial(BASELINE, usual)), np.cumsum(draw.random(1000) < now)
        alarms: Callable[[int], bool] = lambda n: upper_tail(int(found[n - 1]), n, before, BASELINE) <= limit  # noqa: B023, E731
        needed.append(next(int(found[n - 1]) for n in range(1, 1000) if alarms(n)))
    return needed


def test_a_real_rise_is_seen_soon_also_in_a_large_shop() -> None:
    limit = level(RULE, 96, 10_000)

    assert np.median(strong_negatives_until_alarm(limit, usual=0.05, now=0.5)) <= 20
