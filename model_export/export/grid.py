"""The int8 grid that a network was trained on: the values that its weights can take, kept beside them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file

from schemas.errors import BundleError

Floats = npt.NDArray[np.float32]

GRID_FILE = "grid.safetensors"

OFF_GRID = 0.01
"""Of a step: more is no rounding error of float32, whose worst here is a few 64 x 2**-23."""


@dataclass(frozen=True)
class ProductGrid:
    """Of a matrix (channels, outputs): a weight is a whole number of steps times ``scale / divisor``."""

    scales: Floats
    """Of each output, (outputs,)."""
    divisors: Floats
    """Of each channel, (channels,): what smoothing divides it by; 1 where it does not."""


@dataclass(frozen=True)
class Grid:
    """By the torch module whose weight it is, the grid of each matrix and the scales (rows,) of each table."""

    products: Mapping[str, ProductGrid] = field(default_factory=dict)
    tables: Mapping[str, Floats] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        arrays = {f"{module}.rows": scales for module, scales in self.tables.items()}
        for module, product in self.products.items():
            arrays |= {f"{module}.scales": product.scales, f"{module}.divisors": product.divisors}
        save_file(arrays, folder / GRID_FILE)

    @classmethod
    def load(cls, folder: Path) -> "Grid":
        """Of a checkpoint; empty where it was not trained on one."""
        if not (folder / GRID_FILE).exists():
            return cls()
        arrays = load_file(folder / GRID_FILE)
        products = [name.removesuffix(".scales") for name in arrays if name.endswith(".scales")]
        return cls(
            {name: ProductGrid(arrays[f"{name}.scales"], arrays[f"{name}.divisors"]) for name in products},
            {name.removesuffix(".rows"): rows for name, rows in arrays.items() if name.endswith(".rows")},
        )


def steps_on(weights: npt.NDArray[np.floating], name: str, largest: int) -> npt.NDArray[np.int8]:
    """Weights that stand on their grid as whole steps.

    Args:
        weights: in units of their scales.
        name: of the module, for people.
        largest: step.

    Raises:
        BundleError: they stand elsewhere.
    """
    steps = np.rint(weights)
    if np.abs(weights - steps).max() > OFF_GRID or np.abs(steps).max() > largest:
        raise BundleError(
            f"the weights of {name} are not on the int8 grid in {GRID_FILE}: they were changed after the training on it"
        )
    whole: npt.NDArray[np.int8] = steps.astype(np.int8)
    return whole
