"""The float network in int8, for CPUs: fused, then four steps, each against one source of error."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.onnx_model import ONNXModel

from model_export.export.activations import moments, narrow_products, products
from model_export.export.fused import AttentionShape, attend_unmasked, fuse_for_cpu
from model_export.export.grid import Floats, Grid, ProductGrid, steps_on
from model_export.export.onnx_graph import module_of
from model_export.export.rounding import LARGEST_STEP, Steps, choose_scales, round_weights
from model_export.export.smoothing import smooth
from model_export.export.tables import quantise_tables

SEEN_REVIEWS = 200
"""Reviews from which outlier channels and rounding are learned; they hold several thousand tokens."""


NO_ATTENTION = AttentionShape()


@dataclass(frozen=True)
class Rounded:
    """A matrix (channels, outputs) in int8."""

    module: str
    """Whose weight it is in the torch network."""
    matrix: str
    """Its name in the graph."""
    grid: ProductGrid
    steps: Steps


def quantise_int8(
    fp32: Path,
    int8: Path,
    token_ids: Sequence[Sequence[int]],
    grid: Grid | None = None,
    attention: AttentionShape = NO_ATTENTION,
) -> None:
    """Write ``fp32`` in int8: a scale for each output of a product, and activations quantised as they come.

    Seven bits a weight (``reduce_range``) keep the sum of two products within int16, which processors without
    VNNI instructions would otherwise saturate silently: the same file must score alike on every machine.

    Args:
        fp32: an ONNX file with the inputs of a bundle.
        int8: the file to write.
        token_ids: reviews as token ids; ``SEEN_REVIEWS`` of them, evenly spread, are looked at.
        grid: on which weights stand already: those are taken as they are.
        attention: of the network, by which it is fused.

    Raises:
        BundleError: weights have left the grid that they were trained on.
    """
    grid = grid or Grid()
    network = read_products(fp32, attention)
    rounded = round_products(network, seen_of(token_ids), grid)
    with tempfile.TemporaryDirectory() as folder:
        smoothed = Path(folder) / "smoothed.onnx"
        onnx.save(network, smoothed)
        quantize_dynamic(
            smoothed,
            int8,
            op_types_to_quantize=["MatMul"],
            nodes_to_exclude=[node.name for node in narrow_products(network)],
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            extra_options={
                "MatMulConstBOnly": True,
                "DefaultTensorType": TensorProto.FLOAT,
            },  # of fused operators
        )
    quantised = onnx.load(int8)
    quantise_tables(quantised, grid.tables)
    _put_in(quantised, rounded)
    attend_unmasked(quantised)
    onnx.checker.check_model(quantised)
    onnx.save(quantised, int8)


def read_products(fp32: Path, attention: AttentionShape = NO_ATTENTION) -> ModelProto:
    """The float network as int8 is made of it, with every product with a constant matrix in one form."""
    network = ONNXModel(fuse_for_cpu(fp32, attention))
    network.replace_gemm_with_matmul()
    model: ModelProto = network.model
    return model


def seen_of(token_ids: Sequence[Sequence[int]]) -> Sequence[Sequence[int]]:
    """``SEEN_REVIEWS`` of them, evenly spread."""
    return token_ids[:: max(1, len(token_ids) // SEEN_REVIEWS)][:SEEN_REVIEWS]


def round_products(model: ModelProto, token_ids: Sequence[Sequence[int]], grid: Grid) -> list[Rounded]:
    """Smooth outlier channels in place, and round each matrix so that its errors cancel.

    Args:
        model: as ``read_products`` gives it.
        token_ids: of the reviews to learn from.
        grid: what stands on it is smoothed and rounded by it.
    """
    by_activation = products(model)
    smoothed = smooth(model, token_ids, _given_divisors(by_activation, grid))
    matrices = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    of_activation = moments(model, token_ids)
    rounded = []
    for activation, nodes in by_activation.items():
        for node in nodes:
            module, name = module_of(node.name), node.input[1]
            matrix = matrices[name].astype(np.float64)
            if module in grid.products:
                scales = grid.products[module].scales
                steps = steps_on(matrix / scales, module, LARGEST_STEP)
            else:
                power = of_activation[node.input[0]]
                scales = choose_scales(matrix, power).astype(np.float32)
                steps = round_weights(matrix / scales, power)
            divisors = smoothed.get(activation, np.ones(len(matrix), dtype=np.float32))
            rounded.append(Rounded(module, name, ProductGrid(scales, divisors), steps))
    return rounded


def _given_divisors(by_activation: dict[str, list[NodeProto]], grid: Grid) -> dict[str, Floats]:
    return {
        activation: grid.products[module].divisors
        for activation, nodes in by_activation.items()
        for module in (module_of(node.name) for node in nodes)
        if module in grid.products
    }


def _put_in(quantised: ModelProto, rounded: Sequence[Rounded]) -> None:
    """Replace the nearest int8 weights by ours."""
    tensors = {tensor.name: tensor for tensor in quantised.graph.initializer}
    for of in rounded:
        for part, values in (("quantized", of.steps), ("scale", of.grid.scales)):
            tensor = tensors[f"{of.matrix}_{part}"]
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
