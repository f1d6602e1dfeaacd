"""Training runs: what they train, when they stop, and what they go on from."""

import multiprocessing
import os
import shutil
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_bert
import torch
from safetensors.torch import load_file
from torch import Tensor

from model_export.data.reviews import LabelledReview
from model_export.networks.classifier import BatchNorm
from model_export.training.plan import TrainingPlan
from model_export.training.train import WEIGHTS_FILE, Step, load_checkpoint, train
from schemas.errors import ConfigurationError

REVIEWS = tiny_bert.reviews(64, seed=1)
PLAN = TrainingPlan(
    epochs=2,
    tokens_per_batch=256,
    max_length=tiny_bert.MAX_LENGTH,
    learning_rate=5e-3,
    save_steps=4,
    word_size=16,
    units=8,
    bf16=False,
)
SCRATCH_PLAN = replace(PLAN, architecture="textcnn")


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> TrainingPlan:
    """Of a tiny BERT."""
    return replace(PLAN, architecture=str(tiny_bert.write_base(tmp_path_factory.mktemp("base"))))


def weights(checkpoint: Path) -> dict[str, Tensor]:
    return dict(load_file(checkpoint / WEIGHTS_FILE))


def changed(checkpoint: Path, plan: TrainingPlan) -> set[str]:
    """Names of the encoder's weights that are no longer those of the pretrained folder."""
    before = load_file(Path(plan.architecture) / "model.safetensors")
    after = weights(checkpoint)
    return {name for name, value in before.items() if not torch.equal(after[f"encoder.{name}"], value)}


def test_full_training_changes_every_layer(plan: TrainingPlan, tmp_path: Path) -> None:
    result = train(REVIEWS, tmp_path, plan)

    assert {name.split(".layer.")[-1][0] for name in changed(tmp_path, plan)} >= {"0", "1", "e"}
    assert result.trained_parameters == result.parameters


def test_a_frozen_body_stays_as_it_was_and_the_head_learns(plan: TrainingPlan, tmp_path: Path) -> None:
    result = train(REVIEWS, tmp_path, replace(plan, mode="frozen"))

    assert changed(tmp_path, plan) == set()
    assert result.trained_parameters == 2 * 32 + 2


def test_frozen_layers_and_embeddings_stay_and_those_above_learn(plan: TrainingPlan, tmp_path: Path) -> None:
    train(REVIEWS, tmp_path, replace(plan, frozen_layers=1))

    assert changed(tmp_path, plan)
    assert all(".layer.1." in name for name in changed(tmp_path, plan))


def test_lora_trains_little_and_leaves_a_network_like_any_other(plan: TrainingPlan, tmp_path: Path) -> None:
    result = train(REVIEWS, tmp_path, replace(plan, mode="lora", lora_rank=2))

    names = changed(tmp_path, plan)
    assert {"query", "dense"} <= {name.split(".")[-2] for name in names}
    assert not any("LayerNorm" in name or "embeddings" in name for name in names)
    assert result.trained_parameters < result.parameters / 3
    load_checkpoint(tmp_path)  # refuses weights of other names


def test_the_lowest_layers_alone_are_kept_where_the_plan_says_so(plan: TrainingPlan, tmp_path: Path) -> None:
    train(REVIEWS, tmp_path, replace(plan, mode="frozen", layers=1))

    layers = {name.split(".layer.")[1][0] for name in weights(tmp_path) if ".layer." in name}
    assert layers == {"0"}
    before = load_file(Path(plan.architecture) / "model.safetensors")
    kept = load_checkpoint(tmp_path).encoder.state_dict()
    assert all(torch.equal(before[name], value) for name, value in kept.items())


def unlike(reviews: Sequence[LabelledReview]) -> list[LabelledReview]:
    """The same with the opposite labels: the better a network learns, the worse it does on these."""
    return [replace(review, polarity=1 - (review.polarity or 0), intensity=None) for review in reviews]


def test_a_run_whose_development_loss_rises_stops_and_keeps_the_best(
    plan: TrainingPlan, tmp_path: Path
) -> None:
    impatient = replace(plan, epochs=20, patience=2)

    result = train(REVIEWS, tmp_path, impatient, dev=unlike(REVIEWS))

    assert result.best_step is not None
    assert result.steps == result.best_step + 2 * 4 < 60
    best = tmp_path / "steps" / f"checkpoint-{result.best_step}" / "model.safetensors"
    kept = weights(tmp_path)
    assert all(torch.equal(kept[name], value) for name, value in load_file(best).items())


