"""k-fold cross-validation: how good networks of one plan are on products that they have not seen, and how much that varies."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean, stdev

from scipy.special import expit

from model_export.data.reviews import LabelledReview
from model_export.data.splits import Ints, folds
from model_export.data.tokens import TextEncoder
from model_export.evaluation.metrics import PolarityFigures, polarity_figures
from model_export.export.variants import torch_logits
from model_export.training.checkpoint import load_checkpoint
from model_export.training.plan import TrainingPlan
from model_export.training.train import Step, train

RESULT_FILE = "cross-validation.json"
FIGURES = ("accuracy", "macro_f1", "roc_auc", "brier", "expected_calibration_error")


@dataclass(frozen=True)
class Spread:
    """A figure over the folds."""

    mean: float
    deviation: float
    """Standard deviation of the folds, of a sample: how far the next run may be off."""
    least: float
    most: float


@dataclass(frozen=True)
class CrossValidation:
    """Figures of each fold's network on the fold that it has not seen, before calibration."""

    folds: list[PolarityFigures]

    def spreads(self) -> dict[str, Spread]:
        values = {name: [getattr(fold, name) for fold in self.folds] for name in FIGURES}
        return {name: Spread(mean(of), stdev(of), min(of), max(of)) for name, of in values.items()}

    def to_json(self) -> str:
        spreads = {name: spread.__dict__ for name, spread in self.spreads().items()}
        return (
            json.dumps({"figures": spreads, "folds": [fold.as_dict() for fold in self.folds]}, indent=2)
            + "\n"
        )


def cross_validate(
    reviews: Sequence[LabelledReview],
    groups: Ints,
    output: Path,
    plan: TrainingPlan,
    *,
    count: int,
    watch: Callable[[int, Step], None] = lambda fold, step: None,  # noqa: ARG005 -- nobody watches
) -> CrossValidation:
    """Train ``count`` networks, each without one fold, and measure each on that fold. Networks are not kept.

    Nothing is chosen on a fold that is measured: no network is stopped early, the last one is taken.

    Args:
        reviews: all of them, filtered.
        groups: equal for reviews that one fold must hold together: int64 (reviews,).
        output: folder for the figures, and for the network at work.
        plan: of every network.
        count: of folds, at least 2.
        watch: told of every step, with the number of the fold from 0.

    Raises:
        TrainingDataError: too few reviews or products for so many folds.
    """
    fold_of = folds(reviews, groups, count, plan.seed)
    figures = []
    for number in range(count):
        inside = (fold_of == number).tolist()
        rest = [review for review, measured in zip(reviews, inside, strict=True) if not measured]
        unseen = [
            review
            for review, measured in zip(reviews, inside, strict=True)
            if measured and review.polarity is not None
        ]
        work = output / f"fold-{number + 1}"
        train(rest, work, plan, watch=partial(watch, number))
        figures.append(_figures(work, unseen, plan.max_length))
        shutil.rmtree(work)
    result = CrossValidation(figures)
    output.mkdir(parents=True, exist_ok=True)
    (output / RESULT_FILE).write_text(result.to_json())
    return result


def _figures(checkpoint: Path, reviews: Sequence[LabelledReview], max_length: int) -> PolarityFigures:
    encoder = TextEncoder.from_folder(checkpoint, max_length)
    token_ids = encoder.encode([review.text for review in reviews])
    logits = torch_logits(load_checkpoint(checkpoint), token_ids, encoder.pad_id)
    labels = [float((review.polarity or 0.0) >= 0.5) for review in reviews]
    return polarity_figures(expit(logits[:, 0]).tolist(), labels)
