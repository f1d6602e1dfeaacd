"""How a process ends, how long it hopes, how it shows that it lives, and what it is called."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from consumers.process import EXIT_AFTER_GRACE, HEALTH_INTERVAL_S, Health, OutageGuard, instance_name
from schemas.errors import ServerUnavailable

PATIENCE_S = 60.0
"""How long a test waits for what should come at once."""

LOOP = """
from consumers.process import Shutdown
shutdown = Shutdown({grace}).listen()
print("ready", flush=True)
while not shutdown.wait(60):
    pass
print("asked", flush=True)
"""
STUCK = LOOP + "import threading; threading.Event().wait()"


@contextmanager
def python(script: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process of our own that is gone afterwards, however the test ends."""
    command = [sys.executable, "-c", script, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_lets_the_loop_finish(number: signal.Signals) -> None:
    with python(LOOP.format(grace=600)) as process:
        assert line(process) == "ready"
        process.send_signal(number)

        assert line(process) == "asked"
        assert process.wait(PATIENCE_S) == 0


def test_a_process_that_does_not_finish_is_ended_after_the_grace_period() -> None:
    with python(STUCK.format(grace=0.05)) as process:
        assert line(process) == "ready"
        process.send_signal(signal.SIGTERM)

        assert process.wait(PATIENCE_S) == EXIT_AFTER_GRACE


def test_a_second_signal_ends_a_stuck_process_at_once() -> None:
    with python(STUCK.format(grace=600)) as process:
        assert line(process) == "ready"
        process.send_signal(signal.SIGTERM)
        assert line(process) == "asked"
        process.send_signal(signal.SIGINT)

        assert process.wait(PATIENCE_S) == EXIT_AFTER_GRACE


def test_a_signal_is_heard_at_whatever_moment_of_a_wait_it_comes() -> None:
    script = """
import os, signal, threading
from consumers.process import Shutdown
for round in range(30):
    shutdown = Shutdown(600).listen()
    threading.Timer(0.002, os.kill, [os.getpid(), signal.SIGTERM]).start()
    while not shutdown.wait(0):
        pass
print("heard", flush=True)
"""
    with python(script) as process:
        output, _ = process.communicate(timeout=PATIENCE_S)

    assert output == "heard\n"


class Leaving:
    """Stands in for ``os._exit``."""

    def __init__(self) -> None:
        self.codes: list[int] = []
        self.called = threading.Event()

    def __call__(self, code: int) -> None:
        self.codes.append(code)
        self.called.set()


def test_a_step_that_outlasts_the_outage_deadline_ends_the_process(caplog: pytest.LogCaptureFixture) -> None:
    leave = Leaving()

    with OutageGuard(0.01, leave=leave).step("committing the transaction"):
        assert leave.called.wait(PATIENCE_S)

    assert leave.codes == [ServerUnavailable.exit_code] == [3]
    assert "committing the transaction took longer" in caplog.text


@pytest.mark.parametrize("failure", [None, KeyError("broker")])
def test_a_step_that_ends_in_time_does_not(failure: Exception | None) -> None:
    leave, before = Leaving(), set(threading.enumerate())

    with ExitStack() as stack:
        if failure is not None:
            stack.enter_context(pytest.raises(KeyError))
        with OutageGuard(3600, leave=leave).step("sending"):
            watchers = set(threading.enumerate()) - before
            if failure is not None:
                raise failure

    assert watchers
    for watcher in watchers:
        watcher.join(PATIENCE_S)
        assert not watcher.is_alive()
    assert leave.codes == []


class Hands:
    """A clock that moves only when told."""

    now = 50.0

    def __call__(self) -> float:
        return self.now


def touched(path: Path) -> bool:
    """Whether the file was written since this was last asked."""
    fresh = path.exists() and path.stat().st_mtime > 0
    if fresh:
        os.utime(path, (0, 0))
    return fresh


def test_the_health_file_is_touched_at_once_and_then_at_intervals(tmp_path: Path) -> None:
    path, clock = tmp_path / "healthy", Hands()
    health = Health(path, clock)

    health.beat()
    assert touched(path)

    clock.now += HEALTH_INTERVAL_S - 0.01
    health.beat()
    assert not touched(path)

    clock.now += 0.01
    health.beat()
    assert touched(path)


def test_without_a_health_file_a_beat_does_nothing(tmp_path: Path) -> None:
    Health(None, Hands()).beat()

    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def role(unique_name: str) -> Iterator[str]:
    """A role that no other process has, whose lock files are removed."""
    yield unique_name
    for lock in Path(tempfile.gettempdir()).glob(f"reviewstream-*-{unique_name}-*.lock"):
        lock.unlink()


def number(name: str) -> int:
    return int(name.rpartition("-")[2])


def test_a_configured_name_is_taken_as_it_is_even_twice(role: str) -> None:
    with instance_name(role, "scorer-a") as one, instance_name(role, "scorer-a") as other:
        assert one == other == "scorer-a"


def test_holders_on_one_host_have_different_names(role: str) -> None:
    with instance_name(role, None) as one, instance_name(role, None) as other:
        assert [number(one), number(other)] == [0, 1]
        assert one.rpartition("-")[0] == other.rpartition("-")[0]


def test_another_role_counts_from_zero(role: str) -> None:
    with instance_name(role, None), instance_name(f"{role}-other", None) as name:
        assert number(name) == 0


def test_the_lowest_number_that_was_released_is_used_again(role: str) -> None:
    with ExitStack() as first, ExitStack() as second, ExitStack() as third:
        for stack in (first, second, third):
            stack.enter_context(instance_name(role, None))
        second.close()
        with instance_name(role, None) as name:
            assert number(name) == 1
        first.close()
        with instance_name(role, None) as name:
            assert number(name) == 0


def test_the_name_of_a_killed_process_goes_to_its_successor(role: str) -> None:
    script = """
import sys
from consumers.process import instance_name
with instance_name(sys.argv[1], None) as name:
    print(name, flush=True)
    sys.stdin.read()
"""
    with python(script, role) as holder:
        name = line(holder)
        with instance_name(role, None) as beside:
            assert [number(name), number(beside)] == [0, 1]
        holder.kill()
        holder.wait(PATIENCE_S)

    with instance_name(role, None) as successor:
        assert successor == name
