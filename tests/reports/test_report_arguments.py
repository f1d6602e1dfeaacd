"""What ``report`` refuses before it reads anything; no server is there."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from console.main import cli
from schemas.errors import ConfigurationError

NOWHERE = ["--bootstrap-servers", "127.0.0.1:1"]


def refusal(*arguments: str) -> str:
    result = CliRunner().invoke(cli, ["report", *NOWHERE, *arguments])
    assert isinstance(result.exception, ConfigurationError), result.output
    return str(result.exception)


def test_a_period_that_runs_backwards_lies_ahead_or_is_too_long(tmp_path: Path) -> None:
    output = ("--output", str(tmp_path))

    assert "before it begins" in refusal("--from", "2026-03-08", "--to", "2026-03-01", *output)
    assert "in the future" in refusal("--from", "2999-01-01", "--to", "2999-01-02", *output)
    assert "at most 400" in refusal("--from", "2020-01-01", "--to", "2022-01-01", *output)


def test_a_folder_where_a_file_is_wanted_and_a_file_where_a_folder_is(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    (tmp_path / "folder.html").mkdir()

    assert "is a file" in refusal("--to", "2026-03-01", "--output", str(tmp_path / "taken"))
    assert "is a folder" in refusal("--to", "2026-03-01", "--output", str(tmp_path / "folder.html"))


@pytest.mark.parametrize("arguments", [["--from", "yesterday"], ["--channel", "letters"], []])
def test_what_click_refuses_names_the_option(arguments: list[str]) -> None:
    result = CliRunner().invoke(cli, ["report", *arguments])

    assert result.exit_code == 2
    assert "--" in result.output
