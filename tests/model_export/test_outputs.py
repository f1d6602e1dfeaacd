"""What an existing classifier's outputs stand for is read from their names, or asked for."""

import pytest

from model_export.export.outputs import Outputs, read_outputs
from schemas.errors import BundleError

STARS = Outputs(negative=(0, 1), positive=(3, 4), extreme=(0, 4), moderate=(1, 3))


@pytest.mark.parametrize(
    "names",
    [
        ("1 star", "2 stars", "3 stars", "4 stars", "5 stars"),
        ("1", "2", "3", "4", "5"),
        ("LABEL_0", "LABEL_1", "LABEL_2", "LABEL_3", "LABEL_4"),
        ("Very Negative", "Negative", "Neutral", "Positive", "Very Positive"),
        ("very_negative", "negative", "neutral", "positive", "very-positive"),
    ],
)
def test_five_stars_are_known_by_any_of_their_names(names: tuple[str, ...]) -> None:
    assert read_outputs(names) == STARS


def test_stars_may_stand_in_any_order() -> None:
    assert read_outputs(("5 stars", "4 stars", "3 stars", "2 stars", "1 star")) == Outputs(
        negative=(4, 3), positive=(1, 0), extreme=(4, 0), moderate=(3, 1)
    )


@pytest.mark.parametrize(
    ("names", "negative", "positive"),
    [
        (("NEGATIVE", "POSITIVE"), 0, 1),
        (("pos", "neg"), 1, 0),
        (("LABEL_0", "LABEL_1"), 0, 1),
        (("negative", "neutral", "positive"), 0, 2),
        (("neutral", "positive", "negative"), 2, 1),
        (("1 star", "5 stars"), 0, 1),
    ],
)
def test_two_or_three_outputs_have_two_sides_and_no_grades(
    names: tuple[str, ...], negative: int, positive: int
) -> None:
    assert read_outputs(names) == Outputs(negative=(negative,), positive=(positive,))


@pytest.mark.parametrize(
    "names",
    [
        ("spam", "ham"),
        ("negative", "neutral"),
        ("positive", "very positive"),
        ("negative", "LABEL_1"),
        ("negative", "very negative", "positive"),
        ("1 star", "1 star", "3 stars", "4 stars", "5 stars"),
    ],
)
def test_names_that_do_not_say_it_are_asked_for(names: tuple[str, ...]) -> None:
    with pytest.raises(
        BundleError, match=rf"{names[0]}, {names[1]}.*; say it in their order, as in --outputs"
    ):
        read_outputs(names)


@pytest.mark.parametrize("count", [1, 4, 6])
def test_another_number_of_outputs_is_refused(count: int) -> None:
    with pytest.raises(BundleError, match=f"two, three or five outputs is needed, not of {count}: LABEL_0"):
        read_outputs([f"LABEL_{number}" for number in range(count)])
