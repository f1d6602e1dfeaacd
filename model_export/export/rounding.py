"""Weights rounded to int8 so that the errors of each output cancel: GPTQ (Frantar et al. 2023)."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Steps = npt.NDArray[np.int8]

LARGEST_STEP = 64
"""Seven bits: the sum of two products with an activation, 2 x 255 x 64, still fits int16 (see ``quantise_int8``)."""

CLIPPED_SHARES = (1.0, 0.96, 0.92, 0.88, 0.84, 0.8)
"""Scales that are tried: shares of that which just holds the largest weight. Clipping it makes finer steps."""

DAMPING = 0.01
"""Share of the mean square that is added to each channel's, so that the inverse exists (section 3.3 of the paper)."""

BLOCK = 64
"""Channels whose errors are handed on to all later ones in one product, which is the same and faster."""


def choose_scales(matrix: Floats, moments: Floats) -> Floats:
    """One scale an output, (outputs,): of those tried, the one whose plain rounding changes the output least.

    Args:
        matrix: weights, (channels, outputs).
        moments: mean of x xᵀ over the inputs x of the product, (channels, channels).
    """
    power = np.diag(moments)[:, None]
    largest = np.maximum(np.abs(matrix).max(axis=0), np.finfo(np.float32).tiny) / LARGEST_STEP
    scales = [largest * share for share in CLIPPED_SHARES]
    errors = [(((_nearest(matrix / scale) * scale - matrix) ** 2) * power).sum(axis=0) for scale in scales]
    best: Floats = np.choose(np.argmin(errors, axis=0), scales)
    return best


def round_weights(matrix: Floats, moments: Floats) -> Steps:
    """The integers whose product with such inputs is nearest to that of ``matrix``, (channels, outputs).

    Channel after channel is rounded, and what this did to the outputs is taken back, as well as can be, by the
    channels that are still to come.

    Args:
        matrix: weights in units of their scales, (channels, outputs).
        moments: as above.
    """
    order = np.argsort(-np.diag(moments))  # what weighs most first, while many can still take its error back
    damped = moments[np.ix_(order, order)]
    damped += DAMPING * np.mean(np.diag(moments)) * np.eye(len(moments))
    # The upper factor of the inverse: its row says how the error of one channel is shared among the later ones.
    shares = np.linalg.cholesky(np.linalg.inv(damped)).T
    left = matrix[order]
    steps = np.empty(matrix.shape, dtype=np.int8)
    for start in range(0, len(left), BLOCK):
        end = min(start + BLOCK, len(left))
        errors = np.empty((end - start, matrix.shape[1]))
        for channel in range(start, end):
            rounded = _nearest(left[channel])
            steps[order[channel]] = rounded
            errors[channel - start] = (left[channel] - rounded) / shares[channel, channel]
            left[channel + 1 : end] -= np.outer(shares[channel, channel + 1 : end], errors[channel - start])
        left[end:] -= shares[start:end, end:].T @ errors
    return steps


def _nearest(weights: Floats) -> Floats:
    nearest: Floats = np.clip(np.rint(weights), -LARGEST_STEP, LARGEST_STEP)
    return nearest
