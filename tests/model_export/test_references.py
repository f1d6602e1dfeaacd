"""What the bundle is compared with learns from the training reviews, and from none of the measured texts."""

from pathlib import Path

import fake_model
import numpy as np
import pytest
import tiny_bert

from model_export.data.reviews import LabelledReview
from model_export.evaluation.bootstrap import Bootstrap
from model_export.evaluation.evaluate import evaluate
from model_export.evaluation.references import bag_of_words, frozen_encoder, training_reviews
from schemas.errors import TrainingDataError

TRAIN = tiny_bert.reviews(200, seed=1)
MEASURED = tiny_bert.reviews(60, seed=2)
TEXTS = [review.text for review in MEASURED]
POSITIVE = np.array([review.polarity == 1 for review in MEASURED])


def test_counting_words_learns_the_words_that_tell() -> None:
    reference = bag_of_words(TRAIN, TEXTS)

    assert ((reference.scores >= 0.5) == POSITIVE).mean() > 0.9
    assert reference.trained_on == 200


def test_words_of_languages_without_spaces_are_counted_by_character() -> None:
    train = [
        LabelledReview(f"这个东西{'好用' if n % 2 else '难看'}得很{'啊吧呢'[n % 3]}", float(n % 2), None)
        for n in range(60)
    ]

    scores = bag_of_words(train, ["真好用", "太难看"]).scores

    assert scores[0] > 0.5 > scores[1]


def test_the_frozen_encoder_is_used_as_it_is(tmp_path: Path) -> None:
    base = str(tiny_bert.write_base(tmp_path))

    one, again = (frozen_encoder(base, TRAIN, TEXTS, seed=1).scores for _ in range(2))

    assert (one == again).all()
    assert ((one >= 0.5) == POSITIVE).mean() > 0.6


def test_measured_texts_are_left_out_of_the_training_reviews() -> None:
    kept = training_reviews([*TRAIN, *MEASURED], MEASURED)

    assert {review.text for review in kept} == {review.text for review in TRAIN} - set(TEXTS)


def test_training_reviews_of_one_class_are_refused() -> None:
    with pytest.raises(TrainingDataError, match="training data, less the measured texts"):
        training_reviews([review for review in TRAIN if review.polarity == 1], MEASURED)


def test_the_gain_is_the_difference_of_the_accuracies() -> None:
    rows = fake_model.reviews()
    figures, _ = evaluate(
        fake_model.MODEL,
        fake_model.labelled_file(rows),
        references=lambda measured: [bag_of_words(rows, [review.text for review in measured])],
        bootstrap=Bootstrap(200),
    )
    (reference,) = figures.references

    gain = figures.polarity.accuracy.value - reference.accuracy.value
    assert reference.accuracy_gain.value == pytest.approx(gain)
