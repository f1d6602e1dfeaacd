"""Training on the int8 grid: what it begins with, and that the export takes its weights as they are."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import tiny_bert
import torch
from onnx import numpy_helper
from safetensors.torch import load_file, save_file
from torch import Tensor

from model_export.data.tokens import TextEncoder
from model_export.export.bundle import BundleDescription, export
from model_export.export.grid import GRID_FILE, Grid
from model_export.export.int8 import quantise_int8
from model_export.export.onnx_graph import export_fp32
from model_export.export.rounding import LARGEST_STEP
from model_export.export.variants import torch_logits
from model_export.networks.classifier import ReviewClassifier
from model_export.networks.design import HeadDesign
from model_export.training.mean import write_mean
from model_export.training.plan import TrainingPlan
from model_export.training.quantise import put_on_grid, settle_on_grid
from model_export.training.train import WEIGHTS_FILE, load_checkpoint, train
from model_export.training.warm_start import BUNDLE_FILE, begin_with, dequantised
from schemas.errors import BundleError, ConfigurationError

REVIEWS = tiny_bert.reviews(64, seed=1)
HELD_OUT = tiny_bert.reviews(40, seed=2)
WORDS = BundleDescription("tiny", "A test.", "random", "Apache-2.0", "made up")
TABLE, PRODUCT = "encoder.embeddings.word_embeddings", "encoder.encoder.layer.1.output.dense"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert.write_base(tmp_path_factory.mktemp("base"), words=80)


@pytest.fixture(scope="module")
def plan(base: Path) -> TrainingPlan:
    return TrainingPlan(
        architecture=str(base),
        epochs=2,
        tokens_per_batch=256,
        max_length=tiny_bert.MAX_LENGTH,
        learning_rate=5e-3,
        hidden_units=16,
        save_steps=4,
        bf16=False,
    )


@pytest.fixture(scope="module")
def in_float(plan: TrainingPlan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint as any training ends."""
    output = tmp_path_factory.mktemp("float")
    train(REVIEWS, output, plan)
    return output


@pytest.fixture(scope="module")
def aware(plan: TrainingPlan, in_float: Path) -> TrainingPlan:
    return replace(plan, begin_with=str(in_float), quantise_aware=True, learning_rate=1e-3)


