"""What every long-running process needs: an orderly end, an outage deadline, a sign of health, a stable name."""

import fcntl
import logging
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Self

from schemas.errors import ServerUnavailable

log = logging.getLogger(__name__)

Clock = Callable[[], float]

EXIT_AFTER_GRACE = 11
"""Exit code of a process that did not finish within the grace period after SIGTERM."""

HEALTH_INTERVAL_S = 2.0


class Shutdown:
    """SIGTERM and SIGINT ask the loop to finish; a second signal, or the grace period, ends it at once."""

    def __init__(self, grace_period: float) -> None:
        self._grace_period = grace_period
        self._requested = False
        # Not an Event: a signal that arrives inside its wait() would find its lock taken by its own thread.
        self._wake_up: SimpleQueue[None] = SimpleQueue()

    @property
    def requested(self) -> bool:
        return self._requested

    def request(self) -> None:
        """Ask the loop to finish what is in flight and leave."""
        self._requested = True
        self._wake_up.put(None)

    def wait(self, seconds: float) -> bool:
        """Sleep unless asked to stop meanwhile; true when asked."""
        if not self._requested:
            with suppress(Empty):
                self._wake_up.get(timeout=seconds)
        return self._requested

    def listen(self) -> Self:
        """Install the signal handlers; call from the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        return self

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.requested:
            os._exit(EXIT_AFTER_GRACE)
        log.info("%s: finishing what is in flight", signal.Signals(number).name)
        self.request()
        overdue = threading.Timer(self._grace_period, self._overdue)
        overdue.daemon = True
        overdue.start()

    def _overdue(self) -> None:
        log.error("not finished after the grace period of %.0f s; leaving as if killed", self._grace_period)
        os._exit(EXIT_AFTER_GRACE)


class OutageGuard:
    """Bounds calls of the Kafka client that have no timeout of their own, such as committing a transaction.

    A step that outlasts the deadline ends the process from a second thread. That is safe because every step
    must survive SIGKILL anyway: it is the same end, with a reason and an exit code.
    """

    def __init__(self, deadline_s: float, *, leave: Callable[[int], None] = os._exit) -> None:
        self._deadline_s = deadline_s
        self._leave = leave

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Run the body; leave the process if it takes longer than the deadline."""
        timer = threading.Timer(self._deadline_s, self._expire, args=[what])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _expire(self, what: str) -> None:
        log.critical("%s took longer than the outage deadline of %.0f s; giving up", what, self._deadline_s)
        self._leave(ServerUnavailable.exit_code)


class Health:
    """Touches a file every few seconds while the loop turns, for a container's health check."""

    def __init__(self, path: Path | None, clock: Clock = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._next = -float("inf")

    def beat(self) -> None:
        """Call once a turn of the loop, while it makes progress or is rightly idle."""
        now = self._clock()
        if self._path is not None and now >= self._next:
            self._path.touch()
            self._next = now + HEALTH_INTERVAL_S


@contextmanager
def instance_name(role: str, configured: str | None) -> Iterator[str]:
    """A name for this process that its successor will have too.

    A stable name lets the next start abort at once the transaction that a killed process left open.
    Unless one is configured it is the host name and the lowest free number on this host, held by a file lock
    that the kernel releases however the process ends.
    """
    if configured is not None:
        yield configured
        return
    host = socket.gethostname()
    for number in range(10_000):
        path = Path(tempfile.gettempdir()) / f"reviewstream-{os.getuid()}-{role}-{number}.lock"
        with path.open("a") as slot:
            try:
                fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield f"{host}-{number}"
            return
    raise RuntimeError("no free instance number on this host")
