"""Bootstrap intervals of many figures at once, with whole products resampled where they are known."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model_export.evaluation.figures import Estimate
from model_export.evaluation.statistic import Floats, Statistics

CONFIDENCE = 0.95

RESAMPLES = 2000
"""Enough for the ends of a 95 % interval (Efron, Tibshirani 1993, section 14.3)."""

FEWEST_GROUPS = 30
"""With fewer groups than this their resampling tells too little (Cameron, Gelbach, Miller 2008)."""

WEIGHTS_AT_A_TIME = 2_000_000
"""Bounds the memory of a step to some 16 MB for each intermediate result."""

Statistic = Callable[[Floats], Statistics]
"""Weights (resamples, rows) -> figures by name, each (resamples,)."""

Estimates = dict[str, Estimate]
"""By name; a figure that is not defined is missing."""


@dataclass(frozen=True)
class Bootstrap:
    """Resamples groups of rows with replacement; the same seed gives the same intervals."""

    resamples: int = RESAMPLES
    seed: int = 7

    def estimates(
        self,
        statistic: Statistic,
        groups: npt.NDArray[np.int64],
        on_progress: Callable[[int, int], None] | None = None,
    ) -> Estimates:
        """Each figure with its interval; those that are not defined are left out.

        Args:
            statistic: computes all figures, so that they share their resamples.
            groups: number of the group of each row, 0 upwards, (rows,).
            on_progress: told how many resamples are done, of how many.
        """
        generator = np.random.default_rng(self.seed)
        count = int(groups.max()) + 1
        step = max(1, WEIGHTS_AT_A_TIME // len(groups))
        parts: list[Statistics] = []
        for start in range(0, self.resamples, step):
            size = min(step, self.resamples - start)
            drawn = generator.multinomial(count, np.full(count, 1 / count), size=size)
            parts.append(statistic(drawn[:, groups].astype(float)))
            if on_progress is not None:
                on_progress(start + size, self.resamples)
        once = statistic(np.ones((1, len(groups))))
        estimates = {
            name: _estimate(float(value[0]), np.concatenate([part[name] for part in parts]))
            for name, value in once.items()
        }
        return {name: estimate for name, estimate in estimates.items() if estimate is not None}


def group_rows(keys: Sequence[Hashable | None]) -> tuple[npt.NDArray[np.int64], bool]:
    """Number the groups of rows with the same key; a row without one is a group of its own.

    Returns:
        The number of each row's group, and whether keys were used: rows stand alone if that leaves fewer than
        ``FEWEST_GROUPS`` groups.
    """
    numbers: dict[Hashable, int] = {}
    groups = [
        numbers.setdefault(("alone", row) if key is None else ("key", key), len(numbers))
        for row, key in enumerate(keys)
    ]
    if len(numbers) < FEWEST_GROUPS or len(numbers) == len(keys):
        return np.arange(len(keys)), False
    return np.array(groups), True


def _estimate(value: float, resampled: Floats) -> Estimate | None:
    """Percentiles, moved by twice the bias that the resamples show.

    A figure such as ECE grows with noise: its resamples lie above the figure as far as the figure lies above the truth, so
    that plain percentiles lie too high twice over. Without bias, as of accuracy, these are the plain percentiles. In
    simulations of 1,000 and 2,000 scores with a true ECE of 0.02 and 0.05 they held it in 79 to 96 of 100 draws, plain
    percentiles in 0 to 77.
    """
    defined = resampled[~np.isnan(resampled)]
    if np.isnan(value) or len(defined) == 0:
        return None
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(defined, [tail, 1 - tail]) - 2 * (defined.mean() - value)
    if defined.min() >= 0:
        low = max(low, 0.0)
    if defined.max() <= 1:
        high = min(high, 1.0)
    return Estimate(value=value, low=float(min(low, value)), high=float(max(high, value)))
