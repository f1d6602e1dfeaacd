"""Products in integers: the grid of an activation, and what a fixed grid makes of a review's company."""

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
import tiny_bert
from hypothesis import given
from hypothesis import strategies as st
from onnx import ModelProto

from model_export.data.tokens import TextEncoder
from model_export.export.activations import Extremes
from model_export.export.fused import attention_shape
from model_export.export.int8 import quantise_int8
from model_export.export.integer_products import LEVELS, activation_grid
from model_export.export.onnx_graph import export_fp32, start_on_cpu
from model_export.export.variants import padded
from model_export.networks.classifier import ReviewClassifier

values = st.floats(-1e6, 1e6, width=32)


@given(one=values, other=values, share=st.floats(0, 1))
def test_every_value_between_the_extremes_comes_back_within_a_step(
    one: float, other: float, share: float
) -> None:
    extremes = Extremes(min(one, other), max(one, other))
    grid = activation_grid(extremes)
    value = extremes.least + share * (extremes.largest - extremes.least)

    level = np.clip(np.rint(value / float(grid.scale)) + int(grid.zero), 0, LEVELS)

    assert abs((level - int(grid.zero)) * float(grid.scale) - value) <= float(grid.scale) * 1.001


@given(one=values, other=values)
def test_zero_stands_on_the_grid(one: float, other: float) -> None:
    assert 0 <= int(activation_grid(Extremes(min(one, other), max(one, other))).zero) <= LEVELS


@pytest.fixture(scope="module")
def token_ids(tmp_path_factory: pytest.TempPathFactory) -> list[list[int]]:
    folder = tiny_bert.write_base(tmp_path_factory.mktemp("tokens"))
    texts = [review.text for review in tiny_bert.reviews(40, seed=5)]
    return TextEncoder.from_folder(folder, tiny_bert.MAX_LENGTH).encode(texts)


@pytest.fixture(scope="module")
def int8(tmp_path_factory: pytest.TempPathFactory, token_ids: list[list[int]]) -> Path:
    folder = tiny_bert.write_base(tmp_path_factory.mktemp("base"))
    network = ReviewClassifier.from_pretrained(folder).eval()
    export_fp32(network, folder / "fp32.onnx")
    quantise_int8(folder / "fp32.onnx", folder / "int8.onnx", token_ids, attention=attention_shape(network))
    return folder / "int8.onnx"


@pytest.fixture
def model(int8: Path) -> ModelProto:
    return onnx.load(int8)


def test_no_activation_is_looked_at_before_it_is_quantised(model: ModelProto) -> None:
    kinds = Counter(node.op_type for node in model.graph.node)

    assert kinds["QuantizeLinear"] > 0
    assert kinds["DynamicQuantizeLinear"] == 0


def test_the_bias_of_a_layer_is_added_inside_its_product(model: ModelProto) -> None:
    products = [node for node in model.graph.node if node.op_type == "MatMulIntegerToFloat"]
    constants = {tensor.name for tensor in model.graph.initializer}

    assert all(node.input[6] in constants for node in products)
    assert not any(
        node.op_type == "Add" and set(node.input) & {name for product in products for name in product.output}
        for node in model.graph.node
        if set(node.input) & constants
    )


def test_a_padded_call_gives_each_review_what_it_gets_alone(int8: Path, token_ids: list[list[int]]) -> None:
    run = start_on_cpu(int8)
    alone = np.concatenate([run(*padded([ids], 0)) for ids in token_ids])

    together = run(*padded(token_ids, 0))

    # A float that attention sums in another order may fall on the other side of a step.
    np.testing.assert_allclose(together, alone, atol=2e-3)
