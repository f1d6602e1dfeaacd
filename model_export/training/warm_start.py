"""Weights to begin with: those of a checkpoint, or of a bundle, whose int8 weights are turned back into float."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import GraphProto, numpy_helper
from safetensors.torch import load_file
from torch import Tensor, nn

from schemas.errors import ConfigurationError

WEIGHTS_FILE = "weights.safetensors"
BUNDLE_FILE = "model.int8.onnx"

Floats = npt.NDArray[np.float32]


def warm_start(network: nn.Module, folder: Path) -> None:
    """Give ``network`` the weights of the checkpoint or bundle in ``folder``.

    The int8 weights of a bundle come back within half a step of what was trained, seven bits a weight: a start from
    which a few thousand reviews of one's own are enough.

    Raises:
        ConfigurationError: the folder holds neither, or weights of another architecture.
    """
    if (folder / WEIGHTS_FILE).exists():
        state: Mapping[str, Tensor] = load_file(folder / WEIGHTS_FILE)
    elif (folder / BUNDLE_FILE).exists():
        state = dequantised(onnx.load(folder / BUNDLE_FILE).graph)
    else:
        raise ConfigurationError(
            f"{folder}: neither a checkpoint ({WEIGHTS_FILE}) nor a bundle ({BUNDLE_FILE})"
        )
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ConfigurationError(f"{folder}: its weights are of another architecture: {error}") from error


def dequantised(graph: GraphProto) -> dict[str, Tensor]:
    """The weights of an int8 graph that ``export`` wrote, by their names in the network.

    A product has lost the name of its matrix; the path of its node is that of the module it came from.
    """
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    factors: dict[str, npt.NDArray[Any]] = {
        node.output[0]: arrays[node.input[1]]
        for node in graph.node
        if node.op_type == "Mul" and node.input[1] in arrays and arrays[node.input[1]].ndim == 1
    }
    inputs = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "DynamicQuantizeLinear"}
    weights = {name: array for name, array in arrays.items() if name.endswith((".weight", ".bias"))}
    for name, array in arrays.items():
        if name.endswith(".weight_int8"):  # rows of a table, see export/tables.py
            table = name.removesuffix("_int8")
            weights[table] = array * arrays[f"{table}_scales"]
        if name.endswith(".weight_quantized"):  # a table with one scale, as earlier releases wrote it
            weights[name.removesuffix("_quantized")] = _matrix(arrays, name)
    for node in graph.node:
        if node.op_type == "MatMulInteger":
            matrix = _matrix(arrays, node.input[1]).T  # (outputs, channels), as torch has it
            smoothed = factors.get(inputs[node.input[0]])
            module = node.name.strip("/").removesuffix("/MatMul_quant").replace("/", ".")
            weights[f"{_without_gemm(module)}.weight"] = matrix if smoothed is None else matrix * smoothed
    return {name: torch.from_numpy(np.array(array, dtype=np.float32)) for name, array in weights.items()}


def _matrix(arrays: Mapping[str, npt.NDArray[np.generic]], quantised: str) -> Floats:
    name = quantised.removesuffix("_quantized")
    steps, zero = arrays[quantised].astype(np.float32), arrays[f"{name}_zero_point"].astype(np.float32)
    matrix: Floats = (steps - zero) * arrays[f"{name}_scale"]
    return matrix


def _without_gemm(module: str) -> str:
    return module.removesuffix(".Gemm_MatMul_quant")
