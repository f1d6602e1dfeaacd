"""Int8 of networks: what each step against the error of rounding does."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import ModelProto, numpy_helper
from onnxruntime.quantization import quantize_dynamic
from torch import Tensor, nn

from model_export.export.activations import largest_values, moments
from model_export.export.int8 import quantise_int8
from model_export.export.onnx_graph import export_fp32
from model_export.export.rounding import LARGEST_STEP, choose_scales, round_weights
from model_export.export.smoothing import USUAL_SHARE, smooth
from model_export.export.tables import quantise_tables
from model_export.export.variants import onnx_logits

WORDS, CHANNELS, OUTLIER_CHANNEL, OUTLIER_FACTOR = 300, 64, 5, 60.0
GENERATOR = np.random.default_rng(3)
REVIEWS = [GENERATOR.integers(0, WORDS, size=length).tolist() for length in (3, 9, 17, 30, 41, 60)]


class OutlierNetwork(nn.Module):
    """An embedding, a product whose input has one outlier channel, and two logits, as a BERT in small."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.embedding = nn.Embedding(WORDS, CHANNELS)
        with torch.no_grad():
            self.embedding.weight[:, OUTLIER_CHANNEL] *= OUTLIER_FACTOR
            self.embedding.weight[0] *= 50  # a rare word with large values, as trained tables have them
        self.middle = nn.Linear(CHANNELS, CHANNELS)
        self.heads = nn.Linear(CHANNELS, 2)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        hidden = torch.tanh(self.middle(self.embedding(input_ids)))
        mask = attention_mask.unsqueeze(-1).float()
        logits: Tensor = self.heads((hidden * mask).sum(dim=1) / mask.sum(dim=1))
        return logits


class WordVote(nn.Module):
    """Each word votes, as in a bag of words: the head's product is the only one, and it has one row a review."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, CHANNELS)
        self.heads = nn.Linear(CHANNELS, 2)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        mask = attention_mask.unsqueeze(-1).float()
        logits: Tensor = self.heads((self.embedding(input_ids) * mask).sum(dim=1) / mask.sum(dim=1))
        return logits


@pytest.fixture(scope="module")
def fp32(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("outliers") / "fp32.onnx"
    export_fp32(OutlierNetwork(), path)
    return path


def error(path: Path, fp32: Path) -> float:
    """Root of the mean square by which logits of ``path`` differ."""
    return float(np.sqrt(np.mean((onnx_logits(path, REVIEWS) - onnx_logits(fp32, REVIEWS)) ** 2)))


def array(model: ModelProto, name: str) -> np.ndarray:
    (tensor,) = (tensor for tensor in model.graph.initializer if tensor.name == name)
    return numpy_helper.to_array(tensor)


def test_smoothing_divides_the_outlier_channel_and_leaves_the_function_as_it_is(
    fp32: Path, tmp_path: Path
) -> None:
    model = onnx.load(fp32)
    (activation,) = largest_values(model, REVIEWS)

    assert list(smooth(model, REVIEWS)) == [activation]

    onnx.save(model, tmp_path / "smoothed.onnx")
    np.testing.assert_allclose(
        onnx_logits(tmp_path / "smoothed.onnx", REVIEWS), onnx_logits(fp32, REVIEWS), atol=1e-5
    )
    (before,), (after,) = (largest_values(network, REVIEWS).values() for network in (onnx.load(fp32), model))
    assert before.max() == before[OUTLIER_CHANNEL] > 10 * np.median(before)
    assert after[OUTLIER_CHANNEL] == pytest.approx(np.quantile(before, USUAL_SHARE))


def test_a_network_without_outliers_gets_no_multiplication(tmp_path: Path) -> None:
    network = OutlierNetwork()
    nn.init.uniform_(network.embedding.weight, -1, 1)
    export_fp32(network, tmp_path / "even.onnx")
    model = onnx.load(tmp_path / "even.onnx")

    assert smooth(model, REVIEWS) == {}
    assert model == onnx.load(tmp_path / "even.onnx")


def test_each_row_of_a_table_is_as_exact_as_its_own_values_allow(fp32: Path) -> None:
    model = onnx.load(fp32)
    table = array(model, "embedding.weight")

    quantise_tables(model)

    rows = array(model, "embedding.weight_int8").astype(np.float32) * array(model, "embedding.weight_scales")
    half_steps = np.abs(table).max(axis=1, keepdims=True) / 127 / 2
    assert (np.abs(rows - table) <= half_steps * 1.001).all()


def test_rounding_takes_errors_back_where_channels_go_together() -> None:
    inputs = GENERATOR.normal(size=(500, 8)) @ GENERATOR.normal(size=(8, CHANNELS))
    matrix = GENERATOR.normal(scale=5.0, size=(CHANNELS, 10))
    second_moments = inputs.T @ inputs / len(inputs)

    steps = round_weights(matrix, second_moments)

    changed, nearest = (np.abs(inputs @ (rounded - matrix)).mean() for rounded in (steps, np.rint(matrix)))
    assert changed < nearest / 2


def test_independent_channels_are_rounded_to_the_nearest() -> None:
    matrix = GENERATOR.normal(scale=20.0, size=(CHANNELS, 10)).clip(-LARGEST_STEP, LARGEST_STEP)

    assert (round_weights(matrix, np.eye(CHANNELS)) == np.rint(matrix)).all()


def test_no_weight_needs_more_than_seven_bits(fp32: Path, tmp_path: Path) -> None:
    quantise_int8(fp32, tmp_path / "int8.onnx", REVIEWS)

    model = onnx.load(tmp_path / "int8.onnx")
    (steps,) = (
        numpy_helper.to_array(tensor)
        for tensor in model.graph.initializer
        if tensor.name.startswith("onnx::MatMul") and tensor.name.endswith("_quantized")
    )
    assert np.abs(steps.astype(int)).max() == LARGEST_STEP


def test_a_scale_that_clips_one_large_weight_is_taken_where_it_serves_the_others() -> None:
    matrix = np.linspace(-1, 1, CHANNELS)[:, None] * np.array([[1.0, 1.0]])
    matrix[0, 1] = 1.25
    seldom = np.eye(CHANNELS)
    seldom[0, 0] = 1e-6  # the input of the large weight is nearly always 0

    exact, clipped = choose_scales(matrix, seldom) * LARGEST_STEP

    assert exact >= 0.95
    assert clipped < 1.25


def test_int8_is_far_nearer_to_the_network_than_rounding_alone(fp32: Path, tmp_path: Path) -> None:
    ours, plain = tmp_path / "ours.onnx", tmp_path / "plain.onnx"
    quantise_int8(fp32, ours, REVIEWS)
    quantize_dynamic(
        fp32, plain, op_types_to_quantize=["MatMul", "Gather"], per_channel=True, reduce_range=True
    )

    assert error(ours, fp32) < error(plain, fp32) / 3


def test_moments_are_means_over_all_tokens(fp32: Path) -> None:
    (of_activation,) = moments(onnx.load(fp32), REVIEWS).values()

    table = array(onnx.load(fp32), "embedding.weight")
    vectors = table[[token for review in REVIEWS for token in review]]
    np.testing.assert_allclose(of_activation, vectors.T @ vectors / len(vectors), rtol=1e-4, atol=1e-3)


def test_a_network_without_products_of_its_words_is_quantised_too(tmp_path: Path) -> None:
    torch.manual_seed(1)
    fp32, int8 = tmp_path / "fp32.onnx", tmp_path / "int8.onnx"
    export_fp32(WordVote(), fp32)

    quantise_int8(fp32, int8, REVIEWS)

    assert error(int8, fp32) < 0.02
