"""Whether the company of a review changes its score is found out, however rarely it does."""

from collections.abc import Sequence

import numpy as np
import pytest

from model_export.export.neighbours import Floats, measure_neighbours, refuse_dependence
from schemas.errors import BundleError
from schemas.manifest import Neighbours

REVIEWS = [[2, number, 3] for number in range(100)]
TEMPERATURES = (1.0, 0.5)


def by_itself(rows: Sequence[Sequence[int]]) -> Floats:
    """Logits of each review's own number: the first half negative."""
    return np.array([(row[1] - 49.5, 1.0) for row in rows])


def with_a_shared_scale(rows: Sequence[Sequence[int]]) -> Floats:
    """The largest number of the call is in everybody's logits, a little."""
    return by_itself(rows) + max(row[1] for row in rows) / 100


def test_a_network_that_reads_each_review_by_itself_is_independent() -> None:
    measured = measure_neighbours(by_itself, REVIEWS, by_itself(REVIEWS), TEMPERATURES)

    assert measured == Neighbours(reviews=100, batch=8, largest_score_shift=0, labels_changed=0)


def test_a_scale_shared_by_a_call_is_found_in_scores_and_labels() -> None:
    alone = np.concatenate([with_a_shared_scale([row]) for row in REVIEWS])

    measured = measure_neighbours(with_a_shared_scale, REVIEWS, alone, TEMPERATURES)

    assert measured.largest_score_shift > 0.05
    assert measured.labels_changed > 0


def test_the_same_network_one_review_a_call_is_independent() -> None:
    alone = np.concatenate([with_a_shared_scale([row]) for row in REVIEWS])

    measured = measure_neighbours(with_a_shared_scale, REVIEWS, alone, TEMPERATURES, batch=1)

    assert (measured.batch, measured.largest_score_shift, measured.labels_changed) == (1, 0, 0)


def test_every_review_is_run_once_in_each_order() -> None:
    seen: list[int] = []

    measure_neighbours(by_itself, REVIEWS, by_itself(REVIEWS), TEMPERATURES, advance=seen.append)

    assert sum(seen) == 2 * len(REVIEWS)


@pytest.mark.parametrize(
    ("reviews", "shift", "labels", "allowed"),
    [
        (2_000, 0.005, 1, True),
        (2_000, 0.0051, 0, False),
        (2_000, 0, 2, False),
        (4_000, 0, 2, True),
        (9, 0, 1, True),
    ],
)
def test_the_bound_is_five_thousandths_and_one_label_in_two_thousand(
    reviews: int, shift: float, labels: int, *, allowed: bool
) -> None:
    measured = Neighbours(reviews=reviews, batch=8, largest_score_shift=shift, labels_changed=labels)
    if allowed:
        refuse_dependence("fp16", measured)
        return
    with pytest.raises(
        BundleError, match="in fp16 a score depends on its neighbours: in calls of 8 it moves"
    ):
        refuse_dependence("fp16", measured)
