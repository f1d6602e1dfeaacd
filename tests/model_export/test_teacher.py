"""A teacher: what it says becomes the target, is asked for once, and reaches texts that have no label."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_bert
import torch
from click.testing import CliRunner
from tokenizers import Tokenizer

from console.training import train as train_command
from model_export.data.prepare import Choices, Given, prepare
from model_export.data.report import Fate
from model_export.data.reviews import LabelledReview
from model_export.data.tokens import TextEncoder
from model_export.export.bundle import BundleDescription, export
from model_export.export.variants import Advance, torch_logits
from model_export.training.batches import pad
from model_export.training.plan import TrainingPlan
from model_export.training.teacher import TEACHER_FILE, Teacher, open_teacher, soft_labels, taught
from model_export.training.train import Step, load_checkpoint, train
from schemas.errors import ConfigurationError

REVIEWS = tiny_bert.reviews(64, seed=1)
WORDS = BundleDescription("tiny", "A test.", "random", "Apache-2.0", "made up")


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> TrainingPlan:
    return TrainingPlan(
        architecture=str(tiny_bert.write_base(tmp_path_factory.mktemp("base"))),
        epochs=8,
        tokens_per_batch=256,
        max_length=tiny_bert.MAX_LENGTH,
        learning_rate=5e-3,
        encoder_dropout=0.0,
        bf16=False,
    )


@pytest.fixture(scope="module")
def checkpoint(plan: TrainingPlan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that knows good from bad."""
    output = tmp_path_factory.mktemp("teacher")
    train(REVIEWS, output, plan)
    return output


