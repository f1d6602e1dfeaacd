"""Intervals are as wide as theory says, and know which reviews belong together."""

import math
from functools import partial

import numpy as np
import pytest

from model_export.evaluation.bootstrap import FEWEST_GROUPS, Bootstrap, group_rows
from model_export.evaluation.figures import Estimate
from model_export.evaluation.statistic import Bools, Floats, Statistics, calibration_error

RIGHT = np.arange(400) % 10 != 0
"""Nine of ten."""


def mean_of(values: Floats, groups: np.ndarray, bootstrap: Bootstrap) -> Estimate:
    def statistics(weights: Floats) -> Statistics:
        return {"mean": weights @ values / weights.sum(axis=1)}

    return bootstrap.estimates(statistics, groups)["mean"]


def test_the_interval_of_a_share_is_that_of_the_normal_approximation() -> None:
    estimate = mean_of(RIGHT.astype(float), np.arange(400), Bootstrap(2000))

    half = 1.96 * math.sqrt(0.9 * 0.1 / 400)
    assert estimate.value == pytest.approx(0.9)
    assert estimate.low == pytest.approx(0.9 - half, abs=0.006)
    assert estimate.high == pytest.approx(0.9 + half, abs=0.006)


def test_reviews_that_stand_and_fall_together_tell_less() -> None:
    groups = np.repeat(np.arange(100), 4)
    values = (groups % 10 != 0).astype(float)

    alone, together = (mean_of(values, rows, Bootstrap(2000)) for rows in (np.arange(400), groups))

    assert together.high - together.low == pytest.approx(2 * (alone.high - alone.low), rel=0.2)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    values, rows = RIGHT.astype(float), np.arange(400)

    assert mean_of(values, rows, Bootstrap(200, seed=1)) == mean_of(values, rows, Bootstrap(200, seed=1))
    assert mean_of(values, rows, Bootstrap(200, seed=1)) != mean_of(values, rows, Bootstrap(200, seed=2))


def test_a_figure_that_noise_makes_larger_does_not_drag_its_interval_along() -> None:
    """Scores are two points too extreme: plain percentiles held that in none of 200 such draws, these in 164."""
    generator = np.random.default_rng(5)
    true_error = 0.02 * 14 / 15  # in the middle bin the two halves cancel out
    held = 0
    for _ in range(20):
        scores = generator.random(1000)
        positive = generator.random(1000) < scores - 0.02 * np.sign(scores - 0.5)
        statistics = partial(ece_of, scores, positive)
        estimate = Bootstrap(200).estimates(statistics, np.arange(1000))["ece"]
        held += estimate.low <= true_error <= estimate.high

    assert held >= 12


def ece_of(scores: Floats, positive: Bools, weights: Floats) -> Statistics:
    return {"ece": calibration_error(weights, scores, positive)}


def test_an_interval_does_not_leave_the_range_of_shares() -> None:
    estimate = mean_of(np.r_[np.zeros(1), np.ones(49)], np.arange(50), Bootstrap(500))

    assert 0.9 < estimate.low < estimate.value == 0.98
    assert estimate.high == 1.0


def test_a_figure_that_is_not_defined_is_left_out() -> None:
    rows = np.arange(40)

    assert Bootstrap(100).estimates(lambda weights: {"none": np.full(len(weights), np.nan)}, rows) == {}


def test_progress_ends_at_all_resamples() -> None:
    told: list[tuple[int, int]] = []

    Bootstrap(300).estimates(
        lambda weights: {"total": weights.sum(axis=1)}, np.arange(5_000), lambda *done: told.append(done)
    )

    assert told[-1] == (300, 300)
    assert [done for done, _ in told] == sorted({done for done, _ in told})


def test_reviews_of_one_product_are_one_group_and_those_of_none_stand_alone() -> None:
    products = [f"p{number}" for number in range(FEWEST_GROUPS)]

    groups, by_product = group_rows([*products, *products, None, None])

    assert by_product
    assert (groups[:FEWEST_GROUPS] == groups[FEWEST_GROUPS : 2 * FEWEST_GROUPS]).all()
    assert groups[-1] != groups[-2]
    assert sorted(set(groups.tolist())) == list(range(FEWEST_GROUPS + 2))


def test_too_few_products_to_resample_leave_reviews_alone() -> None:
    groups, by_product = group_rows(["a", "b"] * 50)

    assert not by_product
    assert groups.tolist() == list(range(100))
