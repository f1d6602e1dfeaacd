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

from model_export.export.grid import Floats, Grid, ProductGrid
from model_export.export.int8 import read_products, round_products, seen_of
from model_export.export.integer_products import Rounded
from model_export.export.onnx_graph import export_fp32
from model_export.export.rounding import LARGEST_STEP
from model_export.export.tables import LEAST_ROWS, STEPS, row_scales

WITHIN_STEP = 0.49
"""How far from its step a weight begins at most: within it, nearest rounding gives that very step."""


class FakeQuantised(nn.Module):
    """A weight -> the nearest value of its grid; its gradient goes through, and is 0 beyond the largest step."""

    scales: Tensor
    zeros: Tensor
    divisors: Tensor

    def __init__(self, grid: ProductGrid, largest: int, axis: int) -> None:
        """A grid whose outputs, or rows, are along ``axis`` (0 or 1) of the weight, and whose steps end at ``largest``."""
        super().__init__()
        self.register_buffer("scales", torch.from_numpy(grid.scales))
        self.register_buffer("zeros", torch.zeros(len(grid.scales), dtype=torch.int32))
        self.register_buffer("divisors", torch.from_numpy(grid.divisors).unsqueeze(axis))
        self._divides = bool((grid.divisors > 1).any())
        self._largest = largest
        self._axis = axis

    def forward(self, weight: Tensor) -> Tensor:
        smoothed = weight * self.divisors if self._divides else weight
        rounded: Tensor = torch.fake_quantize_per_channel_affine(
            smoothed, self.scales, self.zeros, self._axis, -self._largest, self._largest
        )
        return rounded / self.divisors if self._divides else rounded

    @property
    def grid(self) -> ProductGrid:
        return ProductGrid(self.scales.cpu().numpy(), self.divisors.flatten().cpu().numpy())


def put_on_grid(network: nn.Module, token_ids: Sequence[Sequence[int]]) -> None:
    """Let ``network`` read its weights rounded as the export to int8 would round them, from now on.

    Args:
        network: trained; int64 (batch, tokens) twice -> logits (batch, 2).
        token_ids: of reviews, to which the rounding is fitted.
    """
    for rounded in _rounded_by_export(network, seen_of(token_ids)):
        module = _module(network, rounded.module)
        if isinstance(module, nn.Linear | Conv1D):
            _put_product(module, rounded)
    for module in list(network.modules()):
        if isinstance(module, nn.Embedding) and module.num_embeddings >= LEAST_ROWS:
            scales = row_scales(module.weight.detach().numpy())
            undivided = np.ones(module.embedding_dim, dtype=np.float32)
            rows = FakeQuantised(ProductGrid(scales, undivided), STEPS, axis=0)
            parametrize.register_parametrization(module, "weight", rows)


def settle_on_grid(network: nn.Module) -> Grid | None:
    """Replace the float weights behind a grid by those on it: the network is then like any other.

    Returns:
        the grid, as the network itself holds it: a run that goes on after a kill has that of its beginning; None
        where there is none.
    """
    products: dict[str, ProductGrid] = {}
    tables: dict[str, Floats] = {}
    for path, parametrization in list(network.named_modules()):
        if not isinstance(parametrization, FakeQuantised):
            continue
        name = path.removesuffix(".parametrizations.weight.0")
        module = network.get_submodule(name)
        if isinstance(module, nn.Embedding):
            tables[name] = parametrization.grid.scales
        else:
            products[name] = parametrization.grid
        parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
    return Grid(products, tables) if products or tables else None


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
    units = torch.from_numpy(grid.scales / grid.divisors[:, None])  # (channels, outputs)
    steps = torch.from_numpy(rounded.steps.astype(np.float32))
    if axis == 0:
        units, steps = units.T, steps.T
    with torch.no_grad():
        module.weight.clamp_((steps - WITHIN_STEP) * units, (steps + WITHIN_STEP) * units)
    parametrize.register_parametrization(module, "weight", FakeQuantised(grid, LARGEST_STEP, axis))
