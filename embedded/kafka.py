"""A Kafka cluster on this machine, for the demo and the tests."""

import signal
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from embedded.broker import Broker, Ports, new_cluster_id, proxied_settings
from embedded.processes import LOOPBACK, START_TIMEOUT, STOP_GRACE, data_folder, free_ports
from schemas.errors import StackError


class KafkaCluster:
    """Kafka brokers on free loopback ports; each one is a controller too.

    Topics are replicated up to three times, and with three brokers two replicas have to confirm a write, so that any
    one broker may fail. Brokers are numbered from 0. Use it as a context manager, or call ``start`` and ``stop``.

    Args:
        brokers: how many; 1 or 3 make sense.
        data_dir: kept at the end, and its topics are there again at the next start; temporary by default.
        settings: what differs from ``broker.node_settings``, by Kafka's names.
        proxies: one port a broker, of the proxies through which clients come that do not use ``bootstrap_servers``; each
            proxy leads to the port in ``behind_proxies``.
        java_options: further options of Java for the brokers.
        start_timeout: seconds to wait for all of them to answer.
    """

    def __init__(
        self,
        brokers: int = 1,
        data_dir: Path | None = None,
        settings: Mapping[str, str] | None = None,
        *,
        proxies: Sequence[int] = (),
        java_options: Sequence[str] = (),
        start_timeout: float = START_TIMEOUT,
    ) -> None:
        ports = free_ports(2 * brokers + len(proxies))
        self.behind_proxies = ports[2 * brokers :]
        """Where the brokers listen for what the proxies pass on."""
        self._quorum = [Ports(*ports[2 * node : 2 * node + 2]) for node in range(brokers)]
        self._doors = list(zip(self.behind_proxies, proxies, strict=True))
        self._data_dir = data_dir
        self._settings = settings or {}
        self._java_options = java_options
        self._start_timeout = start_timeout
        self._brokers: list[Broker] = []
        self._cleanup = ExitStack()

    @property
    def bootstrap_servers(self) -> str:
        """Addresses of all brokers, comma separated; they stay the same from start to start."""
        return ",".join(f"{LOOPBACK}:{ports.client}" for ports in self._quorum)

    def start(self) -> Self:
        """Start all brokers and return when each of them answers.

        Raises:
            StackError: Kafka is not there and cannot be fetched, or it does not start; with the end of its log.
        """
        if self._brokers:
            raise StackError("This Kafka cluster runs already.")
        with ExitStack() as cleanup:
            folder = cleanup.enter_context(data_folder(self._data_dir, "kafka"))
            cluster_id = new_cluster_id()
            cleanup.callback(self._stop_brokers)
            for node in range(len(self._quorum)):
                doors = proxied_settings(node, self._quorum, *self._doors[node]) if self._doors else {}
                settings = {**doors, **self._settings}
                broker = Broker(node, self._quorum, folder / f"broker-{node}", settings, self._java_options)
                broker.prepare(cluster_id)
                self._brokers.append(broker)
            for broker in self._brokers:
                broker.spawn()
            for broker in self._brokers:
                broker.wait(self._start_timeout)
            self._cleanup = cleanup.pop_all()
        return self

    def stop(self) -> None:
        """Stop all brokers; temporary data is removed. Does nothing if they are stopped."""
        self._cleanup.close()

    def start_broker(self, broker: int) -> None:
        """Start a broker that was killed or stopped, on its ports and its data; returns when it answers."""
        self._brokers[broker].spawn()
        self._brokers[broker].wait(self._start_timeout)

    def stop_broker(self, broker: int, grace: float = STOP_GRACE) -> None:
        """SIGTERM: it hands over what it leads and leaves; SIGKILL after ``grace`` seconds."""
        self._brokers[broker].running.stop(grace)

    def kill(self, broker: int) -> None:
        """SIGKILL: the broker is gone at once."""
        self._brokers[broker].running.kill()

    def suspend(self, broker: int) -> None:
        """SIGSTOP: the broker hangs; its connections stay open and nobody answers."""
        self._brokers[broker].running.send(signal.SIGSTOP)

    def resume(self, broker: int) -> None:
        """SIGCONT: a suspended broker goes on."""
        self._brokers[broker].running.send(signal.SIGCONT)

    def alive(self, broker: int) -> bool:
        """Whether the broker's process runs; suspended counts as running."""
        return self._brokers[broker].running.alive

    def _stop_brokers(self) -> None:
        started = [broker.process for broker in self._brokers if broker.process]
        self._brokers = []
        if self._data_dir is None:  # nobody will read the data: no need to leave in order
            for process in started:
                process.kill()
            return
        for process in started:
            process.send(signal.SIGTERM)  # all at once, for they wait for each other
        for process in started:
            process.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
