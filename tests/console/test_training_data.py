"""The commands of labelled reviews, on a table as a shop exports it; wrong data ends them before torch is there."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.main import cli
from schemas.errors import TrainingDataError

WORDS = [f"word{number}" for number in range(500)]
COLUMNS = ("--text-column", "review_body", "--rating-column", "stars", "--product-column", "sku")


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A table of 200 reviews in columns of the shop's own, with semicolons, in an older encoding."""
    path = tmp_path / "export.csv"
    lines = [
        f"p{number // 4};{1 + 4 * (number % 2)};{' '.join(random.Random(number).choices(WORDS, k=12))} schön"
        for number in range(200)
    ]
    path.write_bytes("\n".join(["sku;stars;review_body", *lines]).encode("cp1252"))
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, list(map(str, arguments)))


def test_check_data_shows_and_writes_what_training_would_see(export: Path, tmp_path: Path) -> None:
    result = run(
        "check-data", "--data", export, *COLUMNS, "--encoding", "cp1252", "--output", tmp_path / "checked"
    )

    assert result.exit_code == 0, result.output
    assert "rows read" in result.output
    report = json.loads((tmp_path / "checked" / "data.json").read_text())
    assert (report["rows"], report["parts"]["training"]["reviews"]) == (200, 160)
    assert (tmp_path / "checked" / "held_out.jsonl.gz").exists()


def test_a_column_that_was_not_named_is_asked_for(export: Path) -> None:
    result = run("check-data", "--data", export, "--encoding", "cp1252")

    assert isinstance(result.exception, TrainingDataError)
    assert (
        "no column 'text'; there are: sku, stars, review_body; name the right one with --text-column"
        in str(result.exception)
    )


def test_wrong_data_ends_training_before_torch_is_loaded(tmp_path: Path) -> None:
    data = tmp_path / "reviews.csv"
    data.write_text("text,label\n" + "good,1\n" * 50)
    program = (
        "import sys\nfrom console.main import cli\nfrom schemas.errors import TrainingDataError\n"
        f"arguments = ['train', '--data', {str(data)!r}, '--output', {str(tmp_path / 'out')!r}]\n"
        "try:\n    cli(arguments, standalone_mode=False)\n"
        "except TrainingDataError as error:\n    print(error)\n    print('torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.stdout.splitlines() == [
        "training reviews: one class only: 50 positive and 0 negative reviews; a classifier needs both",
        "False",
    ], done.stderr
    assert not (tmp_path / "out").exists()
