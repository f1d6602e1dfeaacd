"""Parity of each precision with the trained network, on real reviews, within stated bounds."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from schemas.errors import BundleError
from schemas.manifest import Parity, Precision

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Bounds:
    """What a precision may cost before the export is refused."""

    logit: float = np.inf
    """Largest difference of either logit from the trained network's."""
    score: float = 1.0
    """Largest difference of either probability."""
    mean_score: float = 1.0
    """Mean difference of P(positive)."""
    labels: float = 1.0
    """Share of reviews whose label changes."""
    accuracy_drop: float = 1.0
    """Share of reviews by which it may be right less often."""


BOUNDS: dict[Precision, Bounds] = {
    # The same arithmetic in another order: 1e-5 is usual, so a thousandth is a graph that computes something else.
    "fp32": Bounds(logit=1e-3),
    # Eleven significant bits: about 0.001 in a score is usual.
    "fp16": Bounds(score=0.01, mean_score=0.001, labels=0.002, accuracy_drop=0.002),
    # A single review may move far where the network is undecided; few may, and none of it may cost accuracy.
    "int8": Bounds(mean_score=0.02, labels=0.02, accuracy_drop=0.005),
}


def measure_parity(of_torch: Floats, of_variant: Floats, temperatures: tuple[float, float]) -> Parity:
    """Compare logits (reviews, 2) of the trained network with those of a variant, one review a call."""
    shift = np.abs(expit(of_torch / np.array(temperatures)) - expit(of_variant / np.array(temperatures)))
    return Parity(
        reviews=len(of_torch),
        largest_logit_difference=float(np.abs(of_torch - of_variant).max()),
        largest_score_shift=float(shift.max()),
        mean_score_shift=float(shift[:, 0].mean()),
        labels_changed=int(((of_torch[:, 0] >= 0) != (of_variant[:, 0] >= 0)).sum()),
    )


def prove_parity(
    precision: Precision,
    of_torch: Floats,
    of_variant: Floats,
    polarity: Floats,
    temperatures: tuple[float, float],
) -> Parity:
    """Measure a variant and hold it to the bounds of its precision.

    Args:
        precision: of the variant.
        of_torch: logits (reviews, 2) of the trained network.
        of_variant: the variant's, one review a call.
        polarity: labels (reviews,), 1 positive, 0 negative.
        temperatures: of both outputs.

    Raises:
        BundleError: it is too far from the trained network.
    """
    refuse_infinite(f"the network in {precision}", of_variant)
    parity = measure_parity(of_torch, of_variant, temperatures)
    bounds = BOUNDS[precision]
    if parity.largest_logit_difference > bounds.logit:
        raise BundleError(
            f"ONNX {precision} differs from torch by {parity.largest_logit_difference:.2g} in a logit; "
            f"allowed: {bounds.logit}"
        )
    drop = accuracy(of_torch, polarity) - accuracy(of_variant, polarity)
    if drop > bounds.accuracy_drop:
        raise BundleError(
            f"{precision} is worse than the trained network by {drop:.4f} in accuracy; allowed: {bounds.accuracy_drop}"
        )
    allowed = max(1, round(bounds.labels * parity.reviews))
    if (
        parity.largest_score_shift > bounds.score
        or parity.mean_score_shift > bounds.mean_score
        or parity.labels_changed > allowed
    ):
        raise BundleError(
            f"{precision} moves a score by up to {parity.largest_score_shift:.2g}, by {parity.mean_score_shift:.2g} in "
            f"the mean, and changes {parity.labels_changed} of {parity.reviews:,} labels; "
            f"allowed: {bounds.score}, {bounds.mean_score} and {allowed}"
        )
    return parity


def refuse_infinite(network: str, logits: Floats) -> None:
    """Refuse what is no number, as of a network that diverged, or that overflows in 16 bits.

    Raises:
        BundleError: a logit is NaN or infinite.
    """
    if not np.isfinite(logits).all():
        raise BundleError(f"{network} gives logits that are no finite numbers")


def accuracy(logits: Floats, polarity: Floats) -> float:
    """Share of right labels at a probability of 0.5."""
    return float(((logits[:, 0] >= 0) == (polarity == 1)).mean())
