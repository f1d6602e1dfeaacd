"""From files to parts: what is left out, that nothing leaks, and what is written down of it."""

import csv
import gzip
import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from model_export.data.cleaning import Cleaning
from model_export.data.prepare import Choices, Given, OnLeak, Prepared, prepare
from model_export.data.record import write_record
from model_export.data.report import Fate
from model_export.data.reviews import read_labelled
from schemas.errors import TrainingDataError

Write = Callable[..., Path]
WORDS = [f"word{number}" for number in range(500)]


def fields(number: int, **more: Any) -> dict[str, Any]:
    """A review of twelve words that no other has so, every other one positive, four to a product."""
    text = " ".join(random.Random(number).choices(WORDS, k=12))
    return {"text": text, "rating": 5 if number % 2 else 1, "product_id": f"p{number // 4}", **more}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, *rows: dict[str, Any]) -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


def fates(prepared: Prepared) -> dict[str, int]:
    return dict(Counter(fate.value for fate in prepared.fates))


def test_parts_are_taken_from_the_data_where_none_are_given(write: Write) -> None:
    prepared = prepare(Given([write("all.jsonl", *map(fields, range(400)))]))

    products = [
        {review.product_id for review in prepared.part(fate)}
        for fate in (Fate.TRAINING, Fate.DEV, Fate.HELD_OUT)
    ]
    assert fates(prepared) == {"training": 320, "dev": 40, "held-out": 40}
    assert not products[0] & (products[1] | products[2])
    assert not products[1] & products[2]


def test_no_part_is_taken_where_one_is_given(write: Write) -> None:
    data = write("all.jsonl", *map(fields, range(100)))
    dev = write("dev.jsonl", *map(fields, range(200, 240)))

    assert fates(prepare(Given([data], dev=[dev]))) == {"training": 100, "dev": 40}


def test_what_would_teach_nothing_or_wrong_is_left_out_and_counted(write: Write) -> None:
    good = [fields(number) for number in range(100)]
    rows = [
        *good,
        {**good[0], "text": good[0]["text"].upper() + "!"},
        {**good[1], "text": good[1]["text"] + " word0 word1"},
        {**good[2], "rating": 6 - good[2]["rating"]},
        {**good[3], "text": "<br/> \u2060"},
        {**good[3], "text": "long " * 5000},
    ]
    prepared = prepare(Given([write("all.jsonl", *rows)]), choices=Choices(dev_share=0, held_out_share=0))

    assert prepared.report.left_out == {
        "too short": 1,
        "too long": 1,
        "contradicting labels": 2,
        "same text as another": 1,
        "nearly the same text as another": 1,
        "shares text or product with a dev or held-out review": 0,
    }
    assert prepared.report.contradictions == 1
    assert prepared.report.parts["training"].reviews == 99
    assert prepared.report.rows == 105


def test_duplicates_can_be_kept_and_stay_in_one_part(write: Write) -> None:
    rows = [fields(number, product_id=None) for number in range(200)]
    prepared = prepare(Given([write("all.jsonl", *rows, *rows)]), choices=Choices(drop_duplicates=False))

    assert sum(fates(prepared).values()) == 400
    assert prepared.fates[:200].tolist() == prepared.fates[200:].tolist()


def test_texts_stay_as_they_were_read_and_markup_is_counted(write: Write) -> None:
    rows = [
        fields(number, text=f"<p>{fields(number)['text']}</p> see http://shop.example")
        for number in range(40)
    ]
    prepared = prepare(Given([write("all.jsonl", *rows)]), choices=Choices(dev_share=0, held_out_share=0))

    assert [review.text for review in prepared.part(Fate.TRAINING)] == [row["text"] for row in rows]
    assert prepared.report.rewritten == {
        "control characters": 0,
        "white space": 0,
        "HTML entities": 0,
        "URLs": 40,
        "HTML tags": 40,
    }


