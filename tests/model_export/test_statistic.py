"""The vectorised figures are those of scikit-learn and scipy, and a weight of two is a review that stands twice."""

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import brier_score_loss, precision_recall_fscore_support, roc_auc_score

from model_export.evaluation import statistic

GENERATOR = np.random.default_rng(3)
ACTUAL = GENERATOR.random(60) < 0.6
SCORES = np.round(np.clip(0.5 * ACTUAL + 0.6 * GENERATOR.random(60), 0, 1), 1)
"""Rounded, so that many are tied."""
PREDICTED = SCORES >= 0.5
WEIGHTS = GENERATOR.integers(0, 3, size=(4, 60)).astype(float)
ROWS = [np.repeat(np.arange(60), weights.astype(int)) for weights in WEIGHTS]
"""What each resample holds, row by row."""


def test_precision_recall_and_f1_are_those_of_scikit_learn() -> None:
    figures = statistic.classification(WEIGHTS, PREDICTED, ACTUAL)

    for resample, rows in enumerate(ROWS):
        expected = precision_recall_fscore_support(ACTUAL[rows], PREDICTED[rows], labels=[False, True])
        for name, values in zip(("precision", "recall", "f1"), expected, strict=False):
            assert figures[f"{name}_negative"][resample] == pytest.approx(values[0])
            assert figures[f"{name}_positive"][resample] == pytest.approx(values[1])
            assert figures[f"macro_{name}"][resample] == pytest.approx(values.mean())


def test_accuracy_is_the_share_of_right_labels() -> None:
    accuracy = statistic.classification(WEIGHTS, PREDICTED, ACTUAL)["accuracy"]

    assert accuracy == pytest.approx([np.mean(PREDICTED[rows] == ACTUAL[rows]) for rows in ROWS])


def test_roc_area_and_brier_score_are_those_of_scikit_learn() -> None:
    areas = [roc_auc_score(ACTUAL[rows], SCORES[rows]) for rows in ROWS]
    briers = [brier_score_loss(ACTUAL[rows], SCORES[rows]) for rows in ROWS]

    assert statistic.roc_auc(WEIGHTS, SCORES, ACTUAL) == pytest.approx(areas)
    assert statistic.brier(WEIGHTS, SCORES, ACTUAL) == pytest.approx(briers)


def test_correlations_are_those_of_scipy() -> None:
    ratings = GENERATOR.integers(-3, 4, size=60).astype(float)

    pearson = [pearsonr(SCORES[rows], ratings[rows]).statistic for rows in ROWS]
    spearman = [spearmanr(SCORES[rows], ratings[rows]).statistic for rows in ROWS]
    assert statistic.pearson(WEIGHTS, SCORES, ratings) == pytest.approx(pearson)
    assert statistic.spearman(WEIGHTS, SCORES, ratings) == pytest.approx(spearman)


def test_a_figure_that_divides_by_nothing_is_not_a_number() -> None:
    once = np.ones((1, 2))
    never = np.array([False, False])

    figures = statistic.classification(once, predicted=never, actual=never)

    assert np.isnan(figures["precision_positive"]).all()
    assert np.isnan(figures["macro_f1"]).all()
    assert np.isnan(statistic.roc_auc(once, np.array([0.1, 0.2]), never)).all()
