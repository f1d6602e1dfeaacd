"""The command measures the bundle as it is served, and says what is wrong before it starts."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from console.main import cli
from model_export.evaluation.table import BEGIN, END
from schemas.errors import ConfigurationError, TrainingDataError

GOOD = ("I love it.", "Great value.", "Works perfectly.", "An excellent gift.")
BAD = ("I hate it.", "Poor value.", "Broke at once.", "A terrible gift.")


def write_reviews(file: Path, texts: tuple[str, ...], label: int, count: int = 12) -> Path:
    with file.open("a") as lines:
        for number in range(count):
            text = f"{texts[number % len(texts)]} Bought {number + 2}."
            lines.write(json.dumps({"text": text, "label": label}) + "\n")
    return file


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_reviews(tmp_path / "test.jsonl", GOOD, 1)
    return write_reviews(tmp_path / "test.jsonl", BAD, 0)


@pytest.fixture
def table_of_a_shop(tmp_path: Path) -> Path:
    """The same reviews as a shop's own export has them."""
    file = tmp_path / "export.csv"
    rows = [
        f"{texts[n % 4]} Bought {n + 2}.,{mood}"
        for texts, mood in ((GOOD, "pos"), (BAD, "neg"))
        for n in range(12)
    ]
    file.write_text("\n".join(["comment,mood", *rows]) + "\n")
    return file


def run(*arguments: str | Path) -> Result:
    command = ["evaluate", "--provider", "cpu", "--threads", "1", "--resamples", "100", *map(str, arguments)]
    return CliRunner().invoke(cli, command)


def test_the_shipped_bundle_is_measured_into_a_report_a_table_and_figures(
    table_of_a_shop: Path, tmp_path: Path
) -> None:
    document = tmp_path / "model.md"
    document.write_text(f"# Model\n\n{BEGIN}\nold figures\n{END}\n\nThe rest.\n")
    columns = ("--text-column", "comment", "--label-column", "mood")

    result = run("--data", table_of_a_shop, *columns, "--output", tmp_path / "report", "--table", document)

    assert result.exit_code == 0, result.output
    assert "The model is right about 100 of 100 reviews" in result.stdout
    figures = json.loads((tmp_path / "report" / "figures.json").read_text())
    assert figures["subject"]["reviews"] == 24
    assert figures["calibration"]["temperature"] != 1
    assert "Bought 2" not in (tmp_path / "report" / "report.html").read_text()
    assert "| accuracy | 1.000 " in document.read_text()
    assert "old figures" not in document.read_text()
    assert document.read_text().endswith("The rest.\n")


def test_one_class_only_is_an_error_of_the_data(tmp_path: Path) -> None:
    result = run("--data", write_reviews(tmp_path / "good.jsonl", GOOD, 1))

    assert isinstance(result.exception, TrainingDataError)
    assert "12 positive and 0 negative" in str(result.exception)


def test_reviews_without_any_label_are_an_error_of_the_data(tmp_path: Path) -> None:
    file = tmp_path / "unlabelled.jsonl"
    file.write_text('{"text": "Fine."}\n' * 30)

    assert isinstance(run("--data", file).exception, TrainingDataError)


def test_a_base_needs_something_to_learn_from(data: Path, tmp_path: Path) -> None:
    result = run("--data", data, "--base", tmp_path)

    assert result.exit_code == click.UsageError.exit_code
    assert "--base needs --train-data" in result.output


def test_examples_need_a_report(data: Path) -> None:
    assert "give --output" in run("--data", data, "--examples", "3").output


def test_a_document_without_a_place_for_the_table_is_refused(data: Path, tmp_path: Path) -> None:
    document = tmp_path / "model.md"
    document.write_text("# Model\n")

    result = run("--data", data, "--table", document)

    assert isinstance(result.exception, ConfigurationError)
    assert BEGIN in str(result.exception)
