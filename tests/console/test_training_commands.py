"""``train`` and ``tune`` as people call them, on a few made-up reviews."""

import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.main import cli
from schemas.errors import ConfigurationError

SMALL = ("--architecture", "textcnn", "--word-size", "8", "--units", "4", "--epochs", "1", "--no-bf16")

WHOLE = ("--dev-share", "0", "--held-out-share", "0")
"""No part of the data is taken for measuring."""


def reviews(path: Path, count: int, seed: int) -> str:
    """Texts of random letters, none like another, half of them good."""
    generator = random.Random(seed)
    with path.open("w") as lines:
        for number in range(count):
            words = ["".join(generator.choices("abcdefgh", k=5)) for _ in range(8)]
            text = " ".join(["good" if number % 2 else "poor", *words])
            lines.write(json.dumps({"text": text, "label": number % 2}) + "\n")
    return str(path)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(cli, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def data(tmp_path: Path) -> tuple[str, ...]:
    """The options that name the reviews."""
    learned, development = (
        reviews(tmp_path / f"{seed}.jsonl", count, seed) for seed, count in ((1, 60), (2, 20))
    )
    return ("--data", learned, "--dev", development)


def test_a_network_is_trained_and_said_what_came_of_it(data: tuple[str, ...], tmp_path: Path) -> None:
    result = run("train", *data, *SMALL, "--output", str(tmp_path / "checkpoint"))

    assert "weights trained of" in result.output
    assert "on the development reviews" in result.output
    assert {"weights.safetensors", "tokenizer.json", "network.json", "training.json", "result.json"} <= {
        path.name for path in (tmp_path / "checkpoint").iterdir()
    }


def test_the_best_plan_of_a_search_can_be_trained_by(data: tuple[str, ...], tmp_path: Path) -> None:
    searched = run("tune", *data, *SMALL, "--trials", "1", "--output", str(tmp_path / "search"))

    plan = str(tmp_path / "search" / "plan.json")
    assert plan in searched.output
    run("train", *data, "--plan", plan, "--output", str(tmp_path / "checkpoint"))
    assert json.loads((tmp_path / "checkpoint" / "training.json").read_text()) == json.loads(
        Path(plan).read_text()
    )


def test_a_search_without_development_reviews_is_refused(data: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="development reviews"):
        run("tune", *data[:2], *SMALL, *WHOLE, "--output", str(tmp_path / "search"))
