"""Which texts count as the same, or nearly, and that families of them are found whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_export.data.duplicates import near_texts, same_text_key, same_texts, similarity, without_texts_of
from model_export.data.reviews import LabelledReview

LONG = "The kettle boils fast and is quiet, but after two weeks the lid broke and nobody at the shop would answer me."


def review(text: str) -> LabelledReview:
    return LabelledReview(text, polarity=1.0, intensity=None)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It  BROKE, at once!", "it broke at once"),
        ("水壶 很好,喜欢", "水壶很好 喜欢。"),
        ("Good tent", " good  tent\n"),
    ],
)
def test_case_spaces_and_punctuation_make_no_other_text(one: str, other: str) -> None:
    assert same_text_key(one) == same_text_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("ok :)", "ok :("), ("👍", "👎"), ("it works fine 👍", "it works fine 👎"), ("!", "?"), ("ab", "a b c")],
)
def test_what_turns_the_meaning_makes_another_text(one: str, other: str) -> None:
    assert same_text_key(one) != same_text_key(other)


def test_a_text_is_near_to_one_with_a_sentence_more() -> None:
    near = "Not happy. " + LONG
    texts = [
        LONG,
        "Another text of many words that has nothing to do with it.",
        near,
        "short",
        "short",
        near + "!",
    ]

    assert near_texts(texts).tolist() == [0, 1, 0, 3, 3, 0]


def test_families_are_closed() -> None:
    words = [f"w{number}" for number in range(60)]
    chain = [" ".join(words[start : start + 50]) for start in (0, 4, 8)]

    assert similarity(chain[0], chain[2]) < 0.8 < similarity(chain[0], chain[1])
    assert near_texts(chain).tolist() == [0, 0, 0]


def test_a_text_of_which_half_is_new_is_not_near() -> None:
    assert near_texts([LONG, LONG + " " + " ".join(f"w{n}" for n in range(20))]).tolist() == [0, 1]


@given(st.lists(st.text(alphabet="aAbB ,.ß👍", max_size=5), max_size=12))
def test_texts_that_are_the_same_are_near(texts: list[str]) -> None:
    same, near = same_texts(texts), near_texts(texts)

    assert [near[row] for row in same] == near.tolist()
    assert all(first <= row for row, first in enumerate(near))


def test_of_no_texts_none_are_near() -> None:
    assert near_texts([]).tolist() == []


def test_thousands_of_copies_are_one_family_in_little_time() -> None:
    texts = [f"{LONG} {number}" for number in range(2000)]

    assert not near_texts(texts).any()


def test_progress_is_told() -> None:
    told: list[int] = []

    near_texts([f"text {number}" for number in range(2500)], told.append)

    assert told == [1000, 2000]


def test_a_held_out_text_is_left_out_however_it_is_spelled() -> None:
    rows = [review("It  BROKE, at once!"), review("It holds.")]

    assert without_texts_of(rows, [review("it broke at once")]) == rows[1:]


spellings = st.text(alphabet="aAbB ,.ß", max_size=4).map(review)


@given(st.lists(spellings, max_size=12), st.lists(spellings, max_size=6))
def test_leaving_out_leaves_nothing_held_out_and_no_text_twice(
    rows: list[LabelledReview], held_out: list[LabelledReview]
) -> None:
    kept = without_texts_of(rows, held_out)

    assert without_texts_of(kept, held_out) == kept
    assert without_texts_of(rows, kept + held_out) == []
    assert [row for row in rows if any(row is other for other in kept)] == kept


def test_families_are_numbered_by_their_first_text() -> None:
    assert near_texts(["b", "a", "b"]).dtype == np.int64
    assert near_texts(["b", "a", "b"]).tolist() == [0, 1, 0]
