"""One evaluation, from labelled reviews and a way to score texts to every figure of the report."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from model_export.data.reviews import LabelledReview
from model_export.evaluation.bootstrap import Bootstrap
from model_export.evaluation.calibration import calibration_statistics, read_calibration
from model_export.evaluation.counterfactuals import load_attributes, try_swaps
from model_export.evaluation.figures import Evaluation, HumanRatings, IntensityOnStars, Method, Subject
from model_export.evaluation.measured import (
    FEWEST_OF_A_CLASS,
    Measured,
    OnProgress,
    Score,
    expected_stars,
    score_all,
    silent,
    with_polarity,
)
from model_export.evaluation.perturbations import perturb
from model_export.evaluation.polarity import curves, polarity_statistics, read_needs_review, read_polarity
from model_export.evaluation.probes import try_probes
from model_export.evaluation.references import ReferenceScores, read_references, reference_statistics
from model_export.evaluation.slices import find_slices, read_slices, slice_statistics
from model_export.evaluation.statistic import Floats, Statistics, classification, pearson, roc_auc, spearman
from model_export.evaluation.texts import languages
from schemas.errors import TrainingDataError

FEWEST_RATED = 20
"""A correlation of fewer texts than this has an interval that says nothing."""


@dataclass(frozen=True)
class Model:
    """The bundle under evaluation: how it scores, and what its manifest says."""

    score: Score
    name: str
    version: str
    description: str
    temperature: float
    """Of the polarity head."""


@dataclass(frozen=True)
class LabelledFile:
    """What is measured on."""

    name: str
    sha256: str | None
    reviews: Sequence[LabelledReview]


@dataclass(frozen=True)
class RatedFile:
    """Texts with people's ratings of their sentiment."""

    name: str
    rated: Sequence[tuple[str, float]]


References = Callable[[Sequence[LabelledReview]], Sequence[ReferenceScores]]
"""Fits and applies what the bundle is compared with, to the reviews that are measured."""


def evaluate(
    model: Model,
    data: LabelledFile,
    rated: RatedFile | None = None,
    references: References | None = None,
    bootstrap: Bootstrap | None = None,
    on_progress: OnProgress = silent,
) -> tuple[Evaluation, Measured]:
    """Measure a bundle as it is served; every interval of the labelled reviews comes from the same resamples.

    Args:
        model: what is measured.
        data: labelled reviews.
        rated: for the correlation with human ratings.
        references: for the comparison.
        bootstrap: resamples and seed.
        on_progress: told what is being done and how far it is.

    Returns:
        The figures, and each review with its sentiment.

    Raises:
        TrainingDataError: one class only, or too few reviews or ratings; before anything is scored.
    """
    bootstrap = bootstrap or Bootstrap()
    usable = with_polarity(data.reviews)
    _check_rated(rated)
    texts = [review.text for review in usable]
    compared = references(usable) if references is not None else ()
    measured = Measured(usable, score_all(model.score, texts, "scoring", on_progress))
    slices = find_slices(measured)
    groups, by_product = measured.groups

    def statistics(weights: Floats) -> Statistics:
        return {
            **polarity_statistics(measured, weights),
            **calibration_statistics(measured, model.temperature, weights),
            **slice_statistics(measured, slices, weights),
            **reference_statistics(measured, compared, weights),
        }

    estimates = bootstrap.estimates(
        statistics, groups, lambda done, total: on_progress("resampling", done, total)
    )
    language = _language(usable)
    tried = language in languages()
    figures = Evaluation(
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        subject=Subject(
            model=model.name,
            version=model.version,
            description=model.description,
            file=data.name,
            sha256=data.sha256,
            reviews=len(usable),
            products=len({review.product_id for review in usable} - {None}),
            left_out=len(data.reviews) - len(usable),
        ),
        method=Method(
            resamples=bootstrap.resamples,
            seed=bootstrap.seed,
            resampled="products" if by_product else "reviews",
        ),
        polarity=read_polarity(measured, estimates),
        needs_review=read_needs_review(estimates),
        calibration=read_calibration(measured, model.temperature, estimates, bootstrap.seed),
        intensity=intensity_on_stars(measured, bootstrap),
        ratings=None if rated is None else human_ratings(rated, model.score, bootstrap, on_progress),
        slices=read_slices(measured, slices, estimates),
        references=read_references(compared, estimates),
        counterfactuals=try_swaps(load_attributes(language), model.score, bootstrap, on_progress)
        if tried
        else (),
        probes=try_probes(language, model.score, on_progress) if tried else (),
        perturbations=perturb(measured, model.score, bootstrap, on_progress),
        curves=curves(measured),
    )
    return figures, measured


def intensity_on_stars(measured: Measured, bootstrap: Bootstrap) -> IntensityOnStars | None:
    """The intensity head on reviews with stars; None where too few of either kind are known."""
    known = measured.part(np.array([review.intensity is not None for review in measured.reviews]))
    strong = np.array([review.intensity == 1 for review in known.reviews], dtype=bool)
    if min(strong.sum(), (~strong).sum()) < FEWEST_OF_A_CLASS:
        return None

    def statistics(weights: Floats) -> Statistics:
        return {
            **classification(weights, known.predicted_strong, strong),
            "roc_auc": roc_auc(weights, known.intensity_scores, strong),
        }

    estimates = bootstrap.estimates(statistics, known.groups[0])
    return IntensityOnStars(
        reviews=len(known.reviews),
        strong_share=float(strong.mean()),
        accuracy=estimates["accuracy"],
        strong_f1=estimates.get("f1_positive"),
        roc_auc=estimates["roc_auc"],
    )


def human_ratings(
    rated: RatedFile, score: Score, bootstrap: Bootstrap, on_progress: OnProgress = silent
) -> HumanRatings:
    """Correlation of P(positive), and of the stars that both heads expect, with ratings."""
    sentiments = score_all(score, [text for text, _ in rated.rated], "scoring rated texts", on_progress)
    scores = np.array([sentiment.score for sentiment in sentiments])
    stars = np.array([expected_stars(sentiment) for sentiment in sentiments])
    ratings = np.array([rating for _, rating in rated.rated])

    def statistics(weights: Floats) -> Statistics:
        return {
            "pearson": pearson(weights, scores, ratings),
            "spearman": spearman(weights, scores, ratings),
            "stars_pearson": pearson(weights, stars, ratings),
            "stars_spearman": spearman(weights, stars, ratings),
        }

    estimates = bootstrap.estimates(
        statistics,
        np.arange(len(ratings)),
        lambda done, total: on_progress("resampling ratings", done, total),
    )
    return HumanRatings(
        file=rated.name,
        texts=len(ratings),
        pearson=estimates["pearson"],
        spearman=estimates["spearman"],
        stars_pearson=estimates["stars_pearson"],
        stars_spearman=estimates["stars_spearman"],
    )


def _check_rated(rated: RatedFile | None) -> None:
    if rated is None:
        return
    if len(rated.rated) < FEWEST_RATED:
        raise TrainingDataError(
            f"{rated.name}: {len(rated.rated)} rated texts; correlation needs {FEWEST_RATED}"
        )
    if len({rating for _, rating in rated.rated}) < 2:
        raise TrainingDataError(
            f"{rated.name}: all texts have the same rating, so nothing can correlate with it"
        )


def _language(reviews: Sequence[LabelledReview]) -> str:
    """The commonest language of the reviews, without region; English where none is known."""
    known = Counter(review.language.lower().split("-")[0] for review in reviews if review.language)
    return known.most_common(1)[0][0] if known else "en"
