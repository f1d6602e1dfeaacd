"""Cross-validation measures every review once, by a network that has not seen its product, and says how much folds differ."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_bert

from model_export.training.cross_validation import RESULT_FILE, CrossValidation, cross_validate
from model_export.training.plan import TrainingPlan

COUNT = 3


@pytest.fixture(scope="module")
def validated(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[CrossValidation, Path, list[tuple[int, int]]]:
    """A plan that learns too little in its time, on 60 reviews of 20 products."""
    base = tiny_bert.write_base(tmp_path_factory.mktemp("base"))
    reviews = [
        replace(row, product_id=f"p{number // 3}") for number, row in enumerate(tiny_bert.reviews(60, seed=1))
    ]
    plan = TrainingPlan(
        architecture=str(base), epochs=1, tokens_per_batch=256, max_length=tiny_bert.MAX_LENGTH, bf16=False
    )
    output, steps = tmp_path_factory.mktemp("validated"), list[tuple[int, int]]()
    groups = np.arange(60) // 3
    result = cross_validate(
        reviews, groups, output, plan, count=COUNT, watch=lambda fold, step: steps.append((fold, step.done))
    )
    return result, output, steps


def test_every_review_is_measured_once(
    validated: tuple[CrossValidation, Path, list[tuple[int, int]]],
) -> None:
    assert sum(fold.reviews for fold in validated[0].folds) == 60
    assert len(validated[0].folds) == COUNT


def test_figures_are_written_and_networks_are_not_kept(
    validated: tuple[CrossValidation, Path, list[tuple[int, int]]],
) -> None:
    result, output, _ = validated

    assert [path.name for path in output.iterdir()] == [RESULT_FILE]
    written = json.loads((output / RESULT_FILE).read_text())
    assert written["figures"]["accuracy"]["mean"] == result.spreads()["accuracy"].mean
    assert len(written["folds"]) == COUNT


def test_steps_of_every_fold_are_told(validated: tuple[CrossValidation, Path, list[tuple[int, int]]]) -> None:
    assert {fold for fold, _ in validated[2]} == set(range(COUNT))


def test_the_spread_is_that_of_the_folds(
    validated: tuple[CrossValidation, Path, list[tuple[int, int]]],
) -> None:
    result = validated[0]
    accuracies = [fold.accuracy for fold in result.folds]
    spread = result.spreads()["accuracy"]

    assert spread.mean == pytest.approx(np.mean(accuracies))
    assert spread.deviation == pytest.approx(np.std(accuracies, ddof=1))
    assert (spread.least, spread.most) == (min(accuracies), max(accuracies))
