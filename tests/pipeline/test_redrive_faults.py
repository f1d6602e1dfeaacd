"""Redrives that are killed, fenced or blind to what is committed: each letter still goes back exactly once."""

import logging
import os
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

import killed_redrive
import pytest
from jobs import COMMAND
from kafka import KafkaProducer
from raw_topics import Raw, Topics, review
from refused import copied_sources, plan_of, redrive, refuse
from waiting import eventually

from consumers.redrive.put_back import Redrive
from schemas.errors import InstanceFenced

ROOT = Path(__file__).parents[2]
LETTERS = 400
KILLS = 1


def start(topics: Topics, *command: str) -> subprocess.Popen[bytes]:
    """A process that finds the topics of the test by its environment."""
    settings = {f"REVIEWSTREAM_{name.upper()}": value for name, value in topics.environment().items()}
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | settings | {"PYTHONPATH": str(ROOT)})


@pytest.mark.parametrize("step", killed_redrive.STEPS)
def test_a_redrive_that_is_killed_at_any_step_and_run_again(topics: Topics, step: str) -> None:
    refuse(topics, Raw(review("r1")), Raw(review("r2"), partition=1))

    killed = start(topics, sys.executable, str(Path(killed_redrive.__file__)), step)

    assert killed.wait(120) < 0
    assert redrive(topics) == (0 if step == "committed" else 2)
    assert copied_sources(topics) == [(0, 0), (1, 0)]


def test_the_command_is_killed_again_and_again(topics: Topics) -> None:
    refuse(topics, *(Raw(review(f"r{number}"), partition=number % 3) for number in range(LETTERS)))
    command = (*COMMAND, "redrive", "--all", "--yes")

    for _ in range(KILLS):
        waiting = len(plan_of(topics).going)
        with start(topics, *command) as process:
            eventually(partial(has_begun, topics, process, waiting))
            process.kill()

    assert start(topics, *command).wait(120) == 0
    assert len(copied_sources(topics)) == len(set(copied_sources(topics))) == LETTERS


def has_begun(topics: Topics, process: subprocess.Popen[bytes], waiting: int) -> bool:
    """Whether a redrive has put back some letters, or is already done."""
    return len(plan_of(topics).going) < waiting or process.poll() is not None


class HeldProducer(KafkaProducer):  # type: ignore[misc]
    """Waits within its first transaction, its copies stored, until the test lets go."""

    held = threading.Event()
    released = threading.Event()

    def flush(self, timeout: Any = None) -> None:
        super().flush(timeout)
        self.held.set()
        assert self.released.wait(120), "held for ever"


def test_of_two_redrives_at_once_the_first_is_fenced(topics: Topics) -> None:
    refuse(topics, *(Raw(review(f"r{number}")) for number in range(3)))
    errors: list[InstanceFenced] = []

    def first() -> None:
        with pytest.raises(InstanceFenced, match="took over") as raised:
            redrive(topics, make_producer=HeldProducer)
        errors.append(raised.value)

    thread = threading.Thread(target=first)
    thread.start()
    assert HeldProducer.held.wait(120)
    assert redrive(topics) == 3
    HeldProducer.released.set()
    thread.join(120)

    assert errors
    assert copied_sources(topics) == [(0, 0), (0, 1), (0, 2)]


def test_a_marker_behind_an_open_transaction_is_waited_for(
    topics: Topics, caplog: pytest.LogCaptureFixture
) -> None:
    (letter,) = refuse(topics, Raw(review("r1")))
    plan = plan_of(topics)
    with KafkaProducer(
        bootstrap_servers=topics.servers, transactional_id=f"{topics.group}.slow", retry_backoff_ms=1
    ) as slow:
        slow.init_transactions()

        class OvertakenProducer(KafkaProducer):  # type: ignore[misc]
            def begin_transaction(self) -> None:
                slow.begin_transaction()
                slow.send(topics.dead_letters, b"not yet", b"key", partition=letter.partition).get(60)
                super().begin_transaction()

        assert redrive(topics, make_producer=OvertakenProducer) == 1
        assert plan_of(topics, force=True).going == plan.going, (
            "readers of committed records cannot see the marker yet"
        )

        again = Redrive(topics.settings())
        thread = threading.Thread(target=again.run, args=[plan.going])
        with caplog.at_level(logging.INFO):
            thread.start()
            eventually(lambda: "waiting for the transactions" in caplog.text)
        slow.commit_transaction()
        thread.join(120)

    assert not thread.is_alive()
    assert again.done == 0
    assert copied_sources(topics) == [(0, 0)]
