"""The published label and score against the labels of the data, and what handing the doubtful to a person does."""

import numpy as np
from sklearn.metrics import roc_curve

from model_export.evaluation.bootstrap import Estimates
from model_export.evaluation.figures import ClassFigures, Confusion, Curves, NeedsReview, Polarity
from model_export.evaluation.measured import Measured
from model_export.evaluation.statistic import Floats, Statistics, classification, ratio, roc_auc

HISTOGRAM_BINS = 20
ROC_POINTS = 101


def polarity_statistics(measured: Measured, weights: Floats) -> Statistics:
    """Figures of the label and the score, and of the flag ``needs_review``."""
    right = measured.predicted == measured.actual
    rest = ~measured.flagged
    return {
        **classification(weights, measured.predicted, measured.actual),
        "roc_auc": roc_auc(weights, measured.scores, measured.actual),
        "flagged": ratio(weights @ measured.flagged, weights.sum(axis=1)),
        "accuracy_of_the_rest": ratio(weights @ (right & rest), weights @ rest),
        "accuracy_of_the_flagged": ratio(weights @ (right & measured.flagged), weights @ measured.flagged),
    }


def read_polarity(measured: Measured, estimates: Estimates) -> Polarity:
    """The estimates of ``polarity_statistics`` by meaning."""
    predicted, actual = measured.predicted, measured.actual

    def of_class(name: str, support: int) -> ClassFigures:
        precision, recall, f1 = (
            estimates.get(f"{figure}_{name}") for figure in ("precision", "recall", "f1")
        )
        return ClassFigures(precision=precision, recall=recall, f1=f1, support=support)

    return Polarity(
        accuracy=estimates["accuracy"],
        positive=of_class("positive", int(actual.sum())),
        negative=of_class("negative", int((~actual).sum())),
        macro_precision=estimates.get("macro_precision"),
        macro_recall=estimates.get("macro_recall"),
        macro_f1=estimates.get("macro_f1"),
        roc_auc=estimates["roc_auc"],
        confusion=Confusion(
            true_positive=int((predicted & actual).sum()),
            false_positive=int((predicted & ~actual).sum()),
            true_negative=int((~predicted & ~actual).sum()),
            false_negative=int((~predicted & actual).sum()),
        ),
    )


def read_needs_review(estimates: Estimates) -> NeedsReview:
    """The estimates of the flag."""
    return NeedsReview(
        share=estimates["flagged"],
        accuracy_of_the_rest=estimates.get("accuracy_of_the_rest"),
        accuracy_of_the_flagged=estimates.get("accuracy_of_the_flagged"),
    )


def curves(measured: Measured) -> Curves:
    """Points of the ROC curve, and how many reviews of each class have which score."""
    false_rate, true_rate, _ = roc_curve(measured.actual, measured.scores)
    grid = np.linspace(0, 1, ROC_POINTS)
    roc = [(0.0, 0.0), *zip(grid.tolist(), np.interp(grid, false_rate, true_rate).tolist(), strict=True)]

    def histogram(scores: Floats) -> tuple[int, ...]:
        return tuple(np.histogram(scores, bins=HISTOGRAM_BINS, range=(0, 1))[0].tolist())

    return Curves(
        roc=tuple(roc),
        histogram_negative=histogram(measured.scores[~measured.actual]),
        histogram_positive=histogram(measured.scores[measured.actual]),
    )
