"""The trained network as ONNX."""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from torch import nn

OPSET = 17
MASK = "attention_mask"
INPUTS = ("input_ids", MASK)
OUTPUT = "logits"

Tokens = npt.NDArray[np.int64]


def export_fp32(network: nn.Module, path: Path) -> None:
    """Write the network with dynamic shapes: int64 (batch, tokens) twice -> float32 (batch, 2)."""
    example = torch.ones((2, 16), dtype=torch.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the tracer is the older of two exporters, see docs/adr/0003
        torch.onnx.export(
            network,
            (example, example),
            str(path),
            input_names=list(INPUTS),
            output_names=[OUTPUT],
            dynamic_axes={name: {0: "batch", 1: "tokens"} for name in INPUTS} | {OUTPUT: {0: "batch"}},
            opset_version=OPSET,
            dynamo=False,
        )
    onnx.checker.check_model(str(path))


def module_of(path: str) -> str:
    """The torch module that a node or its output was traced from, as the network names it: the path in their name."""
    names: list[str] = []
    for name in path.strip("/").split("/")[:-1]:
        if names and name.startswith(f"{names[-1]}."):  # a part of a sequence is called hidden/hidden.0
            names.pop()
        names.append(name)
    return ".".join(names).removeprefix("network.")  # of the wrapper that moves the logits


def start_on_cpu(path: Path) -> Callable[[Tokens, Tokens], npt.NDArray[np.float32]]:
    """An ONNX file as a function: int64 (batch, tokens) twice -> float32 (batch, 2). Safe to call from threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(input_ids: Tokens, attention_mask: Tokens) -> npt.NDArray[np.float32]:
        feeds = {"input_ids": input_ids, "attention_mask": attention_mask}
        logits: npt.NDArray[np.float32] = session.run([OUTPUT], feeds)[0]
        return logits

    return run
