"""``dlq`` and ``redrive`` as people type them."""

import json
import os
import pty
import subprocess
from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner, Result
from jobs import COMMAND
from raw_topics import Raw, Topics, review
from refused import copied_sources, plan_of, refuse, settle

from console.main import cli
from consumers.read.letters import Place
from embedded import KafkaCluster
from schemas.dead_letters import DeadLetterReason

USAGE_ERROR = 2
HOSTILE = b"\x1b[2J\xff" + b"x" * 5000

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def topics(kafka: KafkaCluster) -> Iterator[Topics]:
    with Topics(kafka.bootstrap_servers, "dlq-commands.", 1) as created:
        yield created


@pytest.fixture(scope="module")
def letters(topics: Topics) -> list[Place]:
    """Two that can go back and one, hostile, that cannot."""
    return [
        *refuse(topics, Raw(review("r1")), failed_at=datetime(2026, 3, 1, 12, tzinfo=UTC)),
        *refuse(topics, Raw(review("r2")), failed_at=datetime(2026, 3, 3, 12, tzinfo=UTC)),
        *refuse(topics, Raw(HOSTILE), reason=DeadLetterReason.INVALID_UTF8),
    ]


@pytest.fixture
def run(topics: Topics) -> Run:
    settings = {f"REVIEWSTREAM_{name.upper()}": value for name, value in topics.environment().items()}
    return lambda *arguments: CliRunner().invoke(cli, [str(one) for one in arguments], env=settings)


@pytest.mark.usefixtures("letters")
def test_the_table_counts_by_reason_with_first_and_last_time(run: Run) -> None:
    lines = [" ".join(line.split()) for line in run("dlq").output.splitlines()]

    assert "model_error 2 0 2026-03-01 12:00:00 2026-03-03 12:00:00" in lines
    assert "invalid_utf8 1 0 2026-03-01 12:00:00 2026-03-01 12:00:00" in lines


@pytest.mark.usefixtures("letters")
def test_the_table_as_json(run: Run) -> None:
    counted = json.loads(run("dlq", "--json", "--reason", "model_error").stdout)

    assert counted == {
        "model_error": {
            "waiting": 2,
            "redriven": 0,
            "first": "2026-03-01T12:00:00+00:00",
            "last": "2026-03-03T12:00:00+00:00",
        }
    }


def test_each_letter_is_a_line_with_its_place(run: Run, letters: list[Place]) -> None:
    lines = run("dlq", "--list", "--since", "2026-03-02T12:00:00").output.splitlines()

    assert [line.split()[0] for line in lines] == [str(letters[1])]
    listed = [json.loads(line) for line in run("dlq", "--list", "--json").stdout.splitlines()]
    assert [one["offset"] for one in listed] == [letters[0].offset, letters[2].offset, letters[1].offset]


def test_one_letter_is_shown_with_its_bytes_made_harmless(run: Run, letters: list[Place]) -> None:
    shown = run("dlq", letters[2]).output

    assert "invalid_utf8" in shown
    assert r"\x1b[2J\xff" in shown
    assert "--full shows all" in shown
    assert "\x1b" not in shown
    assert "x" * 5000 in run("dlq", letters[2], "--full").output


def test_one_letter_as_json_holds_its_bytes(run: Run, letters: list[Place]) -> None:
    shown = json.loads(run("dlq", letters[2], "--json").stdout)

    assert b64decode(shown["value_base64"]) == HOSTILE


def test_a_place_without_a_letter_is_told(run: Run) -> None:
    result = run("dlq", "0:999")

    assert (result.exit_code, result.stderr) == (1, "there is no dead letter at 0:999\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("dlq", "0:0", "--list"),
        ("dlq", "zero"),
        ("dlq", "--reason", "bad_weather"),
        ("redrive",),
        ("redrive", "--yes"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == USAGE_ERROR


def test_a_dry_run_says_what_would_happen_and_changes_nothing(
    run: Run, topics: Topics, letters: list[Place]
) -> None:
    result = run("redrive", "--all", "--dry-run")

    assert "2 can go back" in result.output
    assert f"1 stay ({letters[2]}): this release would refuse it again" in result.output
    assert result.exit_code == 1
    assert copied_sources(topics) == []


def test_nobody_is_asked_where_nobody_can_answer(run: Run, topics: Topics, letters: list[Place]) -> None:
    result = run("redrive", letters[0])

    assert result.exit_code == USAGE_ERROR
    assert "--yes" in result.stderr
    assert copied_sources(topics) == []


@pytest.mark.usefixtures("letters")
def test_a_person_is_asked_and_can_say_no(topics: Topics) -> None:
    settings = {f"REVIEWSTREAM_{name.upper()}": value for name, value in topics.environment().items()}
    keyboard, terminal = pty.openpty()
    os.write(keyboard, b"n\n")

    done = subprocess.run(
        [*COMMAND, "redrive", "--reason", "model_error"],
        stdin=terminal, env=os.environ | settings, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip

    os.close(terminal)
    os.close(keyboard)
    assert "Put 2 back?" in done.stderr
    assert len(plan_of(topics).going) == 2


def test_chosen_letters_go_back_and_are_shown_as_gone(run: Run, topics: Topics, letters: list[Place]) -> None:
    before = run("redrive", letters[0], "--yes")
    settle(topics)
    after = run("redrive", letters[0], "--yes")

    assert (before.exit_code, "1 put back" in before.output) == (0, True)
    assert (after.exit_code, f"{letters[0]} went before: put back" in after.output) == (0, True)
    assert copied_sources(topics) == [(0, 0)]
    assert f"as {topics.raw} 0:3" in run("dlq", letters[0]).output
    assert json.loads(run("dlq", "--json").stdout)["model_error"]["redriven"] == 1
