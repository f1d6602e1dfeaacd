"""One Kafka node, broker and controller in one process."""

import struct
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from embedded.java import java_command
from embedded.processes import LOOPBACK, ServerProcess, answer
from schemas.errors import StackError

_API_VERSIONS = 18
_CORRELATION = 7


class Ports(NamedTuple):
    """Where a node listens: for clients and brokers, and for the other controllers."""

    client: int
    controller: int


def new_cluster_id() -> str:
    """A random id in Kafka's own notation; one in 64 starts with a dash, which the tool must not take for an option."""
    return urlsafe_b64encode(uuid.uuid4().bytes).decode("ascii").rstrip("=")


def node_settings(node: int, quorum: Sequence[Ports]) -> dict[str, str]:
    """The settings of one node in a cluster whose nodes listen on the ports of ``quorum``."""
    replicas = min(3, len(quorum))
    in_sync = max(1, replicas - 1)
    return {
        "process.roles": "broker,controller",
        "node.id": str(node),
        "controller.quorum.voters": ",".join(
            f"{voter}@{LOOPBACK}:{ports.controller}" for voter, ports in enumerate(quorum)
        ),
        "listeners": f"PLAINTEXT://{LOOPBACK}:{quorum[node].client},CONTROLLER://{LOOPBACK}:{quorum[node].controller}",
        "controller.listener.names": "CONTROLLER",
        "auto.create.topics.enable": "false",  # a topic that was forgotten shows at once
        "default.replication.factor": str(replicas),
        "min.insync.replicas": str(in_sync),
        # Few partitions, so that the first consumer group and the first transaction need not wait for fifty.
        "offsets.topic.num.partitions": "4",
        "offsets.topic.replication.factor": str(replicas),
        "transaction.state.log.num.partitions": "4",
        "transaction.state.log.replication.factor": str(replicas),
        "transaction.state.log.min.isr": str(in_sync),
        "share.coordinator.state.topic.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": str(replicas),
        "share.coordinator.state.topic.min.isr": str(in_sync),
        "group.initial.rebalance.delay.ms": "0",  # no waiting for consumers that might join
        # The successor of a killed broker is let in when its session is over; the default is 9 s.
        "broker.heartbeat.interval.ms": "500",
        "broker.session.timeout.ms": "3000",
        "log.cleaner.dedupe.buffer.size": str(4 << 20),  # the default takes 128 MB of memory at the start
    }


def proxied_settings(node: int, quorum: Sequence[Ports], listens: int, proxy: int) -> dict[str, str]:
    """What gives a node a second door, to which a proxy leads: who enters by it is told to come back by the proxy.

    Args:
        node: its number.
        quorum: the ports of all nodes.
        listens: port of the second door.
        proxy: port of the proxy.
    """
    doors = node_settings(node, quorum)["listeners"]
    return {
        "listeners": f"{doors},PROXIED://{LOOPBACK}:{listens}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{quorum[node].client},PROXIED://{LOOPBACK}:{proxy}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",  # brokers talk to each other without the proxies
    }


class Broker:
    """One node of a cluster, with its ports and its folder; it can be started again after each end.

    Args:
        node: its number, from 0.
        quorum: the ports of all nodes.
        folder: for its data, settings and log.
        settings: what differs from ``node_settings``.
        java_options: what differs from the usual start of Java.
    """

    def __init__(
        self,
        node: int,
        quorum: Sequence[Ports],
        folder: Path,
        settings: Mapping[str, str],
        java_options: Sequence[str],
    ) -> None:
        self._name = f"Kafka broker {node}"
        self._port = quorum[node].client
        self._folder = folder
        self._properties = folder / "server.properties"
        self._data = folder / "data"
        self._settings = {**node_settings(node, quorum), "log.dirs": str(self._data), **settings}
        self._java_options = java_options
        self.process: ServerProcess | None = None

    def prepare(self, cluster_id: str) -> None:
        """Write the settings, and format the data folder the first time.

        Raises:
            StackError: Kafka refuses the settings; or Kafka is not there, see ``java_command``.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._properties.write_text("".join(f"{key}={value}\n" for key, value in self._settings.items()))
        if (self._data / "meta.properties").exists():
            return
        tool = (
            "kafka.tools.StorageTool",
            "format",
            f"--cluster-id={cluster_id}",
            "-c",
            str(self._properties),
        )
        done = subprocess.run(  # noqa: S603 -- the command is ours
            java_command(*tool, scratch=self._folder),
            capture_output=True,
            text=True,
            check=False,
            cwd=self._folder,
        )
        if done.returncode:
            raise StackError(f"{self._name} could not format its data folder:\n{done.stderr or done.stdout}")

    def spawn(self) -> None:
        """Start the process and return at once.

        Raises:
            StackError: it runs already.
        """
        if self.process and self.process.alive:
            raise StackError(f"{self._name} runs already.")
        command = java_command(
            *self._java_options, "kafka.Kafka", str(self._properties), scratch=self._folder
        )
        self.process = ServerProcess(self._name, command, self._folder)

    def wait(self, timeout: float) -> None:
        """Return once it answers.

        Args:
            timeout: seconds.

        Raises:
            StackError: it does not; with the end of its log.
        """
        self.running.wait_until(self._answers, timeout)

    @property
    def running(self) -> ServerProcess:
        """The process.

        Raises:
            StackError: it was not started.
        """
        if self.process is None:
            raise StackError(f"{self._name} was not started.")
        return self.process

    def _answers(self) -> bool:
        """Whether it answers a request; Kafka takes none before the node has joined its cluster."""
        request = struct.pack(
            ">ihhih", 10, _API_VERSIONS, 0, _CORRELATION, -1
        )  # the length, then a header v1
        reply = answer(self._port, request, 10)
        # A length, our correlation id, error code 0.
        return len(reply) == 10 and struct.unpack(">iih", reply)[1:] == (_CORRELATION, 0)
