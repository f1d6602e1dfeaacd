"""Differences against scipy, and what is called real."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from consumers.read.counts import share
from dashboard.statistics import difference, discoveries, wilson

SHARES = st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(SHARES, SHARES)
def test_p_is_that_of_fishers_exact_test(now: tuple[int, int], before: tuple[int, int]) -> None:
    (part, n), (part_before, n_before) = now, before
    table = [[part, n - part], [part_before, n_before - part_before]]

    found = difference(part, n, part_before, n_before)

    assert found is not None
    assert found.p == pytest.approx(fisher_exact(table).pvalue, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("part", [180_000, 180_400, 181_000, 250_000])
def test_p_of_a_whole_shop_is_right_too(part: int) -> None:
    found = difference(part, 300_000, 180_000, 300_000)

    assert found is not None
    exact = fisher_exact([[part, 300_000 - part], [180_000, 120_000]]).pvalue
    assert found.p == pytest.approx(exact, rel=1e-4, abs=1e-20)


@given(SHARES, SHARES)
def test_the_interval_holds_the_difference(now: tuple[int, int], before: tuple[int, int]) -> None:
    found = difference(*now, *before)

    assert found is not None
    assert -1 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1


def test_the_interval_is_newcombes() -> None:
    found = difference(56, 70, 48, 80)

    assert found is not None
    # Newcombe 1998, table II, example (a), method 10.
    assert (found.value, found.low, found.high) == (
        pytest.approx(0.2),
        pytest.approx(0.0524, abs=1e-4),
        pytest.approx(0.3339, abs=1e-4),
    )


def test_nothing_is_compared_with_nothing() -> None:
    assert difference(1, 2, 0, 0) is None
    assert difference(0, 0, 1, 2) is None


def test_a_small_p_is_believed_alone_but_not_among_many() -> None:
    assert discoveries([0.01], tested=1) == 0.01
    assert discoveries([0.01], tested=100) < 0.01


def test_the_limit_is_that_of_benjamini_and_hochberg() -> None:
    # Benjamini and Hochberg 1995, section 3.2: of these 15, the first four are rejected at 0.05.
    p_values = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240]
    p_values += [0.4262, 0.5719, 0.6528, 0.7590, 1.0]

    assert discoveries(p_values, tested=15) == 0.0095


@given(SHARES)
def test_many_intervals_are_those_of_one(of: tuple[int, int]) -> None:
    one = share(*of)

    low, high = wilson(np.array([of[0]]), np.array([of[1]]))

    assert one is not None
    assert (low[0], high[0]) == (pytest.approx(one.low, abs=1e-9), pytest.approx(one.high, abs=1e-9))
