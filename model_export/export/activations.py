"""What flows into the products of a float network, over some reviews: the ground on which int8 scales are chosen."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnx import ModelProto, NodeProto, TensorProto, helper

Floats = npt.NDArray[np.float64]

NARROW = 2
"""Products of so few outputs, as the two heads, stay in float: they cost nothing, and the logits come right out of them."""


def products(model: ModelProto) -> dict[str, list[NodeProto]]:
    """By activation, (batch, ..., channels), its products with constant matrices, (channels, outputs).

    Left out are narrow ones, and matrices that other nodes use too, since those must stay as they are.
    """
    matrices = _matrices(model)
    uses = Counter(name for node in model.graph.node for name in node.input)
    found = defaultdict(list)
    for node in model.graph.node:
        if node.op_type == "MatMul" and matrices.get(node.input[1], 0) > NARROW and uses[node.input[1]] == 1:
            found[node.input[0]].append(node)
    return found


def _matrices(model: ModelProto) -> dict[str, int]:
    """Outputs of each constant matrix, by its name."""
    return {tensor.name: tensor.dims[1] for tensor in model.graph.initializer if len(tensor.dims) == 2}


class Extremes(NamedTuple):
    """Of an activation, over all its channels and tokens."""

    least: float
    largest: float


def extremes(model: ModelProto, token_ids: Sequence[Sequence[int]]) -> dict[str, Extremes]:
    """By activation that products read, the least and the largest value."""
    found: dict[str, Extremes] = {}
    for name, values in _values(model, token_ids):
        least, largest = found.get(name, Extremes(math.inf, -math.inf))
        found[name] = Extremes(min(least, float(values.min())), max(largest, float(values.max())))
    return found


def largest_values(model: ModelProto, token_ids: Sequence[Sequence[int]]) -> dict[str, Floats]:
    """By activation that products read, the largest absolute value of each channel, (channels,)."""
    largest: dict[str, Floats] = {}
    for name, values in _values(model, token_ids):
        largest[name] = np.maximum(largest.get(name, 0.0), np.abs(values).max(axis=0))
    return largest


def moments(model: ModelProto, token_ids: Sequence[Sequence[int]]) -> dict[str, Floats]:
    """By activation that products read, the mean of x xᵀ over all tokens x, (channels, channels)."""
    sums: dict[str, Floats] = {}
    for name, values in _values(model, token_ids):
        sums[name] = sums.get(name, 0.0) + (values.T @ values).astype(np.float64)
    tokens = sum(map(len, token_ids))
    return {name: total / tokens for name, total in sums.items()}


def _values(
    model: ModelProto, token_ids: Sequence[Sequence[int]]
) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Every activation that products read, (tokens, channels), review by review."""
    names = list(products(model))
    if not names:  # of a convolutional network, say; asked for no output, onnxruntime would give all
        return
    watched = ModelProto()
    watched.CopyFrom(model)
    watched.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names
    )
    session = onnxruntime.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    for ids in token_ids:
        tokens = np.array([ids], dtype=np.int64)
        feeds = {"input_ids": tokens, "attention_mask": np.ones_like(tokens)}
        for name, values in zip(names, session.run(names, feeds), strict=True):
            yield name, values.reshape(-1, values.shape[-1])
