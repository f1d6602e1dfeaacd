"""Scorers and aggregators as threads of the test, with a fake engine, or as the processes that users run."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

from fake_engine import FakeEngine

from consumers.aggregate.aggregator import Aggregator, start_aggregator
from consumers.infer.router import Router
from consumers.process import Shutdown
from consumers.score import Scorer, start_scorer
from schemas.settings import AggregatorSettings, ScorerSettings

COMMAND = (sys.executable, "-m", "console.main")


class Loop(Protocol):
    """A scorer or an aggregator."""

    def run(self) -> None:
        """Until asked to stop."""


Worker = TypeVar("Worker", bound=Loop)


class InThread(Generic[Worker]):
    """Runs a loop until the test asks it to stop; what it raises, ``stop`` and ``join`` raise."""

    def __init__(self, worker: Worker, shutdown: Shutdown) -> None:
        self.worker = worker
        self._shutdown = shutdown
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def request(self) -> None:
        """What SIGTERM does."""
        self._shutdown.request()

    def join(self, timeout: float = 60.0) -> None:
        self._thread.join(timeout)
        assert not self._thread.is_alive(), "does not end"
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        self.request()
        self.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.request()
        self._thread.join(60.0)
        if kind is None:
            self.join()

    def _run(self) -> None:
        try:
            self.worker.run()
        except BaseException as error:  # noqa: BLE001 -- raised again in the test's thread
            self._error = error


def run_scorer(
    settings: ScorerSettings, engine: FakeEngine | Router | None = None, instance: str = "a", **how: Any
) -> InThread[Scorer]:
    """A scorer in a thread, started ``how`` ``start_scorer`` says; use it as a context manager."""
    shutdown = Shutdown(grace_period=60)
    engines = engine if isinstance(engine, Router) else Router(engine or FakeEngine())
    return InThread(start_scorer(settings, engines, shutdown, instance, **how), shutdown)


def run_aggregator(settings: AggregatorSettings, instance: str = "a", **how: Any) -> InThread[Aggregator]:
    """An aggregator in a thread, started ``how`` ``start_aggregator`` says; use it as a context manager."""
    shutdown = Shutdown(grace_period=60)
    return InThread(start_aggregator(settings, shutdown, instance, **how), shutdown)


class Job:
    """``reviewstream score`` or ``aggregate``, or a stand-in; what it writes is appended to ``log``."""

    def __init__(
        self,
        command: Sequence[str],
        settings: Mapping[str, str],
        log: Path,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._command = command
        self._environment = {
            **os.environ,
            **{f"REVIEWSTREAM_{name.upper()}": value for name, value in settings.items()},
            **(variables or {}),
        }
        self._log = log
        self._start()

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill_and_restart(self, after_s: float = 0.0) -> None:
        """SIGKILL so many seconds from now, and a successor."""
        try:
            self._process.wait(after_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._process.wait()
        self._start()

    def kill(self) -> None:
        """SIGKILL; returns once it is gone."""
        self._process.kill()
        self._process.wait()

    def wait(self, timeout: float) -> int:
        """Its exit code, once it has left by itself."""
        return self._process.wait(timeout)

    def stop(self, timeout: float = 30.0) -> int:
        """SIGTERM; returns the exit code."""
        self._process.terminate()
        return self._process.wait(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, env=self._environment, stdout=log, stderr=log)
