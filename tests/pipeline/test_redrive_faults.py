"""Redrives that are killed, fenced or blind to what is committed: each letter still goes back exactly once."""

import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import killed_redrive
import pytest
from kafka import KafkaProducer
from raw_topics import Raw, Topics, review
from refused import copied_sources, plan_of, redrive, refuse
from waiting import eventually

from consumers.redrive.put_back import Redrive
from schemas.errors import InstanceFenced

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("step", killed_redrive.STEPS)
def test_a_redrive_that_is_killed_at_any_step_and_run_again(topics: Topics, step: str) -> None:
    refuse(topics, Raw(review("r1")), Raw(review("r2"), partition=1))

    settings = {f"REVIEWSTREAM_{name.upper()}": value for name, value in topics.environment().items()}

    killed = subprocess.run(
        [sys.executable, killed_redrive.__file__, step],
        env=os.environ | settings | {"PYTHONPATH": str(ROOT)},
        check=False,
        timeout=120,
    )

    assert killed.returncode == -signal.SIGKILL
    assert redrive(topics) == (0 if step == "committed" else 2)
    assert copied_sources(topics) == [(0, 0), (1, 0)]


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

        assert Redrive(topics.settings(), make_producer=OvertakenProducer).run(plan.going) == 1
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
