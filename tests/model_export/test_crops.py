"""Crops: short training texts from long reviews."""

from dataclasses import replace
from pathlib import Path

import tiny_bert

from model_export.data.reviews import LabelledReview
from model_export.training.crops import LONGEST_CROP, crops
from model_export.training.train import TrainingPlan, train

LONG = LabelledReview("It came late. It was wet! Was it new? No. I sent it back.", 0.0, 1.0, domain="toys")
SENTENCES = ["It came late.", "It was wet!", "Was it new?", "No.", "I sent it back."]


def test_a_crop_is_consecutive_sentences_with_the_polarity_of_its_review() -> None:
    runs = {
        " ".join(SENTENCES[start : start + length])
        for length in range(1, LONGEST_CROP + 1)
        for start in range(len(SENTENCES) - length + 1)
    }

    drawn = crops([LONG], each=300, seed=1)

    assert {crop.text for crop in drawn} == runs
    assert {(crop.polarity, crop.domain) for crop in drawn} == {(0.0, "toys")}


def test_what_a_crop_says_of_the_intensity_is_unknown() -> None:
    assert {crop.intensity for crop in crops([LONG], each=5, seed=1)} == {None}


def test_short_reviews_and_those_without_polarity_give_none() -> None:
    short = LabelledReview("Good. Very good. Thanks.", 1.0, None)
    unknown = LabelledReview(LONG.text, None, 1.0)

    assert crops([short, unknown], each=5, seed=1) == []


def test_marks_without_a_letter_are_no_crop() -> None:
    review = LabelledReview("5/5. 10! 20! 30! Yes.", 1.0, None)

    assert all("Yes." in crop.text for crop in crops([review], each=100, seed=1))


def test_a_seed_draws_the_same_crops_again() -> None:
    assert crops([LONG], each=5, seed=1) == crops([LONG], each=5, seed=1) != crops([LONG], each=5, seed=2)


def test_a_run_trains_on_reviews_and_on_their_crops(tmp_path: Path) -> None:
    base = tiny_bert.write_base(tmp_path / "base")
    sentences = [review.text for review in tiny_bert.reviews(5, seed=1)]
    reviews = [LabelledReview(". ".join(sentences) + f" {number}.", number % 2, None) for number in range(8)]
    plan = TrainingPlan(architecture=str(base), max_length=24, tokens_per_batch=24, epochs=1)

    plain = train(reviews, tmp_path / "plain", plan)
    cropped = train(reviews, tmp_path / "cropped", replace(plan, crops=3))

    assert plain.steps == len(reviews)
    assert cropped.steps > 2 * plain.steps