class Counting:
    """Answers with the number of tokens, and counts the texts it was asked about."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, token_ids: Sequence[Sequence[int]], advance: Advance) -> np.ndarray:
        self.asked += len(token_ids)
        advance(len(token_ids))
        return np.array([[len(ids), -len(ids)] for ids in token_ids], dtype=np.float64)


def counting(base: str) -> tuple[Teacher, Counting]:
    network = Counting()
    tokenizer = Tokenizer.from_file(f"{base}/tokenizer.json")
    return Teacher(TextEncoder(tokenizer, tiny_bert.MAX_LENGTH), network), network


def test_a_target_is_mixed_of_label_and_teacher_and_where_there_is_no_label_the_teachers(
    plan: TrainingPlan, tmp_path: Path
) -> None:
    teacher, _ = counting(plan.architecture)
    positive, negative = torch.sigmoid(torch.tensor([5.0, -5.0])).tolist()  # of three words and two marks
    labelled, unknown = LabelledReview("the tent is", 0.0, 1.0), LabelledReview("the tent is", None, None)

    one, other = taught([labelled, unknown], teacher, 0.25, tmp_path / TEACHER_FILE)

    assert (one.polarity, one.intensity) == pytest.approx((0.25 * positive, 0.75 + 0.25 * negative))
    assert (other.polarity, other.intensity) == pytest.approx((positive, negative))
    assert one.text == labelled.text


def test_what_the_teacher_has_said_is_not_asked_for_again(plan: TrainingPlan, tmp_path: Path) -> None:
    texts, cache = [review.text for review in REVIEWS], tmp_path / TEACHER_FILE
    first, _ = counting(plan.architecture)
    told: list[tuple[int, int]] = []
    whole = soft_labels(texts, first, cache, lambda done, total: told.append((done, total)))
    np.save(cache, whole[:40])  # as a kill leaves it
    second, network = counting(plan.architecture)

    again = soft_labels(texts, second, cache, lambda _done, _total: None)

    assert network.asked == 24
    np.testing.assert_array_equal(again, whole)
    assert told == [(64, 64)]


def test_a_bundle_says_what_its_checkpoint_says(plan: TrainingPlan, checkpoint: Path, tmp_path: Path) -> None:
    export(checkpoint, REVIEWS, tmp_path / "bundle", WORDS, max_length=tiny_bert.MAX_LENGTH)
    texts = [review.text for review in REVIEWS]

    of_checkpoint, of_bundle = (
        soft_labels(texts, open_teacher(folder, plan), tmp_path / f"{folder.name}.npy", lambda *_: None)
        for folder in (checkpoint, tmp_path / "bundle")
    )

    # The bundle is calibrated, so its probabilities are others; who is likelier stays.
    for head in (0, 1):
        assert np.corrcoef(of_checkpoint[:, head], of_bundle[:, head])[0, 1] > 0.98


def unlike(reviews: Sequence[LabelledReview]) -> list[LabelledReview]:
    return [replace(review, polarity=1 - (review.polarity or 0), intensity=None) for review in reviews]


def right(checkpoint: Path) -> float:
    """Share of other reviews whose polarity the network tells."""
    others = tiny_bert.reviews(40, seed=2)
    encoder = TextEncoder.from_folder(checkpoint, tiny_bert.MAX_LENGTH)
    logits = torch_logits(load_checkpoint(checkpoint), encoder.encode([review.text for review in others]), 0)
    return float(
        np.mean([(row[0] >= 0) == review.polarity for row, review in zip(logits, others, strict=True)])
    )


def test_a_student_believes_its_teacher_as_far_as_it_shall(
    plan: TrainingPlan, checkpoint: Path, tmp_path: Path
) -> None:
    student = replace(plan, layers=1, teacher=str(checkpoint))
    unknown = [replace(review, polarity=None, intensity=None) for review in REVIEWS]

    train(unlike(REVIEWS), tmp_path / "believes", replace(student, teacher_share=1.0))
    train(unlike(REVIEWS), tmp_path / "doubts", replace(student, teacher_share=0.0))
    train(unknown, tmp_path / "unlabelled", student)

    assert right(tmp_path / "believes") > 0.9
    assert right(tmp_path / "doubts") < 0.1
    assert right(tmp_path / "unlabelled") > 0.9


def test_a_students_vectors_point_where_its_teachers_do(
    plan: TrainingPlan, checkpoint: Path, tmp_path: Path
) -> None:
    student = replace(plan, layers=1, teacher=str(checkpoint))

    train(REVIEWS, tmp_path / "free", student)
    train(REVIEWS, tmp_path / "drawn", replace(student, teacher_vectors=2.0))

    assert likeness(tmp_path / "drawn", checkpoint) > likeness(tmp_path / "free", checkpoint) + 0.1


def likeness(one: Path, other: Path) -> float:
    """Mean cosine of their vectors of other reviews."""
    encoder = TextEncoder.from_folder(one, tiny_bert.MAX_LENGTH)
    texts = encoder.encode([review.text for review in tiny_bert.reviews(40, seed=2)])
    with torch.no_grad():
        vectors = [
            load_checkpoint(folder).eval().read(*pad(texts, encoder.pad_id)) for folder in (one, other)
        ]
    return float(torch.cosine_similarity(*vectors).mean())


def test_a_teacher_without_vectors_that_can_be_learned_is_refused(
    plan: TrainingPlan, checkpoint: Path, tmp_path: Path
) -> None:
    alone = replace(plan, teacher_vectors=0.4)
    wordy = tiny_bert.write_base(tmp_path / "wordy", words=len(tiny_bert.VOCABULARY) + 1)
    tokenizer = Tokenizer.from_file(str(wordy / "tokenizer.json"))
    tokenizer.add_tokens(["lantern"])
    tokenizer.save(str(wordy / "tokenizer.json"))

    with pytest.raises(ConfigurationError, match="only a checkpoint"):
        train(REVIEWS, tmp_path / "output", alone)
    with pytest.raises(ConfigurationError, match="another tokenizer"):
        train(
            REVIEWS,
            tmp_path / "output",
            replace(alone, architecture=str(wordy), teacher=str(checkpoint)),
        )


def test_a_run_killed_after_its_teacher_spoke_goes_on_without_asking(
    plan: TrainingPlan, checkpoint: Path, tmp_path: Path
) -> None:
    student = replace(plan, teacher=str(checkpoint), epochs=1)
    told: list[Step] = []

    def die(step: Step) -> None:
        told.append(step)
        if step.what == "training":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(REVIEWS, tmp_path, student, watch=die)
    assert (told[-2].what, told[-2].done, told[-2].total) == ("asking the teacher", 64, 64)

    told.clear()
    train(REVIEWS, tmp_path, student, resume=True, watch=told.append)

    assert {step.what for step in told} == {"training"}


def test_the_teacher_reads_crops_too(plan: TrainingPlan, checkpoint: Path, tmp_path: Path) -> None:
    sentences = ". ".join(review.text for review in REVIEWS[:5])
    reviews = [LabelledReview(f"{sentences} {number}.", None, None) for number in range(6)]
    told: list[Step] = []

    train(reviews, tmp_path, replace(plan, teacher=str(checkpoint), crops=3, epochs=1), watch=told.append)

    assert next(step.total for step in told if step.what == "asking the teacher") == 6 + 6 * 3


def test_a_folder_that_is_no_teacher_is_refused(plan: TrainingPlan, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"teacher .*: neither a checkpoint"):
        train(REVIEWS, tmp_path / "output", replace(plan, teacher=str(tmp_path)))

    assert not (tmp_path / "output").exists()


def rows(reviews: Sequence[LabelledReview], *, labels: bool) -> str:
    lines = [f"{review.text},{review.polarity:.0f}" if labels else review.text for review in reviews]
    return "\n".join(["text,label" if labels else "text", *lines]) + "\n"


def test_unlabelled_reviews_are_trained_on_unless_they_stand_elsewhere_with_a_label(tmp_path: Path) -> None:
    labelled, unlabelled = tmp_path / "labelled.csv", tmp_path / "unlabelled.csv"
    labelled.write_text(rows(REVIEWS, labels=True))
    others = tiny_bert.reviews(30, seed=3)
    unlabelled.write_text(rows([*REVIEWS[:8], *others], labels=False))

    prepared = prepare(
        Given([labelled], unlabelled=[unlabelled]), choices=Choices(dev_share=0, held_out_share=0)
    )

    training = prepared.part(Fate.TRAINING)
    without = [review.text for review in training if review.polarity is None]
    assert len(training) - len(without) == len(REVIEWS)
    assert set(without) == {review.text for review in others}


def test_unlabelled_reviews_without_a_teacher_are_refused_before_they_are_read(tmp_path: Path) -> None:
    outcome = CliRunner().invoke(
        train_command,
        ["--data", "none.csv", "--unlabelled", "none.csv", "--output", str(tmp_path / "output")],
    )

    assert outcome.exit_code == 2
    assert "--unlabelled needs a --teacher" in outcome.output
