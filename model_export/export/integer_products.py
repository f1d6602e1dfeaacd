"""Products of a float network done in integers: each activation quantised once, on a grid that never changes.

A grid that is fixed at export costs no look at the activation before it is quantised, and makes what a review gets independent of
the reviews beside it, whatever the call: a grid that is chosen anew for each call is shared by all reviews in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, helper, numpy_helper

from model_export.export.activations import Extremes, products
from model_export.export.fused import CONTRIBUTED, use_contributed
from model_export.export.grid import ProductGrid
from model_export.export.rounding import Steps

LEVELS = 255
"""Steps between the least and the largest value that an activation can take in eight bits."""


@dataclass(frozen=True)
class Rounded:
    """A matrix (channels, outputs) in int8."""

    module: str
    """Whose weight it is in the torch network."""
    matrix: str
    """Its name in the graph."""
    grid: ProductGrid
    steps: Steps


class ActivationGrid(NamedTuple):
    """``(level - zero) * scale`` is the value of a level, 0 to 255."""

    scale: np.float32
    zero: np.uint8


def activation_grid(extremes: Extremes) -> ActivationGrid:
    """The grid that just holds these values and, exactly, 0; what lies beyond is cut off."""
    least, largest = min(extremes.least, 0.0), max(extremes.largest, 0.0)
    least_step = float(np.finfo(np.float32).tiny)
    scale = np.float32(max((largest - least) / LEVELS, least_step))
    return ActivationGrid(scale, np.uint8(round(-least / float(scale))))


def multiply_in_integers(
    model: ModelProto, rounded: Mapping[str, Rounded], extremes: Mapping[str, Extremes]
) -> None:
    """Replace each product with a constant matrix, and the addition of its bias, by one operator on integers, in place.

    Args:
        model: as ``round_products`` leaves it.
        rounded: by name, every matrix that ``products`` finds.
        extremes: by name, every activation that ``products`` finds.
    """
    graph = model.graph
    for activation, nodes in products(model).items():
        grid = activation_grid(extremes[activation])
        scale, zero, levels = (f"{activation}_{part}" for part in ("scale", "zero_point", "levels"))
        graph.initializer.append(numpy_helper.from_array(np.array(grid.scale), scale))
        graph.initializer.append(numpy_helper.from_array(np.array(grid.zero), zero))
        first = min(place for place, node in enumerate(graph.node) if node in nodes)
        graph.node.insert(
            first, helper.make_node("QuantizeLinear", [activation, scale, zero], [levels], name=levels)
        )
        for node in nodes:
            matrix = rounded[node.input[1]]
            steps, scales = f"{matrix.matrix}_quantized", f"{matrix.matrix}_scale"
            _replace_weights(model, matrix.matrix, {steps: matrix.steps, scales: matrix.grid.scales})
            bias, output = _take_bias(model, node)
            node.CopyFrom(
                helper.make_node(
                    "MatMulIntegerToFloat",
                    [levels, steps, scale, scales, zero, "", bias],
                    [output],
                    name=node.name,
                    domain=CONTRIBUTED,
                )
            )
    use_contributed(model)


def _replace_weights(model: ModelProto, name: str, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
    initializers = model.graph.initializer
    initializers.remove(next(tensor for tensor in initializers if tensor.name == name))
    initializers.extend(numpy_helper.from_array(array, name) for name, array in arrays.items())


def _take_bias(model: ModelProto, product: NodeProto) -> tuple[str, str]:
    """The bias that is added to a product and to nothing else, and what the sum is called; its node goes.

    Without one: "", and what the product is called.
    """
    (output,) = product.output
    vectors = {tensor.name for tensor in model.graph.initializer if len(tensor.dims) == 1}
    users = [node for node in model.graph.node if output in node.input]
    if len(users) == 1 and users[0].op_type == "Add":
        biases = [name for name in users[0].input if name in vectors]
        if biases:
            (total,) = users[0].output
            model.graph.node.remove(users[0])
            return biases[0], total
    return "", output
