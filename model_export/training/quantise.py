"""The last part of a training with its weights held to the values that int8 has, so that the export rounds nothing.

Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", section 3:
every step reads the weights rounded, and moves the float weights behind them as if nothing had been rounded (the
straight-through estimator of Bengio et al. 2013). The grid is that of the export, chosen once, before the first step.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from transformers.pytorch_utils import Conv1D

from model_export.export.grid import Floats, Grid
from model_export.export.int8 import Rounded, read_products, round_products, seen_of
from model_export.export.onnx_graph import export_fp32
from model_export.export.rounding import LARGEST_STEP
from model_export.export.tables import LEAST_ROWS, STEPS, row_scales

WITHIN_STEP = 0.49
"""How far from its step a weight begins at most: within it, nearest rounding gives that very step."""


class FakeQuantised(nn.Module):
    """A weight -> the nearest value of its grid; its gradient goes through, and is 0 beyond the largest step."""

    scales: Tensor
    zeros: Tensor
    divisors: Tensor | None

    def __init__(self, scales: Floats, divisors: Floats | None, largest: int, axis: int) -> None:
        """A grid along ``axis`` of the weight.

        Args:
            scales: of each index along the axis.
            divisors: of each index along the other axis; None divides by nothing.
            largest: step.
            axis: 0 or 1.
        """
        super().__init__()
        self.register_buffer("scales", torch.from_numpy(scales))
        self.register_buffer("zeros", torch.zeros(len(scales), dtype=torch.int32))
        self.register_buffer(
            "divisors", None if divisors is None else torch.from_numpy(divisors).unsqueeze(axis)
        )
        self._largest = largest
        self._axis = axis

    def forward(self, weight: Tensor) -> Tensor:
        smoothed = weight if self.divisors is None else weight * self.divisors
        rounded: Tensor = torch.fake_quantize_per_channel_affine(
            smoothed, self.scales, self.zeros, self._axis, -self._largest, self._largest
        )
        return rounded if self.divisors is None else rounded / self.divisors


def put_on_grid(network: nn.Module, token_ids: Sequence[Sequence[int]]) -> Grid:
    """Let ``network`` read its weights rounded as the export to int8 would round them, from now on.

    Args:
        network: trained; int64 (batch, tokens) twice -> logits (batch, 2).
        token_ids: of reviews, to which the rounding is fitted.

    Returns:
        the grid.
    """
    products = {}
    for rounded in _rounded_by_export(network, seen_of(token_ids)):
        module = _module(network, rounded.module)
        if isinstance(module, nn.Linear | Conv1D):
            products[rounded.module] = rounded.grid
            _put_product(module, rounded)
    tables = {}
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Embedding) and module.num_embeddings >= LEAST_ROWS:
            tables[name] = row_scales(module.weight.detach().numpy())
            parametrize.register_parametrization(
                module, "weight", FakeQuantised(tables[name], None, STEPS, axis=0)
            )
    return Grid(products, tables)


def settle_on_grid(network: nn.Module) -> None:
    """Replace the float weights behind a grid by those on it: the network is then like any other."""
    for module in list(network.modules()):
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)


def _rounded_by_export(network: nn.Module, token_ids: Sequence[Sequence[int]]) -> list[Rounded]:
    with tempfile.TemporaryDirectory() as folder:
        fp32 = Path(folder) / "fp32.onnx"
        export_fp32(network.eval(), fp32)
        return round_products(read_products(fp32), token_ids, Grid())


def _module(network: nn.Module, name: str) -> nn.Module | None:
    try:
        return network.get_submodule(name)
    except AttributeError:  # a function's name in the path of its node
        return None


def _put_product(module: nn.Linear | Conv1D, rounded: Rounded) -> None:
    """Each float weight begins where it was, moved no further than into the reach of its rounded value.

    So the run begins with the errors of the outputs cancelled, and a weight that was between two steps is still near both.
    """
    axis = 0 if isinstance(module, nn.Linear) else 1
    grid = rounded.grid
    divisors = grid.divisors if (grid.divisors > 1).any() else None
    units = torch.from_numpy(grid.scales / grid.divisors[:, None])  # (channels, outputs)
    steps = torch.from_numpy(rounded.steps.astype(np.float32))
    if axis == 0:
        units, steps = units.T, steps.T
    with torch.no_grad():
        module.weight.clamp_((steps - WITHIN_STEP) * units, (steps + WITHIN_STEP) * units)
    parametrize.register_parametrization(
        module, "weight", FakeQuantised(grid.scales, divisors, LARGEST_STEP, axis)
    )
