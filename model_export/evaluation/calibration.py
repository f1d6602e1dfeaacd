"""Whether a score of 0.8 is right eight times in ten: before and after temperature scaling."""

import numpy as np
from scipy.special import expit, logit

from model_export.evaluation.bootstrap import Estimates
from model_export.evaluation.figures import Bin, Calibration
from model_export.evaluation.measured import Measured
from model_export.evaluation.statistic import (
    CALIBRATION_BINS,
    Floats,
    Statistics,
    bin_members,
    brier,
    calibration_error,
    ratio,
)
from schemas.events import SCORE_DECIMALS

CHANCE_DRAWS = 500


def uncalibrated(scores: Floats, temperature: float) -> Floats:
    """What ``scores`` = sigmoid(logit / temperature) were before they were divided; exact to their rounding."""
    least = 0.5 * 10**-SCORE_DECIMALS
    before: Floats = expit(logit(np.clip(scores, least, 1 - least)) * temperature)
    return before


def calibration_statistics(measured: Measured, temperature: float, weights: Floats) -> Statistics:
    """ECE, Brier score and the bins of the reliability diagram, of both."""
    figures: dict[str, Floats] = {}
    for name, scores in _both(measured, temperature).items():
        members = bin_members(scores)
        shares = ratio(weights @ (members * measured.actual[:, None]), weights @ members)
        figures[f"ece_{name}"] = calibration_error(weights, scores, measured.actual)
        figures[f"brier_{name}"] = brier(weights, scores, measured.actual)
        figures.update({f"bin_{name}_{number}": shares[:, number] for number in range(CALIBRATION_BINS)})
    return figures


def read_calibration(measured: Measured, temperature: float, estimates: Estimates, seed: int) -> Calibration:
    """The estimates of ``calibration_statistics`` by meaning."""

    def bins(name: str, scores: Floats) -> tuple[Bin, ...]:
        members = bin_members(scores) > 0
        return tuple(
            Bin(
                reviews=int(members[:, number].sum()),
                mean_score=float(scores[members[:, number]].mean()),
                positive_share=estimates[f"bin_{name}_{number}"],
            )
            for number in range(CALIBRATION_BINS)
            if members[:, number].any()
        )

    both = _both(measured, temperature)
    return Calibration(
        temperature=temperature,
        ece_before=estimates["ece_before"],
        ece_after=estimates["ece_after"],
        ece_by_chance=error_by_chance(measured.scores, seed),
        brier_before=estimates["brier_before"],
        brier_after=estimates["brier_after"],
        bins_before=bins("before", both["before"]),
        bins_after=bins("after", both["after"]),
    )


def error_by_chance(scores: Floats, seed: int) -> float:
    """Mean ECE of labels drawn from ``scores`` themselves: honest scores, and no more reviews than there are.

    The idea is the consistency resampling of Bröcker and Smith 2007, "Increasing the Reliability of Reliability Diagrams".
    """
    generator = np.random.default_rng(seed)
    members = bin_members(scores)
    errors = [
        np.abs((scores - (generator.random(len(scores)) < scores)) @ members).sum() / len(scores)
        for _ in range(CHANCE_DRAWS)
    ]
    return float(np.mean(errors))


def _both(measured: Measured, temperature: float) -> dict[str, Floats]:
    return {"before": uncalibrated(measured.scores, temperature), "after": measured.scores}
