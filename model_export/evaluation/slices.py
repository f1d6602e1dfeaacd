"""Parts of the reviews: an average hides that a model fails one department or one kind of text."""

from collections import defaultdict
from collections.abc import Callable, Mapping

import numpy as np

from model_export.data.reviews import LabelledReview
from model_export.evaluation.bootstrap import Estimates
from model_export.evaluation.figures import Estimate, Slice
from model_export.evaluation.measured import Measured, is_positive
from model_export.evaluation.statistic import Bools, Floats, Statistics, classification

SMALL = 50
"""Reviews below which a slice is flagged: the interval of an accuracy of 0.9 is then some 17 points wide."""

MOST_OF_A_KIND = 20
"""Slices of one kind that are measured, the largest first."""

LENGTHS = ((100, "up to 100 characters"), (300, "101 to 300"), (1000, "301 to 1,000"))
LONGEST = "over 1,000"

STARS: Mapping[tuple[bool, float | None], str] = {
    (False, 1): "1 star",
    (False, 0): "2 stars",
    (True, 0): "4 stars",
    (True, 1): "5 stars",
}
"""By polarity (positive or not) and intensity."""

ORDER = [*(name for _, name in LENGTHS), LONGEST, *STARS.values()]
"""Of the slices that have one; others stand by size."""


def _length(review: LabelledReview) -> str:
    return next((name for most, name in LENGTHS if len(review.text) <= most), LONGEST)


def _stars(review: LabelledReview) -> str | None:
    return STARS.get((is_positive(review), review.intensity))


KINDS: Mapping[str, Callable[[LabelledReview], str | None]] = {
    "domain": lambda review: _unless_unknown(review.domain),
    "language": lambda review: review.language,
    "length": _length,
    "stars": _stars,
    "source": lambda review: _unless_unknown(review.source),
}
"""How a review is put into a slice of each kind; None: not known."""

Slices = dict[tuple[str, str], Bools]


def find_slices(measured: Measured) -> Slices:
    """The rows of each slice by kind and name; a kind of which all reviews are alike has none."""
    slices: Slices = {}
    for kind, name_of in KINDS.items():
        rows: dict[str, list[int]] = defaultdict(list)
        for row, review in enumerate(measured.reviews):
            if (name := name_of(review)) is not None:
                rows[name].append(row)
        if len(rows) < 2 and sum(map(len, rows.values())) == len(measured.reviews):
            continue
        largest = sorted(rows, key=lambda name: -len(rows[name]))[:MOST_OF_A_KIND]
        for name in sorted(largest, key=ORDER.index) if set(largest) <= set(ORDER) else largest:
            slices[kind, name] = np.isin(np.arange(len(measured.reviews)), rows[name])
    return slices


def slice_statistics(measured: Measured, slices: Slices, weights: Floats) -> Statistics:
    """Accuracy and macro F1 of each slice, under its number."""
    figures: dict[str, Floats] = {}
    for number, rows in enumerate(slices.values()):
        part = classification(weights[:, rows], measured.predicted[rows], measured.actual[rows])
        figures[f"slice_{number}_accuracy"] = part["accuracy"]
        figures[f"slice_{number}_macro_f1"] = part["macro_f1"]
    return figures


def read_slices(measured: Measured, slices: Slices, estimates: Estimates) -> tuple[Slice, ...]:
    """The estimates of ``slice_statistics`` by meaning."""
    return tuple(
        Slice(
            by=kind,
            name=name,
            reviews=int(rows.sum()),
            positive=int((rows & measured.actual).sum()),
            accuracy=_widened(estimates[f"slice_{number}_accuracy"], int(rows.sum())),
            macro_f1=estimates.get(f"slice_{number}_macro_f1"),
            small=bool(rows.sum() < SMALL),
        )
        for number, ((kind, name), rows) in enumerate(slices.items())
    )


def _widened(accuracy: Estimate, reviews: int) -> Estimate:
    """Where all are right, no resample differs; the exact interval does not end at one (Clopper, Pearson 1934)."""
    if accuracy.value < 1:
        return accuracy
    return Estimate(value=1.0, low=float(0.025 ** (1 / reviews)), high=1.0)


def _unless_unknown(name: str) -> str | None:
    return None if name == "unknown" else name
