"""Calibration on held-out reviews: a bias, a temperature, and the confidence below which a person should look."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import expit

Floats = npt.NDArray[np.float64]

RIGHT_SHARE = 0.95
"""What is not flagged for review should be right this often."""


def fit_bias(logits: Floats, labels: Floats) -> float:
    """What to add to every logit so that the mean probability equals the share of positives.

    Training data is rarely balanced as the held-out reviews are; this takes its prior out.
    """
    return _minimise(lambda bias: (float(expit(logits + bias).mean()) - float(labels.mean())) ** 2, -3.0, 3.0)


def fit_temperature(logits: Floats, labels: Floats) -> float:
    """The temperature with the least log loss (Guo et al. 2017, "On Calibration of Modern Neural Networks")."""

    def log_loss(temperature: float) -> float:
        signed = np.where(labels == 1, logits, -logits) / temperature
        return float(np.logaddexp(0, -signed).mean())

    return _minimise(log_loss, 0.05, 10.0)


def fit_review_threshold(scores: Floats, labels: Floats) -> float:
    """The lowest confidence above which the share of right labels is at least ``RIGHT_SHARE``.

    Args:
        scores: calibrated P(positive), (reviews,).
        labels: 1 positive, 0 negative, (reviews,).
    """
    confidence = np.maximum(scores, 1 - scores)
    right = (scores >= 0.5) == (labels == 1)
    for threshold in (percent / 100 for percent in range(50, 100)):
        above = confidence >= threshold
        if above.any() and right[above].mean() >= RIGHT_SHARE:
            return threshold
    return 0.99


def _minimise(loss: Callable[[float], float], low: float, high: float) -> float:
    return float(minimize_scalar(loss, bounds=(low, high), method="bounded").x)
