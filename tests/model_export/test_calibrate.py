"""What was put into synthetic logits is found again."""

import numpy as np
import pytest
from scipy.special import expit

from model_export.export.calibrate import RIGHT_SHARE, Floats, fit_bias, fit_review_threshold, fit_temperature

REVIEWS = 40_000


def honest(seed: int = 7) -> tuple[Floats, Floats]:
    """Logits of a calibrated network, and labels drawn with exactly those probabilities."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0.5, 2.0, REVIEWS)
    return logits, (generator.random(REVIEWS) < expit(logits)).astype(np.float64)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7, 4.0])
def test_a_known_temperature_is_recovered(temperature: float) -> None:
    logits, labels = honest()

    assert fit_temperature(logits * temperature, labels) == pytest.approx(temperature, rel=0.03)


def test_a_network_that_is_always_right_gets_the_lowest_temperature_it_may() -> None:
    labels = np.array([0.0, 1.0] * 50)

    assert fit_temperature(labels * 2 - 1, labels) == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("shift", [-1.5, 0.0, 0.8])
def test_the_bias_makes_the_mean_probability_the_share_of_positives(shift: float) -> None:
    logits, labels = honest()

    bias = fit_bias(logits - shift, labels)

    assert bias == pytest.approx(shift, abs=0.05)
    assert expit(logits - shift + bias).mean() == pytest.approx(labels.mean(), abs=1e-3)


def test_the_bias_has_bounds_where_all_labels_are_alike() -> None:
    assert fit_bias(np.zeros(10), np.ones(10)) == pytest.approx(3.0, abs=0.01)


def test_what_is_above_the_review_threshold_is_right_often_enough_and_no_lower_one_would_do() -> None:
    logits, labels = honest()
    scores = expit(logits)
    confidence, right = np.maximum(scores, 1 - scores), (scores >= 0.5) == (labels == 1)

    threshold = fit_review_threshold(scores, labels)

    assert right[confidence >= threshold].mean() >= RIGHT_SHARE
    assert right[confidence >= threshold - 0.01].mean() < RIGHT_SHARE
    assert 0.5 < threshold < 0.99


def test_a_network_that_is_always_right_flags_nothing() -> None:
    assert fit_review_threshold(np.array([0.51, 0.49]), np.array([1.0, 0.0])) == 0.5


def test_a_network_that_is_confidently_wrong_flags_nearly_everything() -> None:
    assert fit_review_threshold(np.array([0.995, 0.005]), np.array([0.0, 1.0])) == 0.99


def test_a_threshold_by_hand() -> None:
    scores = np.array([0.55, 0.4, 0.7, 0.2, 0.9])  # confidences 0.55, 0.6, 0.7, 0.8, 0.9
    labels = np.array([0.0, 1.0, 1.0, 0.0, 1.0])  # the first two are wrong

    assert fit_review_threshold(scores, labels) == pytest.approx(0.61)
