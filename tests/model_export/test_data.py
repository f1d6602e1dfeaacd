"""Which rows teach what, which are refused, and that nothing held out is trained on."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_export.data.reviews import LabelledReview, parse_row, read_labelled, read_rated, without_texts_of
from schemas.errors import TrainingDataError

PLACE = "reviews.jsonl:7"


def parse(**fields: Any) -> LabelledReview | None:
    return parse_row((PLACE, {"text": "fine", **fields}))


def write(path: Path, *rows: dict[str, Any]) -> Path:
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def review(text: str) -> LabelledReview:
    return LabelledReview(text, polarity=1.0, intensity=None)


@pytest.mark.parametrize(
    ("rating", "polarity", "intensity"),
    [(1, 0.0, 1.0), (2, 0.0, 0.0), (4, 1.0, 0.0), (5, 1.0, 1.0), (4.5, 1.0, 0.0)],
)
def test_stars_teach_both_heads(rating: float, polarity: float, intensity: float) -> None:
    assert parse(rating=rating) == LabelledReview("fine", polarity, intensity)


@pytest.mark.parametrize("fields", [{"rating": 3}, {}, {"rating": None, "label": None}])
def test_a_row_that_takes_no_side_teaches_nothing(fields: dict[str, Any]) -> None:
    assert parse(**fields) is None


def test_a_label_alone_teaches_polarity_only() -> None:
    assert parse(label=1) == LabelledReview("fine", polarity=1.0, intensity=None)


def test_a_label_outranks_the_stars_for_polarity() -> None:
    assert parse(label=0, rating=5) == LabelledReview("fine", polarity=0.0, intensity=1.0)


def test_domain_and_source_are_kept_and_else_unknown() -> None:
    named, unnamed = parse(label=1, domain="books", source="shop"), parse(label=1, domain=None)

    assert named is not None
    assert unnamed is not None
    assert (named.domain, named.source) == ("books", "shop")
    assert (unnamed.domain, unnamed.source) == ("unknown", "unknown")


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"text": "", "label": 1}, "'text' is missing or empty"),
        ({"text": " \n", "label": 1}, "'text' is missing or empty"),
        ({"text": 5, "label": 1}, "'text' is missing or empty"),
        ({"rating": 0}, "'rating' must be a number from 1 to 5, not 0"),
        ({"rating": 6}, "'rating' must be a number from 1 to 5, not 6"),
        ({"rating": "5"}, "'rating' must be a number from 1 to 5, not '5'"),
        ({"rating": float("nan")}, "'rating' must be a number from 1 to 5, not nan"),
        ({"label": -1}, "'label' must be a number from 0 to 1, not -1"),
        ({"label": True}, "'label' must be a number from 0 to 1, not True"),
    ],
)
def test_a_bad_field_is_refused_with_its_place(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(TrainingDataError, match=rf"^{PLACE}: field {complaint}"):
        parse(**fields)


@pytest.mark.parametrize("name", ["reviews.jsonl", "reviews.jsonl.gz"])
def test_a_file_is_read_in_order_without_the_rows_that_teach_nothing(tmp_path: Path, name: str) -> None:
    rows = [{"text": "schön", "rating": 5}, {"text": "so-so", "rating": 3}, {"text": "bad", "label": 0}]

    assert [read.text for read in read_labelled(write(tmp_path / name, *rows))] == ["schön", "bad"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'{"text": "a", "label": 1}\n{"text": "b"', ":2: not JSON"),
        (b'{"text": "a", "label": 1}\n[1]\n', ":2: not a JSON object"),
        (b'{"text": "a", "label": 1}\n{"label": 1}\n', ":2: field 'text' is missing"),
        (b'{"text": "\xff", "label": 1}\n', ": cannot be read"),
        (b'{"text": "a", "rating": 3}\n', ": no row has a label or a rating"),
        (b"", ": no row has a label or a rating"),
    ],
)
def test_a_bad_file_is_refused_with_the_line(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "reviews.jsonl"
    path.write_bytes(content)

    with pytest.raises(TrainingDataError, match=rf"reviews\.jsonl{complaint}"):
        read_labelled(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match=r"cannot be read: .*No such file"):
        read_labelled(tmp_path / "nowhere.jsonl")


@pytest.mark.parametrize("damage", ["truncated", "garbled", "not gzip"])
def test_a_damaged_archive_is_refused(tmp_path: Path, damage: str) -> None:
    path = write(tmp_path / "reviews.jsonl.gz", *({"text": f"t{n * n}", "label": 1} for n in range(500)))
    content = path.read_bytes()
    half = len(content) // 2
    path.write_bytes(
        {
            "truncated": content[:half],
            "garbled": content[:half] + b"\xff" * 64 + content[half + 64 :],
            "not gzip": b'{"text": "a", "label": 1}\n',
        }[damage]
    )

    with pytest.raises(TrainingDataError, match=r"reviews\.jsonl\.gz"):
        read_labelled(path)


def test_rated_texts_are_read(tmp_path: Path) -> None:
    path = write(
        tmp_path / "rated.jsonl", {"text": "good", "intensity": 0.5}, {"text": "bad", "intensity": -1}
    )

    assert read_rated(path) == [("good", 0.5), ("bad", -1.0)]


@pytest.mark.parametrize("row", [{"text": "good"}, {"intensity": 0.5}, {"text": 1, "intensity": 0.5}])
def test_a_rated_row_needs_both_fields(tmp_path: Path, row: dict[str, Any]) -> None:
    with pytest.raises(TrainingDataError, match=r"rated\.jsonl:1: fields 'text' and 'intensity' are needed"):
        read_rated(write(tmp_path / "rated.jsonl", row))


def test_a_held_out_text_is_left_out_however_it_is_spelled() -> None:
    rows = [review("It  BROKE, at once!"), review("It holds.")]

    assert without_texts_of(rows, [review("it broke at once")]) == rows[1:]


def test_the_first_of_repeated_texts_is_kept() -> None:
    rows = [review("Good tent."), review("good tent"), review("Good lamp.")]

    assert without_texts_of(rows, []) == [rows[0], rows[2]]


spellings = st.text(alphabet="aAbB ,.ß", max_size=4).map(review)


@given(st.lists(spellings, max_size=12), st.lists(spellings, max_size=6))
def test_leaving_out_leaves_nothing_held_out_and_no_text_twice(
    rows: list[LabelledReview], held_out: list[LabelledReview]
) -> None:
    kept = without_texts_of(rows, held_out)

    assert without_texts_of(kept, held_out) == kept
    assert without_texts_of(rows, kept + held_out) == []
    assert [row for row in rows if any(row is other for other in kept)] == kept
