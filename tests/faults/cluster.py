"""Three brokers, each behind a line of its own, and what their operator sees and does."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from impatience import IMPATIENT
from kafka import KafkaAdminClient, TopicPartition
from proxy import Proxy
from raw_topics import client_of
from waiting import eventually

from embedded import KafkaCluster
from embedded.processes import LOOPBACK

BROKERS = 3
PREFERRED = 0  # of the two kinds of leader election
COORDINATORS = ("__consumer_offsets", "__transaction_state")

Partitions = dict[TopicPartition, dict[str, list[int]]]


class Cluster:
    """Three brokers, and what an operator sees of them.

    Args:
        servers: the brokers.
        lines: over which clients may reach them, one each; tests look past them.
    """

    def __init__(self, servers: KafkaCluster, lines: Sequence[Proxy]) -> None:
        self.servers = servers
        self.lines = lines

    @property
    def over_lines(self) -> str:
        """The addresses for who comes by the lines, and is told to stay on them."""
        return ",".join(f"{LOOPBACK}:{line.port}" for line in self.lines)

    def partitions(self) -> Partitions:
        """Of all topics, the internal ones too: ``leader_id``, ``replica_nodes``, ``isr_nodes``."""
        with KafkaAdminClient(**client_of(self.servers.bootstrap_servers)) as admin:
            topics = admin.describe_topics()
        return {
            TopicPartition(topic["name"], partition["partition_index"]): partition
            for topic in topics
            for partition in topic["partitions"]
        }

    def wait_until_in_sync(self) -> None:
        """Return once every partition has all its replicas, so that any broker may fail."""

        def in_sync() -> bool:
            return all(len(partition["isr_nodes"]) == BROKERS for partition in self.partitions().values())

        eventually(in_sync, 120)

    def move_coordinators(self) -> None:
        """Make another broker the leader of every group and of every transaction; none of them is down."""
        before = {
            place: partition for place, partition in self.partitions().items() if place.topic in COORDINATORS
        }
        with KafkaAdminClient(**client_of(self.servers.bootstrap_servers)) as admin:
            admin.alter_partition_reassignments(
                {
                    place: sorted(partition["replica_nodes"], key=lambda node: node == partition["leader_id"])
                    for place, partition in before.items()
                }
            )
            eventually(lambda: not admin.list_partition_reassignments())
            admin.elect_leaders(PREFERRED, list(COORDINATORS), raise_errors=False)
        eventually(
            lambda: all(
                self.partitions()[place]["leader_id"] != was["leader_id"] for place, was in before.items()
            )
        )


@contextmanager
def three_brokers() -> Iterator[Cluster]:
    """Of which any one may fail: two in-sync replicas are enough."""
    with ExitStack() as stack:
        lines = [stack.enter_context(Proxy()) for _ in range(BROKERS)]
        servers = KafkaCluster(BROKERS, settings=IMPATIENT, proxies=[line.port for line in lines])
        stack.enter_context(servers)
        for line, port in zip(lines, servers.behind_proxies, strict=True):
            line.point_to(port)
        yield Cluster(servers, lines)