@pytest.fixture(scope="module")
def on_grid(aware: TrainingPlan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That checkpoint trained further on its grid."""
    output = tmp_path_factory.mktemp("grid")
    train(REVIEWS, output, aware)
    return output


@pytest.fixture(scope="module")
def bundle(on_grid: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("bundles") / "bundle"
    export(on_grid, HELD_OUT, output, WORDS, max_length=tiny_bert.MAX_LENGTH)
    return output


def token_ids(checkpoint: Path) -> list[list[int]]:
    encoder = TextEncoder.from_folder(checkpoint, tiny_bert.MAX_LENGTH)
    return encoder.encode([review.text for review in HELD_OUT])


def arrays(path: Path) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}


def weights(checkpoint: Path) -> dict[str, Tensor]:
    return dict(load_file(checkpoint / WEIGHTS_FILE))


def step_of(grid: Grid) -> Tensor:
    """Of each weight of the product that the tests look at, (outputs, channels)."""
    product = grid.products[PRODUCT]
    return torch.from_numpy(product.scales)[:, None] / torch.from_numpy(product.divisors)


def test_a_run_begins_where_the_export_would_have_rounded(in_float: Path, tmp_path: Path) -> None:
    network, rounded = load_checkpoint(in_float), load_checkpoint(in_float)
    seen = token_ids(in_float)
    export_fp32(network, tmp_path / "fp32.onnx")
    quantise_int8(tmp_path / "fp32.onnx", tmp_path / BUNDLE_FILE, seen)
    begin_with(rounded, tmp_path)

    put_on_grid(network, seen)

    of_training, of_export = torch_logits(network, seen, 0), torch_logits(rounded, seen, 0)
    np.testing.assert_allclose(of_training, of_export, atol=1e-5)
    assert np.abs(of_training - torch_logits(load_checkpoint(in_float), seen, 0)).max() > 1e-4


def test_float_weights_begin_as_near_to_the_old_ones_as_their_rounded_values_allow(in_float: Path) -> None:
    network = load_checkpoint(in_float)
    old = weights(in_float)[f"{PRODUCT}.weight"]

    put_on_grid(network, token_ids(in_float))

    began = network.get_submodule(PRODUCT).parametrizations["weight"].original.detach().clone()
    grid = settle_on_grid(network)
    assert grid is not None
    step = step_of(grid)
    within_reach = ((old - network.get_submodule(PRODUCT).weight) / step).abs() < 0.49
    assert 0.3 < within_reach.float().mean() < 1  # rounding whose errors cancel is not always to the nearest
    torch.testing.assert_close(began[within_reach], old[within_reach])


def test_training_moves_weights_from_step_to_step(in_float: Path, on_grid: Path) -> None:
    before = load_checkpoint(in_float)
    put_on_grid(before, token_ids(in_float))
    settle_on_grid(before)
    step = step_of(Grid.load(on_grid))

    after = weights(on_grid)[f"{PRODUCT}.weight"] / step

    assert (after - after.round()).abs().max() < 1e-4
    assert after.abs().max() <= LARGEST_STEP + 1e-4
    moved = (after.round() != (before.get_submodule(PRODUCT).weight / step).round()).float().mean()
    assert 0.02 < moved < 0.98


def test_the_bundle_holds_the_steps_and_scales_of_the_training(on_grid: Path, bundle: Path) -> None:
    grid, trained = Grid.load(on_grid), weights(on_grid)
    held = arrays(bundle / BUNDLE_FILE)
    scales = {name: array for name, array in held.items() if name.endswith("_scale")}

    assert len(grid.products) == 2 * 6 + 1  # and the wide layer of the head
    assert set(grid.tables) == {TABLE}
    for product in grid.products.values():
        assert any(np.array_equal(product.scales, array) for array in scales.values())
    table = held[f"network.{TABLE}.weight_int8"]
    rows = grid.tables[TABLE][:, None]
    np.testing.assert_array_equal(held[f"network.{TABLE}.weight_scales"], rows)
    np.testing.assert_array_equal(table * rows, trained[f"{TABLE}.weight"].numpy())
    for name, weight in dequantised(onnx.load(bundle / BUNDLE_FILE).graph).items():
        if name != "heads.bias":  # the export moves it
            torch.testing.assert_close(weight, trained[name], rtol=1e-6, atol=0)


def test_int8_differs_from_the_trained_network_by_its_activations_alone(
    base: Path, in_float: Path, on_grid: Path, bundle: Path, tmp_path: Path
) -> None:
    def error(checkpoint: Path, bundle: Path) -> float:
        """How far the weights of the bundle, in float again, take the logit of the intensity: that of the polarity is moved."""
        network = ReviewClassifier.from_pretrained(base, head=HeadDesign(hidden_units=16)).eval()
        begin_with(network, bundle)
        seen = token_ids(checkpoint)
        moved = torch_logits(network, seen, 0) - torch_logits(load_checkpoint(checkpoint), seen, 0)
        return float(np.abs(moved[:, 1]).max())

    export(in_float, HELD_OUT, tmp_path / "plain", WORDS, max_length=tiny_bert.MAX_LENGTH)
    assert error(on_grid, bundle) < 1e-5
    assert error(in_float, tmp_path / "plain") > 1e-4


def test_weights_that_have_left_the_grid_are_refused(on_grid: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(on_grid, changed)
    moved = {
        name: tensor + 1e-4 if name == f"{PRODUCT}.weight" else tensor
        for name, tensor in weights(on_grid).items()
    }
    save_file(moved, changed / WEIGHTS_FILE)

    with pytest.raises(BundleError, match=rf"weights of {PRODUCT} are not on the int8 grid"):
        export(changed, HELD_OUT, tmp_path / "bundle", WORDS, max_length=tiny_bert.MAX_LENGTH)


def test_a_killed_run_goes_on_on_the_same_grid(aware: TrainingPlan, on_grid: Path, tmp_path: Path) -> None:
    shutil.copytree(on_grid / "steps", tmp_path / "steps")
    steps = sorted((tmp_path / "steps").glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    shutil.rmtree(steps[-1])

    train(REVIEWS, tmp_path, aware, resume=True)

    again, whole = weights(tmp_path), weights(on_grid)
    assert all(torch.equal(again[name], whole[name]) for name in whole)


def test_a_run_in_float_leaves_no_older_grid_behind(
    plan: TrainingPlan, on_grid: Path, tmp_path: Path
) -> None:
    shutil.copytree(on_grid, tmp_path, dirs_exist_ok=True)

    train(REVIEWS, tmp_path, replace(plan, epochs=0.1))

    assert not (tmp_path / GRID_FILE).exists()


def test_the_mean_of_checkpoints_stands_on_no_grid(on_grid: Path, tmp_path: Path) -> None:
    write_mean([on_grid, on_grid], tmp_path / "mean")

    assert Grid.load(tmp_path / "mean") == Grid()


@pytest.mark.parametrize("changes", [{"begin_with": None}, {"mode": "lora"}, {"mode": "frozen"}])
def test_only_all_weights_of_a_trained_network_go_on_on_a_grid(
    aware: TrainingPlan, tmp_path: Path, changes: dict[str, str | None]
) -> None:
    with pytest.raises(ConfigurationError, match="quantise_aware is the end of a training"):
        train(REVIEWS, tmp_path / "output", replace(aware, **changes))

    assert not (tmp_path / "output").exists()


def test_a_network_off_its_grid_again_is_like_any_other(in_float: Path) -> None:
    network: ReviewClassifier = load_checkpoint(in_float)
    names = set(network.state_dict())
    put_on_grid(network, token_ids(in_float))
    on_it = torch_logits(network, token_ids(in_float), 0)

    settle_on_grid(network)

    assert set(network.state_dict()) == names
    np.testing.assert_array_equal(torch_logits(network, token_ids(in_float), 0), on_it)
