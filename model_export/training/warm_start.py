"""Weights to begin with: of a checkpoint, or of a bundle, whose int8 becomes float again."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import GraphProto, NodeProto, numpy_helper
from safetensors.torch import load_file
from torch import Tensor, nn

from model_export.export.onnx_graph import module_of
from schemas.errors import ConfigurationError

WEIGHTS_FILE = "weights.safetensors"
BUNDLE_FILE = "model.int8.onnx"

INTEGER_PRODUCTS = {"MatMulIntegerToFloat", "MatMulInteger"}
QUANTISERS = {"QuantizeLinear", "DynamicQuantizeLinear"}
"""The latter of each are of earlier releases."""

Arrays = Mapping[str, npt.NDArray[Any]]


def begin_with(network: nn.Module, folder: Path) -> None:
    """Give ``network`` the weights of the checkpoint or bundle in ``folder``.

    Those of a bundle come back within half an int8 step of what was trained: a start from which a few thousand
    reviews of one's own are enough. Of a deeper network of the same kind the lowest layers are taken: so a student begins
    with those of its teacher.

    Raises:
        ConfigurationError: the folder holds neither, or weights of another architecture.
    """
    if (folder / WEIGHTS_FILE).exists():
        weights = load_file(folder / WEIGHTS_FILE)
    elif (folder / BUNDLE_FILE).exists():
        weights = dequantised(onnx.load(folder / BUNDLE_FILE).graph)
    else:
        raise ConfigurationError(
            f"{folder}: neither a checkpoint ({WEIGHTS_FILE}) nor a bundle ({BUNDLE_FILE})"
        )
    kept = {name: weight for name, weight in weights.items() if not _above(name, network)}
    try:
        network.load_state_dict(kept)
    except RuntimeError as error:
        raise ConfigurationError(f"{folder}: its weights are of another architecture: {error}") from error


def _above(name: str, network: nn.Module) -> bool:
    """The weight belongs to a layer above all that ``network`` has."""
    layer = re.match(r"encoder\.(?:.+?\.)?(\d+)\.", name)
    layers = getattr(getattr(network.encoder, "config", None), "num_hidden_layers", None)
    return layer is not None and layers is not None and int(layer[1]) >= layers


def dequantised(graph: GraphProto) -> dict[str, Tensor]:
    """The weights of an int8 graph that ``export`` wrote, by their names in the network.

    A product has lost the name of its matrix; the path of its node is that of the module it came from.
    """
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    weights = {name: array for name, array in arrays.items() if name.endswith((".weight", ".bias"))}
    for name, array in arrays.items():
        if name.endswith(".weight_int8"):  # rows of a table, see export/tables.py
            weights[name.removesuffix("_int8")] = array * arrays[f"{name.removesuffix('_int8')}_scales"]
        if name.endswith(".weight_quantized"):  # a table with one scale, as earlier releases wrote it
            weights[name.removesuffix("_quantized")] = _matrix(arrays, name)
    divided = _smoothing(graph, arrays)
    for node in graph.node:
        if node.op_type in INTEGER_PRODUCTS:
            matrix = _matrix(arrays, node.input[1]).T  # (outputs, channels), as torch has it
            weights[f"{module_of(node.name)}.weight"] = matrix * divided.get(node.input[0], 1.0)
        if node.op_type == "MatMul" and node.input[1] in weights:  # left in float, but turned round
            weights[node.input[1]] = weights[node.input[1]].T
    for attention in _attentions(graph):
        for product, part in zip(attention.input[:3], np.split(arrays[attention.input[3]], 3), strict=True):
            weights[f"{module_of(product)}.bias"] = part
    named = {name.removeprefix("network."): array for name, array in weights.items()}
    # The export moves the logits of the polarity to what was seen on held-out reviews.
    named["heads.bias"] = named["heads.bias"] + arrays.get("bias", 0.0)
    return {name: torch.from_numpy(np.array(array, dtype=np.float32)) for name, array in named.items()}


def _attentions(graph: GraphProto) -> Iterator[NodeProto]:
    """Fused ones, which hold the biases of query, key and value end to end; see export/fused.py."""
    for node in graph.node:
        if node.op_type == "If":
            yield from _attentions(node.attribute[0].g)
        if node.op_type == "MultiHeadAttention" and node.input[3]:
            yield node


def _smoothing(graph: GraphProto, arrays: Arrays) -> dict[str, npt.NDArray[Any]]:
    """By quantised activation, the factors that its channels were multiplied by, see export/smoothing.py."""
    factors = {
        node.output[0]: arrays[node.input[1]]
        for node in graph.node
        if node.op_type == "Mul" and node.input[1] in arrays
    }
    return {
        node.output[0]: factors[node.input[0]]
        for node in graph.node
        if node.op_type in QUANTISERS and node.input[0] in factors and factors[node.input[0]].ndim == 1
    }


def _matrix(arrays: Arrays, quantised: str) -> npt.NDArray[Any]:
    name = quantised.removesuffix("_quantized")
    zero = arrays.get(f"{name}_zero_point", np.float32(0))  # 0 is never written down now
    steps = arrays[quantised].astype(np.float32) - zero.astype(np.float32)
    return steps * arrays[f"{name}_scale"]
