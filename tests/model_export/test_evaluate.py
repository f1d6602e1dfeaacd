"""From labelled reviews and a way to score them to every figure, and what cannot be measured is refused first."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Never

import fake_model
import numpy as np
import pytest

from model_export.data.reviews import LabelledReview
from model_export.evaluation.bootstrap import Bootstrap
from model_export.evaluation.calibration import error_by_chance, uncalibrated
from model_export.evaluation.evaluate import LabelledFile, RatedFile, evaluate
from model_export.evaluation.figures import Evaluation
from model_export.evaluation.measured import expected_stars
from schemas.errors import TrainingDataError

QUICK = Bootstrap(resamples=200)
RATED = RatedFile(
    "rated.jsonl", [(f"{'good' if n % 3 else 'poor'} number {n}", n % 3 - 1.0) for n in range(30)]
)


def refuses_to_score(texts: Sequence[str]) -> Never:
    raise AssertionError(f"{len(texts)} texts were scored")


@pytest.fixture(scope="module")
def figures() -> Evaluation:
    return evaluate(fake_model.MODEL, fake_model.labelled_file(fake_model.reviews()), RATED, bootstrap=QUICK)[
        0
    ]


def test_every_figure_lies_in_its_interval(figures: Evaluation) -> None:
    accuracy = figures.polarity.accuracy

    assert accuracy.value == pytest.approx(0.9)
    assert accuracy.low < 0.9 < accuracy.high
    assert figures.polarity.confusion.false_positive == 8
    assert figures.polarity.negative.recall is not None
    assert figures.polarity.negative.recall.value == pytest.approx(32 / 40)


def test_products_are_resampled_where_they_are_known(figures: Evaluation) -> None:
    assert figures.method.resampled == "products"
    assert figures.subject.products == 40


def test_a_slice_shows_where_the_errors_are(figures: Evaluation) -> None:
    by_domain = {part.name: part for part in figures.slices if part.by == "domain"}

    assert by_domain["tents"].accuracy.value == 0.0
    assert by_domain["tents"].small
    assert by_domain["books"].accuracy.value == 1.0
    assert not by_domain["books"].small


def test_no_error_in_a_slice_is_no_proof_that_there_is_none(figures: Evaluation) -> None:
    books = next(part for part in figures.slices if part.name == "books")

    assert books.accuracy.low == pytest.approx(0.025 ** (1 / 72))


def test_a_kind_of_which_all_are_alike_has_no_slices(figures: Evaluation) -> None:
    assert {part.by for part in figures.slices} == {"domain", "stars"}


def test_stars_are_ordered_and_cover_both_heads(figures: Evaluation) -> None:
    names = [part.name for part in figures.slices if part.by == "stars"]

    assert names == ["1 star", "2 stars", "4 stars", "5 stars"]
    assert figures.intensity is not None
    assert figures.intensity.accuracy.value == pytest.approx(figures.intensity.strong_share)


def test_what_is_flagged_and_what_is_not_is_told_apart(figures: Evaluation) -> None:
    assert figures.needs_review.share.value == pytest.approx(12 / 80)
    assert figures.needs_review.accuracy_of_the_rest is not None


def test_the_score_is_compared_with_ratings(figures: Evaluation) -> None:
    assert figures.ratings is not None
    assert figures.ratings.texts == 30
    assert figures.ratings.spearman.value == pytest.approx(0.866, abs=0.01)


@pytest.mark.parametrize(
    ("score", "intensity_score", "stars"),
    [(1.0, 1.0, 5.0), (1.0, 0.0, 4.0), (0.0, 0.0, 2.0), (0.0, 1.0, 1.0), (0.5, 0.3, 3.0)],
)
def test_both_heads_together_are_a_number_of_stars(
    score: float, intensity_score: float, stars: float
) -> None:
    sentiment = fake_model.sentiment(score, intensity_score)

    assert expected_stars(sentiment) == pytest.approx(stars)


def test_the_figures_survive_their_json(figures: Evaluation) -> None:
    assert Evaluation.model_validate_json(figures.model_dump_json()) == figures
    assert figures.schema_version == 1


def test_no_text_of_a_review_is_among_the_figures(figures: Evaluation) -> None:
    assert "number 11" not in figures.model_dump_json()


def test_dividing_by_the_temperature_is_undone() -> None:
    logits = np.array([-3.0, -0.2, 0.0, 4.0])
    scores = 1 / (1 + np.exp(-logits / 0.7))

    assert uncalibrated(scores, 0.7) == pytest.approx(1 / (1 + np.exp(-logits)))


def test_honest_scores_have_an_error_by_chance_that_more_reviews_make_smaller() -> None:
    few, many = (error_by_chance(np.linspace(0, 1, count), seed=1) for count in (200, 5_000))

    assert 0.05 < few < 0.15
    assert many == pytest.approx(few / 5, rel=0.25)


@pytest.mark.parametrize("polarity", [1.0, 0.0])
def test_one_class_only_is_refused_before_anything_is_scored(polarity: float) -> None:
    rows = [LabelledReview(f"text {number}", polarity, None) for number in range(50)]

    with pytest.raises(TrainingDataError, match="at least 10 of each"):
        evaluate(replace(fake_model.MODEL, score=refuses_to_score), fake_model.labelled_file(rows))


def test_too_few_reviews_are_refused_before_anything_is_scored() -> None:
    with pytest.raises(TrainingDataError, match="5 positive and 5 negative"):
        evaluate(
            replace(fake_model.MODEL, score=refuses_to_score),
            fake_model.labelled_file(fake_model.reviews(10)),
        )


@pytest.mark.parametrize("rated", [[("a", 0.5)] * 3, [("a", 0.5)] * 50])
def test_ratings_that_nothing_can_correlate_with_are_refused_first(rated: list[tuple[str, float]]) -> None:
    model = replace(fake_model.MODEL, score=refuses_to_score)
    data: LabelledFile = fake_model.labelled_file(fake_model.reviews())

    with pytest.raises(TrainingDataError, match=r"rated\.jsonl"):
        evaluate(model, data, RatedFile("rated.jsonl", rated))