def test_markup_is_counted_where_nothing_is_rewritten_too(write: Write) -> None:
    rows = [fields(number, text=f"{fields(number)['text']} &amp;") for number in range(40)]
    choices = Choices(cleaning=Cleaning.NONE, dev_share=0, held_out_share=0)

    assert (
        prepare(Given([write("all.jsonl", *rows)]), choices=choices).report.rewritten["HTML entities"] == 40
    )


@pytest.fixture
def leaking(write: Write) -> Given:
    """Of 100 training reviews one has a dev review's text, and four others its product."""
    text = fields(7)["text"]
    dev = [fields(number) for number in range(200, 240)]
    dev[0] |= {"text": f"{text}!", "product_id": "other"}
    dev[1] |= {"product_id": "p5"}
    return Given([write("all.jsonl", *map(fields, range(100)))], dev=[write("dev.jsonl", *dev)])


def test_a_leak_stops_everything_and_is_explained(leaking: Given) -> None:
    with pytest.raises(TrainingDataError) as refused:
        prepare(leaking)

    assert (
        f"1 of 100 training reviews have the text of a dev review, for example {leaking.training[0]}:8"
        in str(refused.value)
    )
    assert (
        f"4 of 100 training reviews have the product of a dev review, for example {leaking.training[0]}:21"
        in str(refused.value)
    )
    assert "--on-leak" in str(refused.value)


@pytest.mark.parametrize(("on_leak", "dropped", "notes"), [(OnLeak.DROP, 5, 0), (OnLeak.DROP_TEXTS, 1, 1)])
def test_what_leaks_can_be_left_out_of_training(
    leaking: Given, on_leak: OnLeak, dropped: int, notes: int
) -> None:
    prepared = prepare(leaking, choices=Choices(on_leak=on_leak))

    assert fates(prepared) == {"training": 100 - dropped, Fate.LEAK.value: dropped, "dev": 40}
    assert len(prepared.report.notes) == notes


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (
            [fields(number, rating=5) for number in range(50)],
            "training reviews: one class only: 50 positive and 0 negative",
        ),
        (
            [fields(number) for number in range(12)],
            "training reviews: too few rows: 6 positive and 6 negative",
        ),
        ([fields(number) for number in range(24)], "too few"),
        (
            [fields(number, rating=float("nan")) for number in range(50)],
            "stars that are no number from 1 to 5: 50",
        ),
    ],
)
def test_data_that_cannot_be_trained_on_are_refused(
    write: Write, rows: list[dict[str, Any]], complaint: str
) -> None:
    with pytest.raises(TrainingDataError, match=complaint):
        prepare(Given([write("all.jsonl", *rows)]))


def test_the_fate_of_every_row_is_written_down(write: Write, tmp_path: Path) -> None:
    data = write("all.jsonl", *map(fields, range(400)), fields(0))
    prepared = prepare(Given([data]))
    write_record(prepared, tmp_path / "checkpoint")

    with gzip.open(tmp_path / "checkpoint" / "rows.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    assert [row["row"] for row in rows] == [f"{data}:{number}" for number in range(1, 402)]
    assert rows[0]["sha256"] == rows[400]["sha256"] != rows[1]["sha256"]
    assert rows[400]["fate"] == "same text as another"
    assert json.loads((tmp_path / "checkpoint" / "data.json").read_text())["rows"] == 401


def test_parts_that_were_taken_read_back_as_they_were(write: Write, tmp_path: Path) -> None:
    prepared = prepare(Given([write("all.jsonl", *map(fields, range(400)))]))
    write_record(prepared, tmp_path)

    assert read_labelled(tmp_path / "dev.jsonl.gz") == prepared.part(Fate.DEV)
    assert read_labelled(tmp_path / "held_out.jsonl.gz") == prepared.part(Fate.HELD_OUT)


def test_parts_of_an_earlier_run_do_not_stay(write: Write, tmp_path: Path) -> None:
    (tmp_path / "dev.jsonl.gz").write_bytes(b"old")
    data, dev = write("all.jsonl", *map(fields, range(40))), write("dev.jsonl", *map(fields, range(200, 240)))

    write_record(prepare(Given([data], dev=[dev])), tmp_path)

    assert not (tmp_path / "dev.jsonl.gz").exists()
