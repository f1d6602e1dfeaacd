"""A scorer or an aggregator as a process that may be struck, and the lines by which a long run says how it goes."""

import signal
import sys
import time
from pathlib import Path
from typing import Self

from jobs import Job
from steps import Strike, read_notes
from waiting import eventually

ROOT = Path(__file__).parents[2]
PATHS = (ROOT, ROOT / "tests" / "faults", ROOT / "tests" / "pipeline")

PATIENCE_S = 120.0
LOG_TAIL = 1500


def say(line: str) -> None:
    """A line of progress, for those who wait for a long run."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


class Member:
    """One instance of a scorer or an aggregator, life after life."""

    def __init__(self, role: str, instance: str, settings: dict[str, str], folder: Path) -> None:
        self.role = role
        self.instance = instance
        self.name = f"{role}-{instance}"
        self.lives = 0
        self._settings = {**settings, "instance_id": instance}
        self._folder = folder
        self._job: Job | None = None

    def sibling(self, instance: str) -> Self:
        """Another one with the same settings, which is not started yet."""
        return type(self)(self.role, instance, self._settings, self._folder)

    def start(self, strike: Strike | None = None, **variables: str) -> Self:
        """A new life, with a strike planned or without."""
        assert self._job is None or not self._job.running, f"{self.name} runs already"
        self.lives += 1
        variables |= {
            "PYTHONPATH": ":".join(map(str, PATHS)),
            "FAULTS_NOTES": str(self._notes),
            **({"FAULTS_STRIKE": strike.to_text()} if strike else {}),
        }
        command = [sys.executable, str(ROOT / "tests" / "faults" / "worker.py"), self.role]
        self._job = Job(command, self._settings, self._folder / f"{self.name}.log", variables)
        return self

    @property
    def job(self) -> Job:
        """The process of this life."""
        assert self._job, f"{self.name} was never started"
        return self._job

    @property
    def running(self) -> bool:
        return self._job is not None and self._job.running

    def noted(self, what: str) -> float | None:
        """When this life wrote ``listening``, ``working`` or ``struck`` down, in seconds of ``time.monotonic``."""
        return next((note.at for note in read_notes(self._notes) if note.what == what), None)

    def wait_until(self, what: str, timeout: float = PATIENCE_S) -> float:
        """When it was noted, once it was."""
        return eventually(lambda: self.noted(what), timeout) or 0.0

    def expect_killed(self) -> None:
        """Its end must have been SIGKILL.

        Raises:
            AssertionError: it left by itself; with the end of its log.
        """
        code = self.job.wait(PATIENCE_S)
        assert code == -signal.SIGKILL, f"{self.name} left with {code}:\n{self.job.log[-LOG_TAIL:]}"

    @property
    def _notes(self) -> Path:
        return self._folder / f"{self.name}.{self.lives}.notes"
