"""Does a review's score depend on the reviews beside it? The same reviews alone, and in batches of two orders."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from schemas.errors import BundleError
from schemas.manifest import Neighbours

Floats = npt.NDArray[np.float64]
TokenIds = Sequence[int]
Call = Callable[[Sequence[TokenIds]], npt.ArrayLike]
"""The reviews of one call of a network -> their logits (reviews, 2)."""

BATCH = 8
ORDERS = 2

LARGEST_SHIFT = 0.005
"""Of a score between two companies: a product's mean over its reviews then moves by less than any report shows."""

LABELS_CHANGED = 1 / 2_000
"""Share of reviews whose label may depend on their neighbours; of fewer reviews than 2,000, one may."""


def measure_neighbours(
    call: Call,
    token_ids: Sequence[TokenIds],
    alone: Floats,
    temperatures: tuple[float, float],
    *,
    batch: int = BATCH,
    advance: Callable[[int], None] = lambda _reviews: None,
) -> Neighbours:
    """Score all reviews in calls of ``batch`` in two shuffled orders, and compare with each alone.

    Args:
        call: runs one call; calls come from several threads.
        token_ids: of the reviews.
        alone: logits (reviews, 2) of each review in a call of its own.
        temperatures: of both outputs: score = sigmoid(logit / temperature).
        batch: reviews of one call; 1 compares reviews alone with reviews alone.
        advance: is told how many more reviews were scored.
    """
    shuffle = np.random.default_rng(7)
    runs = [alone]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in range(ORDERS):
            order = shuffle.permutation(len(token_ids)).tolist()
            calls = [order[start : start + batch] for start in range(0, len(order), batch)]
            logits = np.empty_like(alone)
            for rows, run in zip(
                calls, pool.map(lambda rows: call([token_ids[row] for row in rows]), calls), strict=True
            ):
                logits[rows] = run
                advance(len(rows))
            runs.append(logits)
    return compare(np.array(runs), temperatures, batch)


def compare(runs: Floats, temperatures: tuple[float, float], batch: int) -> Neighbours:
    """How far the runs are apart in the worst review; logits (runs, reviews, 2)."""
    scores = expit(runs / np.array(temperatures))
    positive = runs[:, :, 0] >= 0
    return Neighbours(
        reviews=runs.shape[1],
        batch=batch,
        largest_score_shift=float(np.ptp(scores, axis=0).max()),
        labels_changed=int((positive.any(axis=0) & ~positive.all(axis=0)).sum()),
    )


def refuse_dependence(precision: str, measured: Neighbours) -> None:
    """Hold what was measured to the bounds.

    Raises:
        BundleError: a score moves, or labels change, by more than is allowed.
    """
    allowed = max(1, int(LABELS_CHANGED * measured.reviews))
    if measured.largest_score_shift > LARGEST_SHIFT or measured.labels_changed > allowed:
        raise BundleError(
            f"in {precision} a score depends on its neighbours: in calls of {measured.batch} it moves by up to "
            f"{measured.largest_score_shift:.2g}, and {measured.labels_changed} of {measured.reviews:,} labels change; "
            f"allowed: {LARGEST_SHIFT} and {allowed}"
        )
