"""What a precision may cost, to the bound and not beyond."""

import numpy as np
import pytest

from model_export.export.parity import BOUNDS, Floats, prove_parity
from schemas.errors import BundleError
from schemas.manifest import Precision

REVIEWS = 1_000
TEMPERATURES = (1.0, 2.0)
POLARITY = np.arange(REVIEWS) % 2 == 1


def logits(margin: float = 4.0) -> Floats:
    """Right on every review, by so much."""
    signed = np.where(POLARITY, margin, -margin)
    return np.stack([signed, np.zeros(REVIEWS)], axis=1)


def moved(row: int, by: float, output: int = 0) -> Floats:
    changed = logits()
    changed[row, output] += by
    return changed


def test_the_same_logits_cost_nothing() -> None:
    parity = prove_parity("fp32", logits(), logits(), POLARITY, TEMPERATURES)

    assert (parity.reviews, parity.labels_changed) == (REVIEWS, 0)
    assert parity.largest_logit_difference == parity.largest_score_shift == parity.mean_score_shift == 0


@pytest.mark.parametrize("output", [0, 1])
def test_fp32_is_held_to_its_logits_in_either_output(output: int) -> None:
    allowed = prove_parity("fp32", logits(), moved(5, 0.0009, output), POLARITY, TEMPERATURES)
    assert allowed.largest_logit_difference == pytest.approx(0.0009)

    with pytest.raises(
        BundleError, match=r"ONNX fp32 differs from torch by 0\.01 in a logit; allowed: 0\.001"
    ):
        prove_parity("fp32", logits(), moved(5, -0.01, output), POLARITY, TEMPERATURES)


def test_a_shift_is_measured_in_the_calibrated_score() -> None:
    parity = prove_parity("int8", logits(), moved(5, 2.0, output=1), POLARITY, TEMPERATURES)

    assert parity.largest_score_shift == pytest.approx(1 / (1 + np.exp(-1)) - 0.5)
    assert parity.mean_score_shift == 0


def test_a_precision_that_is_right_less_often_is_refused() -> None:
    wrong = logits()
    wrong[: 2 * int(BOUNDS["int8"].accuracy_drop * REVIEWS), 0] *= -0.01

    with pytest.raises(BundleError, match=r"int8 is worse than the trained network by 0\.0100 in accuracy"):
        prove_parity("int8", logits(0.01), wrong, POLARITY, TEMPERATURES)


def test_labels_that_change_both_ways_are_refused_though_the_accuracy_stays() -> None:
    undecided = logits(0.01)
    undecided[:60, 0] *= np.where(np.arange(60) < 30, -1, 1)
    other = undecided.copy()
    other[:60, 0] *= -1

    with pytest.raises(BundleError, match=r"changes 60 of 1,000 labels; allowed: 1\.0, 0\.02 and 20"):
        prove_parity("int8", undecided, other, POLARITY, TEMPERATURES)


def test_fp16_may_not_move_any_score_far() -> None:
    with pytest.raises(BundleError, match=r"fp16 moves a score by up to 0\.25"):
        prove_parity("fp16", logits(), moved(5, 2.2, output=1), POLARITY, TEMPERATURES)


@pytest.mark.parametrize("precision", BOUNDS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_logit_that_is_no_number_is_refused(precision: Precision, value: float) -> None:
    with pytest.raises(BundleError, match=f"the network in {precision} gives logits that are no finite"):
        prove_parity(precision, logits(), moved(7, value), POLARITY, TEMPERATURES)
