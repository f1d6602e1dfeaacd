"""The comparison of architectures: a row each, kept, and none of other settings beside them."""

import json
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

import pytest
import tiny_bert

from benchmarks.architectures import JSON_FILE, ROW_FILE, ROWS, TABLE_FILE, Row, compare
from schemas.errors import ConfigurationError

PLANS = """
[textcnn]
epochs = 2
word_size = 16
units = 8
learning_rate = 1e-2
[bilstm]
epochs = 2
word_size = 16
units = 8
learning_rate = 1e-2
[full]
epochs = 4
learning_rate = 5e-3
[lora]
epochs = 1
[frozen]
epochs = 1
"""


def write(path: Path, seed: int, count: int) -> Path:
    lines = [{"text": review.text, "label": review.polarity} for review in tiny_bert.reviews(count, seed)]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n")
    return path


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> Namespace:
    folder = tmp_path_factory.mktemp("compared")
    (folder / "plans.toml").write_text(PLANS)
    return Namespace(
        train=write(folder / "train.jsonl", 1, 70),
        dev=write(folder / "dev.jsonl", 2, 24),
        test=write(folder / "test.jsonl", 3, 40),
        base=str(tiny_bert.write_base(folder / "base")),
        output=folder / "output",
        reviews=64,
        measured=30,
        max_length=tiny_bert.MAX_LENGTH,
        tokens_per_batch=256,
        rows=list(ROWS),
        plans=folder / "plans.toml",
        seed=7,
    )


@pytest.fixture(scope="module")
def rows(options: Namespace) -> Sequence[Row]:
    return compare(options)


def test_each_architecture_has_a_row_of_its_own_figures(rows: Sequence[Row], options: Namespace) -> None:
    by_name = {row.name: row for row in rows}

    assert list(by_name) == list(ROWS)
    assert by_name["full"].accuracy > 0.9
    assert by_name["full"].trained_parameters == by_name["full"].parameters
    assert by_name["frozen"].trained_parameters == 2 * 32 + 2
    assert (
        by_name["frozen"].trained_parameters < by_name["lora"].trained_parameters < by_name["lora"].parameters
    )
    assert all(row.reviews_a_second and row.bundle_bytes > 0 for row in rows)
    assert [Row(**fields) for fields in json.loads((options.output / JSON_FILE).read_text())] == rows
    table = (options.output / TABLE_FILE).read_text().splitlines()
    assert [line.split("|")[1].strip() for line in table[2:]] == list(ROWS)


def test_a_row_that_is_done_is_not_made_again(rows: Sequence[Row], options: Namespace) -> None:
    def written() -> list[int]:
        return [path.stat().st_mtime_ns for path in sorted(options.output.rglob(ROW_FILE))]

    before = written()

    compare(options)

    assert len(before) == len(rows)
    assert written() == before


def test_rows_of_other_settings_are_refused(rows: Sequence[Row], options: Namespace) -> None:
    assert rows

    with pytest.raises(ConfigurationError, match=r"rows of other settings \(reviews\)"):
        compare(Namespace(**vars(options) | {"reviews": 63}))