def test_the_development_loss_is_of_the_network_that_was_kept(plan: TrainingPlan, tmp_path: Path) -> None:
    result = train(REVIEWS, tmp_path, plan, dev=REVIEWS)

    again = train(REVIEWS, tmp_path, replace(plan, epochs=0.01, learning_rate=1e-12), dev=REVIEWS)
    assert result.dev_accuracy is not None
    assert again.dev_loss is not None
    assert result.dev_loss is not None
    assert result.dev_loss < again.dev_loss
    assert 0.4 < result.dev_accuracy <= 1


def test_every_step_is_told(plan: TrainingPlan, tmp_path: Path) -> None:
    told: list[Step] = []

    result = train(REVIEWS, tmp_path, plan, dev=REVIEWS, watch=told.append)

    assert [step.done for step in told] == list(range(1, result.steps + 1))
    assert {step.total for step in told} == {result.steps}
    assert told[0].loss is None
    assert told[-1].loss is not None
    assert told[-1].dev_loss is not None


def die_at(step: int, output: Path, plan: TrainingPlan) -> None:
    """A run that is killed as by ``kill -9``, in a process of its own."""

    def kill(told: Step) -> None:
        if told.done == step:
            os.kill(os.getpid(), signal.SIGKILL)

    torch.set_num_threads(1)
    train(REVIEWS, output, plan, dev=REVIEWS, watch=kill)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Sums that are shared out among threads round differently; the killed process has one too."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_a_run_killed_in_its_midst_goes_on_to_the_same_network(plan: TrainingPlan, tmp_path: Path) -> None:
    patient = replace(plan, patience=3)
    process = multiprocessing.get_context("spawn").Process(
        target=die_at, args=(6, tmp_path / "killed", patient)
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    told: list[Step] = []

    train(REVIEWS, tmp_path / "killed", patient, dev=REVIEWS, resume=True, watch=told.append)

    train(REVIEWS, tmp_path / "whole", patient, dev=REVIEWS)
    assert told[0].done == 5
    one, other = weights(tmp_path / "killed"), weights(tmp_path / "whole")
    assert all(torch.equal(one[name], other[name]) for name in other)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run from scratch, with all that it saved."""
    output = tmp_path_factory.mktemp("finished")
    train(REVIEWS, output, SCRATCH_PLAN)
    return output


def test_a_step_that_was_not_saved_whole_is_passed_over(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    earlier, last = sorted(
        (tmp_path / "steps").glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1])
    )
    (last / "trainer_state.json").write_bytes(b'{"best')
    told: list[Step] = []

    train(REVIEWS, tmp_path, SCRATCH_PLAN, resume=True, watch=told.append)

    assert f"checkpoint-{told[0].done - 1}" == earlier.name
    one, other = weights(tmp_path), weights(finished)
    assert all(torch.equal(one[name], other[name]) for name in other)


def test_a_run_does_not_go_on_by_another_plan(finished: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"began otherwise: seed was 7 and is 8"):
        train(REVIEWS, finished, replace(SCRATCH_PLAN, seed=8), resume=True)


def test_a_run_does_not_go_on_with_other_reviews(finished: Path) -> None:
    with pytest.raises(ConfigurationError, match="the reviews are others"):
        train(REVIEWS[1:], finished, SCRATCH_PLAN, resume=True)


def refusal(plan: TrainingPlan, output: Path) -> str:
    with pytest.raises(ConfigurationError) as refused:
        train(REVIEWS, output, plan)
    assert not output.exists()
    return str(refused.value)


def test_what_cannot_work_is_refused_before_anything_is_written(plan: TrainingPlan, tmp_path: Path) -> None:
    output = tmp_path / "output"

    assert "'no-such' is no architecture" in refusal(
        replace(plan, architecture=str(tmp_path / "no-such")), output
    ).replace(f"{tmp_path}/", "")
    assert "reads at most 24 tokens" in refusal(replace(plan, max_length=25), output)
    assert "frozen_layers 3" in refusal(replace(plan, frozen_layers=3), output)
    assert "stopping early needs development reviews" in refusal(replace(plan, patience=1), output)
    assert "trained from scratch" in refusal(replace(SCRATCH_PLAN, mode="lora"), output)
    assert "pooling and layers are of transformers" in refusal(replace(SCRATCH_PLAN, pooling="mean"), output)
    assert "pooling and layers are of transformers" in refusal(replace(SCRATCH_PLAN, layers=1), output)
    assert "layers 3: " in refusal(replace(plan, layers=3), output)


def test_a_batch_of_one_review_passes_batch_norm() -> None:
    norm = BatchNorm(4).train()
    vectors = torch.arange(4.0).reshape(1, 4)

    torch.testing.assert_close(
        norm(vectors), vectors, rtol=0, atol=1e-4
    )  # the running mean is 0, the variance 1
