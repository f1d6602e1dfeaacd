"""One network in several precisions, each written as ONNX and run over the held-out reviews."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from model_export.export.fused import attention_shape
from model_export.export.grid import Grid
from model_export.export.half import write_fp16
from model_export.export.int8 import quantise_int8
from model_export.export.neighbours import BATCH, measure_neighbours, refuse_dependence
from model_export.export.onnx_graph import Tokens, export_fp32, start_on_cpu
from model_export.training.batches import pad
from schemas.errors import BundleError
from schemas.manifest import SERVED_ALONE, Neighbours, Precision

Floats = npt.NDArray[np.float64]
TokenIds = Sequence[int]

TORCH_BATCH = 32

Advance = Callable[[int], None]
"""Is told how many more reviews were run."""


def unwatched(_reviews: int) -> None:
    """Nobody watches."""


class Shifted(nn.Module):
    """A network whose polarity logit is moved by ``bias``."""

    def __init__(self, network: nn.Module, bias: float) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("bias", torch.tensor([bias, 0.0]))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        logits: Tensor = self.network(input_ids, attention_mask) + self.bias
        return logits


def refuse_unreadable_length(network: nn.Module, token_ids: Sequence[TokenIds], max_length: int) -> None:
    """Let the network read a review of ``max_length`` tokens before anything long is begun.

    Raises:
        BundleError: it has positions for fewer.
    """
    longest = list(chain.from_iterable(token_ids))[:max_length]
    longest += [longest[0]] * (max_length - len(longest))
    row = torch.tensor([longest])
    try:
        with torch.inference_mode():
            network(row, torch.ones_like(row))
    except (IndexError, RuntimeError) as error:
        raise BundleError(
            f"the network cannot read {max_length} tokens, give a smaller --max-length: {error}"
        ) from error


def torch_logits(
    network: nn.Module, token_ids: Sequence[TokenIds], pad_id: int, advance: Advance = unwatched
) -> Floats:
    """Logits (reviews, 2) of the torch network, in batches of like length, wherever its weights are."""
    order = sorted(range(len(token_ids)), key=lambda row: len(token_ids[row]))
    device = next(network.parameters()).device
    logits = np.empty((len(token_ids), 2))
    with torch.inference_mode():
        for start in range(0, len(order), TORCH_BATCH):
            rows = order[start : start + TORCH_BATCH]
            input_ids, mask = pad([token_ids[row] for row in rows], pad_id)
            logits[rows] = network(input_ids.to(device), mask.to(device)).float().cpu().numpy()
            advance(len(rows))
    return logits


def write_variants(
    network: nn.Module,
    precisions: Sequence[Precision],
    folder: Path,
    seen: Sequence[TokenIds],
    grid: Grid | None = None,
) -> Mapping[Precision, Path]:
    """Write the network in fp32, which the others are made of, and in every precision that is asked for.

    Int8 is fitted to the reviews ``seen``, as token ids, where the weights do not stand on their ``grid`` already.
    """
    paths: dict[Precision, Path] = {
        precision: folder / f"model.{precision}.onnx" for precision in dict.fromkeys(("fp32", *precisions))
    }
    export_fp32(network, paths["fp32"])
    if "fp16" in paths:
        write_fp16(paths["fp32"], paths["fp16"], network)
    if "int8" in paths:
        quantise_int8(paths["fp32"], paths["int8"], seen, grid, attention_shape(network))
    return paths


def onnx_logits(path: Path, token_ids: Sequence[TokenIds], advance: Advance = unwatched) -> Floats:
    """Logits (reviews, 2) of an ONNX file, one review a call, as a CPU serves it."""
    network = start_on_cpu(path)

    def run(ids: TokenIds) -> npt.NDArray[np.float32]:
        logits: npt.NDArray[np.float32] = network(*padded([ids], 0))[0]
        return logits

    logits = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for row in pool.map(run, token_ids):
            logits.append(row)
            advance(1)
    return np.array(logits, dtype=np.float64)


def prove_independence(
    path: Path,
    precision: Precision,
    token_ids: Sequence[TokenIds],
    pad_id: int,
    alone: Floats,
    temperatures: tuple[float, float],
    advance: Advance = unwatched,
) -> Neighbours:
    """Measure what the company of a review does to its score, in calls as this precision is served.

    Args:
        path: of the ONNX file.
        precision: of it.
        token_ids: of the reviews.
        pad_id: fills short reviews up.
        alone: logits (reviews, 2) of each review in a call of its own.
        temperatures: of both outputs.
        advance: is told how many more reviews were run.

    Raises:
        BundleError: more than is allowed.
    """
    network = start_on_cpu(path)
    batch = 1 if precision in SERVED_ALONE else BATCH

    def call(rows: Sequence[TokenIds]) -> npt.NDArray[np.float32]:
        return network(*padded(rows, pad_id))

    measured = measure_neighbours(call, token_ids, alone, temperatures, batch=batch, advance=advance)
    refuse_dependence(precision, measured)
    return measured


def padded(rows: Sequence[TokenIds], pad_id: int) -> tuple[Tokens, Tokens]:
    """Ids and mask, both int64 (rows, tokens), as serving pads: to the longest, and no token more."""
    input_ids = np.full((len(rows), max(map(len, rows))), pad_id, dtype=np.int64)
    attention_mask = np.zeros_like(input_ids)
    for row, ids in enumerate(rows):
        input_ids[row, : len(ids)] = ids
        attention_mask[row, : len(ids)] = 1
    return input_ids, attention_mask
