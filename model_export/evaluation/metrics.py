"""How well scores agree with labels: what people ask of a classifier, and whether its probabilities are honest."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import accuracy_score, brier_score_loss, precision_recall_fscore_support, roc_auc_score

Floats = npt.NDArray[np.float64]

CALIBRATION_BINS = 15


@dataclass(frozen=True)
class ClassFigures:
    """Precision, recall and F1 of one class, and how many reviews have it."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class PolarityFigures:
    """Agreement of P(positive) with binary labels."""

    reviews: int
    accuracy: float
    positive: ClassFigures
    negative: ClassFigures
    macro_f1: float
    roc_auc: float
    brier: float
    expected_calibration_error: float

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def polarity_figures(scores: Sequence[float], labels: Sequence[float]) -> PolarityFigures:
    """Figures of ``scores`` = P(positive) against ``labels`` of 0 and 1.

    Raises:
        ValueError: there are no labels, or all are of one class.
    """
    score, label = np.asarray(scores, dtype=float), np.asarray(labels, dtype=int)
    if len(set(label.tolist())) < 2:
        raise ValueError("figures need reviews of both classes")
    predicted = (score >= 0.5).astype(int)
    precision, recall, f1, support = precision_recall_fscore_support(
        label, predicted, labels=[0, 1], zero_division=0
    )
    negative, positive = (
        ClassFigures(float(precision[c]), float(recall[c]), float(f1[c]), int(support[c])) for c in (0, 1)
    )
    return PolarityFigures(
        reviews=len(label),
        accuracy=float(accuracy_score(label, predicted)),
        positive=positive,
        negative=negative,
        macro_f1=(positive.f1 + negative.f1) / 2,
        roc_auc=float(roc_auc_score(label, score)),
        brier=float(brier_score_loss(label, score)),
        expected_calibration_error=expected_calibration_error(score, label.astype(float)),
    )


def expected_calibration_error(scores: Floats, labels: Floats) -> float:
    """Mean gap between probability and share of positives over equal bins (Naeini et al. 2015)."""
    bins = np.minimum((scores * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = [
        np.mean(bins == number) * abs(scores[bins == number].mean() - labels[bins == number].mean())
        for number in np.unique(bins)
    ]
    return float(sum(gaps))


def correlation(scores: Sequence[float], ratings: Sequence[float]) -> dict[str, float]:
    """Pearson and Spearman correlation of scores with human ratings."""
    return {
        "pearson": float(pearsonr(scores, ratings).statistic),
        "spearman": float(spearmanr(scores, ratings).statistic),
    }
