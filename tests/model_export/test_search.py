"""The search for a plan goes on where it was, and its best plan can be trained by."""

from pathlib import Path

import pytest
import tiny_bert

from model_export.training.plan import TrainingPlan, make_plan, read_plan
from model_export.training.search import BEST_PLAN_FILE, RATE_SPREAD, search

REVIEWS, DEV = tiny_bert.reviews(48, seed=1), tiny_bert.reviews(24, seed=2)
PLAN = TrainingPlan(
    architecture="textcnn",
    epochs=1,
    learning_rate=1e-2,
    max_length=tiny_bert.MAX_LENGTH,
    tokens_per_batch=512,
    word_size=8,
    word_passes=0,
    units=4,
    bf16=False,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("search")


def test_a_search_tries_the_given_plan_first_and_others_when_it_goes_on(folder: Path) -> None:
    tried: list[int] = []
    first = search(REVIEWS, DEV, folder, PLAN, trials=1)

    more = search(REVIEWS, DEV, folder, PLAN, trials=3, watch=lambda trial, _: tried.append(trial))

    assert first.plan == PLAN
    assert (more.finished + more.pruned, set(tried)) == (3, {1, 2})
    assert more.dev_loss <= first.dev_loss


def test_the_best_plan_is_written_and_lies_within_the_space(folder: Path) -> None:
    best = make_plan(read_plan(folder / BEST_PLAN_FILE))

    assert 1 / RATE_SPREAD <= best.learning_rate / PLAN.learning_rate <= RATE_SPREAD
    assert (best.architecture, best.save_steps) == (PLAN.architecture, PLAN.save_steps)


def test_nothing_but_the_plan_and_the_record_stays_on_disk(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {BEST_PLAN_FILE, "search.db"}
