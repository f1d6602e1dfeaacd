"""Figures that can be computed by hand."""

import json

import numpy as np
import pytest

from model_export.evaluation import statistic
from model_export.evaluation.metrics import (
    ClassFigures,
    expected_calibration_error,
    polarity_figures,
)

SCORES = [0.9, 0.8, 0.3, 0.6]
LABELS = [1.0, 1.0, 0.0, 0.0]
"""The last one is wrong."""


def test_polarity_figures_by_hand() -> None:
    figures = polarity_figures(SCORES, LABELS)

    assert figures.reviews == 4
    assert figures.accuracy == 0.75
    assert figures.positive == ClassFigures(pytest.approx(2 / 3), 1.0, pytest.approx(0.8), 2)
    assert figures.negative == ClassFigures(1.0, 0.5, pytest.approx(2 / 3), 2)
    assert figures.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)
    assert figures.roc_auc == 1.0
    assert figures.brier == pytest.approx((0.01 + 0.04 + 0.09 + 0.36) / 4)
    assert figures.expected_calibration_error == pytest.approx((0.1 + 0.2 + 0.3 + 0.6) / 4)


def test_a_score_of_one_half_counts_as_positive() -> None:
    assert polarity_figures([0.5, 0.49], [1.0, 0.0]).accuracy == 1.0


def test_a_class_that_is_never_predicted_has_no_precision() -> None:
    assert polarity_figures([0.9, 0.9], [1.0, 0.0]).negative == ClassFigures(0.0, 0.0, 0.0, 1)


@pytest.mark.parametrize("labels", [[], [1.0, 1.0], [0.0]])
def test_figures_of_one_class_are_refused(labels: list[float]) -> None:
    with pytest.raises(ValueError, match="both classes"):
        polarity_figures([0.5] * len(labels), labels)


def test_figures_can_be_written_as_json() -> None:
    written = json.loads(json.dumps(polarity_figures(SCORES, LABELS).as_dict()))

    assert written["positive"]["support"] == 2


def test_the_calibration_error_weighs_bins_by_their_reviews() -> None:
    scores = np.array([0.71, 0.72, 0.73, 1.0])  # the first three share a bin of a fifteenth
    labels = np.array([1.0, 1.0, 0.0, 1.0])

    assert expected_calibration_error(scores, labels) == pytest.approx(0.75 * (0.72 - 2 / 3))


@pytest.mark.parametrize("score", [0.0, 1.0])
def test_certainty_that_is_right_has_no_calibration_error(score: float) -> None:
    assert expected_calibration_error(np.array([score] * 3), np.array([score] * 3)) == 0.0


def correlations(scores: list[float], ratings: list[float]) -> dict[str, float]:
    """Of a single sample in which each text counts once."""
    sample = np.ones((1, len(scores))), np.array(scores), np.array(ratings)
    return {"pearson": statistic.pearson(*sample)[0], "spearman": statistic.spearman(*sample)[0]}


def test_correlation_by_hand() -> None:
    figures = correlations([1.0, 2.0, 3.0, 4.0], [1.0, 3.0, 2.0, 4.0])

    assert figures == {"pearson": pytest.approx(0.8), "spearman": pytest.approx(0.8)}


def test_any_rising_relation_has_full_rank_correlation() -> None:
    figures = correlations([1.0, 2.0, 3.0], [1.0, 10.0, 1000.0])

    assert figures["spearman"] == pytest.approx(1.0)
    assert figures["pearson"] < 0.9
