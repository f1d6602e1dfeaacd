"""Which rows teach what, which are refused, and how the refusal says what to do."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from model_export.data.labels import polarity_names
from model_export.data.reviews import (
    Columns,
    LabelledReview,
    Reading,
    Tally,
    parse_row,
    read_labelled,
    read_rated,
)
from model_export.data.sources import BadRow, Row
from schemas.errors import ConfigurationError, TrainingDataError

PLACE = "reviews.jsonl:7"


def parse(**fields: Any) -> LabelledReview | BadRow | None:
    return parse_row(Row(PLACE, {"text": "fine", **fields}))


def write(path: Path, *rows: dict[str, Any]) -> Path:
    content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


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


def test_a_row_without_stars_or_label_keeps_what_it_says_of_strength() -> None:
    assert parse(intensity="strong") == LabelledReview("fine", polarity=None, intensity=1.0)


def test_what_else_is_known_is_kept() -> None:
    named = parse(label=1, domain="books", source="shop", product_id=17, language="de")
    unnamed = parse(label=1, domain=None, product_id="")

    assert named == LabelledReview("fine", 1.0, None, "books", "shop", "17", "de")
    assert unnamed == LabelledReview("fine", 1.0, None, "unknown", "unknown", None, None)


@pytest.mark.parametrize(
    ("label", "polarity"),
    [
        *[
            (label, 1.0)
            for label in ("positive", "Pos", " POSITIVE ", 1, 1.0, "1", "1.0", True, "true", "yes")
        ],
        *[(label, 0.0) for label in ("negative", "NEG", 0, 0.0, "0", False, "False", "no")],
        *[(label, None) for label in ("", None, "neutral", "Mixed")],
        (0.25, 0.25),
    ],
)
def test_labels_are_read_as_shops_write_them(label: object, polarity: float | None) -> None:
    parsed = parse(label=label, intensity=1)

    assert isinstance(parsed, LabelledReview)
    assert parsed.polarity == polarity


@pytest.mark.parametrize(
    ("written", "intensity"),
    [
        ("5", 1.0),
        ("4.0", 0.0),
        ("4,5", 0.0),
        ("1 star", 1.0),
        ("4 Stars", 0.0),
        ("5.0 out of 5 stars", 1.0),
        ("2/5", 0.0),
    ],
)
def test_stars_are_read_as_shops_write_them(written: str, intensity: float) -> None:
    parsed = parse(rating=written)

    assert isinstance(parsed, LabelledReview)
    assert parsed.intensity == intensity


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"text": "", "label": 1}, "no text"),
        ({"text": " \n", "label": 1}, "no text"),
        ({"text": 5, "label": 1}, "no text"),
        *[
            ({"rating": stars}, "stars that are no number from 1 to 5")
            for stars in (0, 6, "five", "nan", True, [5])
        ],
        ({"rating": float("nan")}, "stars that are no number from 1 to 5"),
        *[
            ({"label": label}, "a label of unknown meaning")
            for label in (-1, 2, "good", float("nan"), [1], 1.5)
        ],
        ({"label": 1, "intensity": "very"}, "a label of unknown meaning"),
    ],
)
def test_a_bad_field_is_told_with_its_place(fields: dict[str, Any], kind: str) -> None:
    parsed = parse(**fields)

    assert isinstance(parsed, BadRow)
    assert (parsed.place, parsed.kind) == (PLACE, kind)


def test_half_a_surrogate_pair_becomes_a_question_mark() -> None:
    parsed = parse(text="ok \ud83d", label=1)

    assert isinstance(parsed, LabelledReview)
    assert parsed.text == "ok ?"


def test_labels_of_another_meaning_are_named() -> None:
    names = polarity_names(positive=["2"], negative=["1"], unlabelled=["3"])

    assert [names.probability(value) for value in (2, "1", 3, None)] == [1.0, 0.0, None, None]


def test_one_class_cannot_be_named_alone() -> None:
    with pytest.raises(ConfigurationError, match="--positive-label and --negative-label go together"):
        polarity_names(positive=["2"])


def test_columns_are_named(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("sku,review_body,stars\nA1,Boils fast.,5\n")
    columns = Columns(text="review_body", rating="stars", product_id="sku")

    assert read_labelled(path, Reading(columns)) == [
        LabelledReview("Boils fast.", 1.0, 1.0, product_id="A1"),
    ]


@pytest.mark.parametrize(
    ("header", "columns", "complaint"),
    [
        (
            "body,label",
            Columns(),
            r"no column 'text'; there are: body, label; name the right one with --text-column",
        ),
        (
            "text,stars",
            Columns(),
            r"no column 'label' or 'rating'; there are: text, stars; .*--rating-column",
        ),
        (
            "text,label",
            Columns(product_id="sku"),
            r"no column 'sku'; there are: text, label; .* --product-column",
        ),
    ],
)
def test_a_missing_column_is_refused_with_those_there_are(
    tmp_path: Path, header: str, columns: Columns, complaint: str
) -> None:
    path = tmp_path / "export.csv"
    path.write_text(f"{header}\nfine,1\n")

    with pytest.raises(TrainingDataError, match=complaint):
        read_labelled(path, Reading(columns))


def test_all_bad_rows_are_counted_before_reading_ends(tmp_path: Path) -> None:
    rows = [
        {"text": "a", "label": 1},
        {"text": "", "label": 1},
        {"text": "b", "label": "good"},
        {"text": " ", "label": 0},
    ]
    path = write(tmp_path / "reviews.jsonl", *rows)

    with pytest.raises(TrainingDataError) as refused:
        read_labelled(path)

    assert str(refused.value).startswith(
        f"{path}: 3 of 4 rows cannot be used: no text: 2 (first {path}:2); "
        f"a label of unknown meaning: 1 (first {path}:3: 'good'). Mend them, or leave them out with --skip-bad-rows."
    )
    assert "--positive-label" in str(refused.value)


def test_bad_rows_can_be_left_out_and_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "reviews.jsonl"
    path.write_text('{"text": "a", "label": 1}\nnonsense\n[1]\n{"text": "so-so", "rating": 3}\n')
    tally = Tally()

    assert [read.text for read in read_labelled(path, Reading(skip_bad_rows=True), tally)] == ["a"]
    assert (tally.rows, tally.unlabelled) == (4, 1)
    assert tally.bad == {"not JSON": 1, "not a JSON object": 1}


@pytest.mark.parametrize("name", ["reviews.jsonl", "reviews.jsonl.gz"])
def test_a_file_is_read_in_order_without_the_rows_that_teach_nothing(tmp_path: Path, name: str) -> None:
    rows = [{"text": "schön", "rating": 5}, {"text": "so-so", "rating": 3}, {"text": "bad", "label": 0}]

    assert [read.text for read in read_labelled(write(tmp_path / name, *rows))] == ["schön", "bad"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'{"text": "a", "label": 1}\n{"text": "b"', r"not JSON: 1 \(first .*reviews\.jsonl:2"),
        (b'{"text": "a", "label": 1}\n[1]\n', r"not a JSON object: 1 \(first .*reviews\.jsonl:2"),
        (b'{"text": "a", "label": 1}\n{"label": 1}\n', r"no text: 1 \(first .*reviews\.jsonl:2"),
        (b'[{"text": "a", "label": 1}]', "one JSON array"),
        (b'{"text": "a", "rating": 3}\n', r"no row has a label or a rating, of 1 read"),
        (b"", r"no row has a label or a rating, of 0 read"),
    ],
)
def test_a_bad_file_is_refused_with_the_line(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "reviews.jsonl"
    path.write_bytes(content)

    with pytest.raises(TrainingDataError, match=complaint):
        read_labelled(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match=r"cannot be read: .*No such file"):
        read_labelled(tmp_path / "nowhere.jsonl")


@pytest.mark.parametrize("damage", ["truncated", "garbled"])
def test_a_damaged_archive_is_refused(tmp_path: Path, damage: str) -> None:
    path = write(tmp_path / "reviews.jsonl.gz", *({"text": f"t{n * n}", "label": 1} for n in range(500)))
    content = path.read_bytes()
    half = len(content) // 2
    path.write_bytes(
        {
            "truncated": content[:half],
            "garbled": content[:half] + b"\xff" * 64 + content[half + 64 :],
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
    with pytest.raises(TrainingDataError, match=r"rated\.jsonl:1: fields 'text' and 'intensity'"):
        read_rated(write(tmp_path / "rated.jsonl", row))
