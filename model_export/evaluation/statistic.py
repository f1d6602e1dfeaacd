"""Figures as functions of weights: one call gives a figure on every resample at once.

A bootstrap resample is a weight for each review: how often it was drawn. Every function here takes weights of shape
(resamples, reviews) and returns (resamples,); weights of one give the figure itself. scikit-learn and scipy compute the
same figures one resample at a time, which takes minutes for what takes a second here; the tests hold both together.
NaN stands where a figure is not defined, such as the precision of a class that is never predicted.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Statistics = Mapping[str, Floats]

CALIBRATION_BINS = 15
"""As in Guo et al. 2017."""


def classification(weights: Floats, predicted: Bools, actual: Bools, prefix: str = "") -> dict[str, Floats]:
    """Accuracy; precision, recall and F1 of both classes and their means (macro).

    Args:
        weights: (resamples, reviews).
        predicted: the label given is positive, (reviews,).
        actual: the label of the data is positive, (reviews,).
        prefix: of the names of the figures.
    """
    kinds = np.stack(
        [predicted & actual, predicted & ~actual, ~predicted & ~actual, ~predicted & actual], axis=1
    )
    tp, fp, tn, fn = (weights @ kinds.astype(float)).T
    figures = {
        "accuracy": ratio(tp + tn, tp + fp + tn + fn),
        "precision_positive": ratio(tp, tp + fp),
        "recall_positive": ratio(tp, tp + fn),
        "f1_positive": ratio(2 * tp, 2 * tp + fp + fn),
        "precision_negative": ratio(tn, tn + fn),
        "recall_negative": ratio(tn, tn + fp),
        "f1_negative": ratio(2 * tn, 2 * tn + fn + fp),
    }
    for name in ("precision", "recall", "f1"):
        figures[f"macro_{name}"] = (figures[f"{name}_positive"] + figures[f"{name}_negative"]) / 2
    return {prefix + name: values for name, values in figures.items()}


def roc_auc(weights: Floats, scores: Floats, actual: Bools) -> Floats:
    """Probability that a positive review scores above a negative one, ties counting half (Mann-Whitney)."""
    order, starts = _runs(scores)
    positive = np.add.reduceat(weights[:, order] * actual[order], starts, axis=1)
    negative = np.add.reduceat(weights[:, order] * ~actual[order], starts, axis=1)
    below = negative.cumsum(axis=1) - negative / 2
    return ratio((positive * below).sum(axis=1), positive.sum(axis=1) * negative.sum(axis=1))


def brier(weights: Floats, scores: Floats, actual: Bools) -> Floats:
    """Mean squared difference of probability and label (Brier 1950)."""
    return ratio(weights @ (scores - actual) ** 2, weights.sum(axis=1))


def calibration_error(weights: Floats, scores: Floats, actual: Bools | Floats) -> Floats:
    """Mean gap between probability and share of positives over equal bins (ECE; Naeini et al. 2015)."""
    gaps = weights @ (bin_members(scores) * (scores - actual)[:, None])
    return ratio(np.abs(gaps).sum(axis=1), weights.sum(axis=1))


def bin_members(scores: Floats) -> Floats:
    """(reviews, ``CALIBRATION_BINS``), 1.0 where a review belongs to a bin."""
    bins = np.minimum((scores * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    members: Floats = np.eye(CALIBRATION_BINS)[bins]
    return members


def pearson(weights: Floats, one: Floats, other: Floats) -> Floats:
    """Linear correlation."""
    return _correlation(weights, np.broadcast_to(one, weights.shape), np.broadcast_to(other, weights.shape))


def spearman(weights: Floats, one: Floats, other: Floats) -> Floats:
    """Correlation of ranks; ties share their mean rank."""
    return _correlation(weights, _ranks(weights, one), _ranks(weights, other))


def ratio(part: Floats, whole: Floats) -> Floats:
    """``part / whole``, NaN where there is no whole."""
    quotient: Floats = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
    return quotient


def _correlation(weights: Floats, one: Floats, other: Floats) -> Floats:
    total = weights.sum(axis=1, keepdims=True)
    one = one - (weights * one).sum(axis=1, keepdims=True) / total
    other = other - (weights * other).sum(axis=1, keepdims=True) / total
    spread = (weights * one**2).sum(axis=1) * (weights * other**2).sum(axis=1)
    return ratio((weights * one * other).sum(axis=1), np.sqrt(spread))


def _ranks(weights: Floats, values: Floats) -> Floats:
    """Mean ranks within each resample, (resamples, reviews)."""
    order, starts = _runs(values)
    drawn = np.add.reduceat(weights[:, order], starts, axis=1)
    middle = drawn.cumsum(axis=1) - (drawn - 1) / 2
    run_of_place = np.zeros(len(order), dtype=int)
    run_of_place[starts[1:]] = 1
    ranks = np.empty(weights.shape)
    ranks[:, order] = middle[:, run_of_place.cumsum()]
    return ranks


def _runs(values: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The rising order of ``values``, and where each run of equal ones starts in it."""
    order = np.argsort(values, kind="stable")
    rising = values[order]
    starts = np.flatnonzero(np.concatenate([[True], rising[1:] != rising[:-1]]))
    return order, starts
