"""The trained network as ONNX."""

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from torch import nn

OPSET = 17
INPUTS = ("input_ids", "attention_mask")
OUTPUT = "logits"


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


def onnx_logits(path: Path, token_ids: Sequence[Sequence[int]]) -> npt.NDArray[np.float64]:
    """Logits (reviews, 2) of an ONNX file, one review a call, as a CPU serves it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(ids: Sequence[int]) -> npt.NDArray[np.float32]:
        tokens = np.array([ids], dtype=np.int64)
        logits: npt.NDArray[np.float32] = session.run(
            [OUTPUT], {"input_ids": tokens, "attention_mask": np.ones_like(tokens)}
        )[0][0]
        return logits

    with ThreadPoolExecutor() as pool:
        return np.array(list(pool.map(run, token_ids)), dtype=np.float64)
