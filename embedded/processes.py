"""What the embedded servers share: free ports, a data folder, and a process that is started, watched and stopped."""

import random
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from schemas.errors import StackError

LOOPBACK = "127.0.0.1"
START_TIMEOUT = 60.0  # seconds; one broker needs 2 to 4, three on two busy cores needed 18
STOP_GRACE = 10.0  # seconds from SIGTERM to SIGKILL; both servers recover from the latter

# Below what Linux (32768 up) and macOS (49152 up) lend to outgoing connections: while a server is down, no client can
# take its port, nor be connected to itself when it retries there.
_PORTS = range(20_000, 30_000)
_POLL = 0.05  # seconds between two looks at a starting server
_LOG_TAIL = 20  # lines, without Java's stack frames

# Reads until our end of the pipe is closed, which the kernel does however we end, then kills the server. Linux has
# PR_SET_PDEATHSIG for that, but it fires when the *thread* that started the server ends, and macOS lacks it.
_GUARD = 'read -r _; kill -KILL "$1"'


def free_ports(count: int) -> list[int]:
    """Ports of the loopback interface on which nothing listens, distinct, in no order.

    Raises:
        StackError: fewer than ``count`` are free.
    """
    ports: list[int] = []
    for port in random.SystemRandom().sample(_PORTS, len(_PORTS)):
        if len(ports) == count:
            break
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((LOOPBACK, port))
            ports.append(port)
    if len(ports) < count:
        raise StackError(f"Fewer than {count} ports are free between {_PORTS.start} and {_PORTS.stop}.")
    return ports


def answer(port: int, request: bytes, length: int) -> bytes:
    """The first ``length`` bytes that the server on this port answers; fewer, or none, if it does not."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as connection:
            connection.sendall(request)
            with connection.makefile("rb") as reply:
                return reply.read(length)
    except OSError:
        return b""


@contextmanager
def data_folder(given: Path | None, name: str) -> Iterator[Path]:
    """The given folder, made if it is missing and kept; or a temporary one, removed unless we are killed."""
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given.resolve()
        return
    # A server that was just killed may not have let go of its files yet.
    with tempfile.TemporaryDirectory(prefix=f"reviewstream-{name}-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


class ServerProcess:
    """One server: a process in a session of its own, so that Ctrl-C reaches us alone and we stop it in order.

    It ends with our process, even when that is killed: a guard waits for our end. Only a child forked from us that
    lives longer (``os.fork`` without ``exec``) delays that until its own end.

    Args:
        name: for error messages.
        command: the program and its arguments.
        folder: its working directory; its output is appended to ``server.log`` there.
    """

    def __init__(self, name: str, command: Sequence[str | Path], folder: Path) -> None:
        self._name = name
        self._log = folder / "server.log"
        with self._log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(  # noqa: S603 -- the command is ours
                [str(part) for part in command],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._guard = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", _GUARD, "guard", str(self._process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs; suspended counts as running."""
        return self._process.poll() is None

    def wait_until(
        self, ready: Callable[[], bool], timeout: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Return once ``ready`` says so.

        Args:
            ready: asks the server.
            timeout: seconds.
            clock: seconds, never going back.

        Raises:
            StackError: the process ended, or the time is over; with the end of its log.
        """
        deadline = clock() + timeout
        while not ready():
            if not self.alive:
                raise self._failure(f"ended with exit code {self._process.returncode} instead of starting")
            if clock() >= deadline:
                raise self._failure(f"did not answer within {timeout:g} s")
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_POLL)

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens if the process is gone."""
        self._process.send_signal(number)

    def stop(self, grace: float = STOP_GRACE) -> None:
        """SIGTERM, then SIGKILL after ``grace`` seconds; returns when the process is gone."""
        self.send(signal.SIGTERM)
        self.send(signal.SIGCONT)  # a suspended process would not hear it
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._reap()

    def kill(self) -> None:
        """SIGKILL: what a power cut leaves, but for what the kernel still writes."""
        self._process.kill()
        self._reap()

    def _reap(self) -> None:
        self._process.wait()
        with self._guard as guard:  # at once, for the process id may be given to somebody else now
            guard.kill()

    def _failure(self, what: str) -> StackError:
        log = self._log.read_bytes()[self._log_start :].decode("utf-8", errors="replace")
        lines = [line for line in log.splitlines() if not line.startswith(("\tat ", "\t... "))]
        return StackError(f"{self._name} {what}. The end of its log:\n" + "\n".join(lines[-_LOG_TAIL:]))
