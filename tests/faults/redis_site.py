"""A Redis that is operated badly: killed, emptied, put back, demoted, and replaced by a replica that lags."""

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from proxy import Proxy
from redis import Redis
from waiting import eventually

from embedded import ValkeyServer
from embedded.processes import LOOPBACK, free_ports

SNAPSHOT = "dump.rdb"


def port_of(url: str) -> int:
    """Of a ``redis://host:port/database``."""
    return int(url.rpartition(":")[2].partition("/")[0])


class RedisSite:
    """A primary behind an address that stays the same, and a replica of it if one is asked for.

    Args:
        folder: for the data of its servers.
        appendonly: whether a killed server starts with what it confirmed; otherwise it starts empty.
    """

    def __init__(self, folder: Path, *, appendonly: bool = False) -> None:
        self._folder = folder
        self._appendonly = appendonly
        self._folders: dict[ValkeyServer, Path] = {}
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        """Where clients find whichever server is the primary."""
        return f"redis://{LOOPBACK}:{self.line.port}/0"

    def kill_and_restart(self) -> None:
        """SIGKILL, and a start with what is on its disk."""
        self.primary.kill()
        self.primary.restart()

    def empty(self) -> None:
        """SIGKILL, and a start with nothing."""
        self.primary.kill()
        self._snapshot.unlink(missing_ok=True)
        self.primary.restart()

    def back_up(self) -> None:
        """Keep what it holds now, for ``put_back``."""
        self._ask(lambda primary: primary.save())
        shutil.copy(self._snapshot, self._folder / SNAPSHOT)

    def put_back(self) -> None:
        """SIGKILL, and a start with the backup."""
        self.primary.kill()
        shutil.copy(self._folder / SNAPSHOT, self._snapshot)
        self.primary.restart()

    def freeze(self) -> None:
        """It hangs; its connections stay open."""
        self.primary.suspend()

    def thaw(self) -> None:
        self.primary.resume()

    def run_out_of_memory(self) -> None:
        """Answer every write that may need memory with ``OOM``."""
        self._ask(lambda primary: primary.config_set("maxmemory", "1"))

    def get_memory(self) -> None:
        self._ask(lambda primary: primary.config_set("maxmemory", "0"))

    def demote(self) -> None:
        """Answer every write with ``READONLY``: it is the replica of a server that nobody can reach."""
        (nobody,) = free_ports(1)
        self._ask(lambda primary: primary.replicaof(LOOPBACK, nobody))

    def promote(self) -> None:
        self._ask(lambda primary: primary.replicaof("NO", "ONE"))

    def add_replica(self) -> None:
        """A second server that follows the primary over a line of its own; returns once it has all."""
        self._feed.point_to(port_of(self.primary.url))
        self._feed.heal()
        self.replica = self._start_server()
        with Redis.from_url(self.replica.url) as replica:
            replica.replicaof(LOOPBACK, self._feed.port)
            eventually(lambda: replica.info("replication")["master_link_status"] == "up")

    def let_replica_lag(self) -> None:
        """What is written from now on does not reach the replica."""
        self._feed.freeze()

    def fail_over(self) -> None:
        """The primary is gone; the replica takes its place with what it has."""
        self.primary.kill()
        self.primary, failed = self.replica, self.primary
        self._feed.reset()
        self.promote()
        self.line.point_to(port_of(self.primary.url))
        failed.stop()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._feed = stack.enter_context(Proxy())
            self._servers_stack = stack.enter_context(ExitStack())
            self.primary = self._start_server()
            self.line = stack.enter_context(Proxy(port_of(self.primary.url)))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def _snapshot(self) -> Path:
        return self._folders[self.primary] / SNAPSHOT

    def _start_server(self) -> ValkeyServer:
        # A replica that comes back gets all from its primary; so is one that was never there.
        folder = self._folder / f"server-{len(self._folders) + 1}"
        server = ValkeyServer(folder, appendonly=self._appendonly)
        self._folders[server] = folder
        return self._servers_stack.enter_context(server)

    def _ask(self, act: Callable[[Redis], object]) -> None:
        with Redis.from_url(self.primary.url) as primary:
            act(primary)
