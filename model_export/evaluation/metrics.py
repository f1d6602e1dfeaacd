"""Plain figures without intervals, for use while training: agreement of scores with labels."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from model_export.evaluation import statistic
from model_export.evaluation.statistic import Floats


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
    score, actual = np.asarray(scores, dtype=float), np.asarray(labels) == 1
    if actual.all() or not actual.any():
        raise ValueError("figures need reviews of both classes")
    once = np.ones((1, len(score)))
    figures = {
        name: float(np.nan_to_num(value[0]))
        for name, value in statistic.classification(once, score >= 0.5, actual).items()
    }
    positive, negative = (
        ClassFigures(
            precision=figures[f"precision_{name}"],
            recall=figures[f"recall_{name}"],
            f1=figures[f"f1_{name}"],
            support=int(rows.sum()),
        )
        for name, rows in (("positive", actual), ("negative", ~actual))
    )
    return PolarityFigures(
        reviews=len(score),
        accuracy=figures["accuracy"],
        positive=positive,
        negative=negative,
        macro_f1=(positive.f1 + negative.f1) / 2,
        roc_auc=float(statistic.roc_auc(once, score, actual)[0]),
        brier=float(statistic.brier(once, score, actual)[0]),
        expected_calibration_error=expected_calibration_error(score, actual.astype(float)),
    )


def expected_calibration_error(scores: Floats, labels: Floats) -> float:
    """Mean gap between probability and share of positives over equal bins (Naeini et al. 2015)."""
    return float(statistic.calibration_error(np.ones((1, len(scores))), scores, labels)[0])
