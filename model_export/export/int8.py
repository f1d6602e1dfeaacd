"""The float network in int8, for CPUs: fused, then four steps, each against one source of error."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, numpy_helper
from onnxruntime.quantization.onnx_model import ONNXModel

from model_export.export.activations import extremes, moments, products
from model_export.export.fused import AttentionShape, attend_unmasked, fuse_for_cpu
from model_export.export.grid import Floats, Grid, ProductGrid, steps_on
from model_export.export.integer_products import Rounded, multiply_in_integers
from model_export.export.onnx_graph import module_of
from model_export.export.rounding import LARGEST_STEP, choose_scales, round_weights
from model_export.export.smoothing import smooth
from model_export.export.tables import quantise_tables

SEEN_REVIEWS = 200
"""Reviews from which outlier channels and rounding are learned; they hold tens of thousands of tokens."""

NO_ATTENTION = AttentionShape()


def quantise_int8(
    fp32: Path,
    int8: Path,
    token_ids: Sequence[Sequence[int]],
    grid: Grid | None = None,
    attention: AttentionShape = NO_ATTENTION,
) -> None:
    """Write ``fp32`` in int8: a scale for each output of a product, and one grid for each activation.

    Seven bits a weight keep the sum of two products within int16, which processors without
    VNNI instructions would otherwise saturate silently: the same file must score alike on every machine.

    Args:
        fp32: an ONNX file with the inputs of a bundle.
        int8: the file to write.
        token_ids: reviews as token ids. Weights are fitted to ``SEEN_REVIEWS`` of them, evenly spread; the grids of
            activations hold what they were in all, for it is rare values that are cut off.
        grid: on which weights stand already: those are taken as they are.
        attention: of the network, by which it is fused.

    Raises:
        BundleError: weights have left the grid that they were trained on.
    """
    seen, grid = seen_of(token_ids), grid or Grid()
    network = read_products(fp32, attention)
    rounded = {of.matrix: of for of in round_products(network, seen, grid)}
    multiply_in_integers(network, rounded, extremes(network, token_ids))
    quantise_tables(network, grid.tables)
    attend_unmasked(network)
    onnx.checker.check_model(network)
    onnx.save(network, int8)


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
