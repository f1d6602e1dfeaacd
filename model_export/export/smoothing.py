"""Outlier channels evened out before int8: what one scale for all channels of an activation would lose.

Int8 gives an activation one scale. A BERT has a few channels whose values are many times those of
the others (Bondarenko et al. 2021, "Understanding and Overcoming the Challenges of Efficient Transformer
Quantization"), which leaves the others only a few of the 256 steps. Dividing such a channel and multiplying its row
of the weights by the same number changes nothing in float and evens the steps out (Xiao et al. 2023, "SmoothQuant").
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, helper, numpy_helper

from model_export.export.activations import largest_values, products

Floats = npt.NDArray[np.float32]

USUAL_SHARE = 0.98
"""The channel at this place, by largest value, is the measure of what is usual."""

OUTLIER = 2.0
"""An activation is smoothed where its largest channel exceeds the usual one by this factor; elsewhere the
multiplication would cost time and win little."""


def smooth(
    model: ModelProto, token_ids: Sequence[Sequence[int]], given: Mapping[str, Floats] | None = None
) -> dict[str, Floats]:
    """Divide the outlier channels of a float network in place; its function stays the same.

    Args:
        model: with the inputs of a bundle.
        token_ids: some reviews, from which the channels' largest values are taken.
        given: divisors (channels,) of activations that are decided already.

    Returns:
        By activation that was smoothed, the divisors of its channels, (channels,).
    """
    divisors = {}
    for activation, values in largest_values(model, token_ids).items():
        divisor = given[activation] if given and activation in given else _divisor(values)
        if (divisor > 1).any():
            divisors[activation] = divisor
    users = products(model)
    for activation, divisor in divisors.items():
        _divide(model, activation, users[activation], divisor)
    return divisors


def _divisor(largest: npt.NDArray[np.float64]) -> Floats:
    """Of each channel; 1 everywhere where no channel stands out."""
    usual = float(np.quantile(largest, USUAL_SHARE))
    if not largest.max() > OUTLIER * usual > 0:
        return np.ones(len(largest), dtype=np.float32)
    return np.maximum(1.0, largest / usual).astype(np.float32)


def _divide(model: ModelProto, activation: str, users: Sequence[NodeProto], divisor: Floats) -> None:
    """Divide the channels of ``activation`` on its way into ``users``, and multiply the rows of their matrices."""
    graph = model.graph
    matrices = {tensor.name: tensor for tensor in graph.initializer}
    factors, smoothed = f"{activation}_smoothing", f"{activation}_smoothed"
    graph.initializer.append(numpy_helper.from_array(1 / divisor, factors))
    position = min(index for index, node in enumerate(graph.node) if node in users)
    graph.node.insert(position, helper.make_node("Mul", [activation, factors], [smoothed], name=smoothed))
    for node in users:
        matrix = matrices[node.input[1]]
        rows = numpy_helper.to_array(matrix) * divisor[:, None]
        matrix.CopyFrom(numpy_helper.from_array(rows, matrix.name))
        node.input[0] = smoothed
