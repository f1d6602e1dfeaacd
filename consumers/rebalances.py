"""What rebalances took from a member of a group and gave to it."""

import threading
from collections.abc import Callable, Iterable

from kafka import TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener


class RebalanceLog(ConsumerRebalanceListener):  # type: ignore[misc]
    """Only records what happened: it runs on the client's IO thread, where a blocking call would raise.

    Args:
        generation: tells the current generation of the group.
    """

    def __init__(self, generation: Callable[[], int]) -> None:
        self._generation = generation
        self._lock = threading.Lock()
        self._revoked: set[TopicPartition] = set()
        self._assigned: dict[TopicPartition, int] = {}

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        with self._lock:
            self._revoked.update(revoked)
            for partition in revoked:
                self._assigned.pop(partition, None)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        generation = self._generation()
        with self._lock:
            self._assigned.update(dict.fromkeys(assigned, generation))

    def take(self) -> tuple[frozenset[TopicPartition], dict[TopicPartition, int]]:
        """What was revoked, and what was assigned, with the generation of the group in which it was."""
        with self._lock:
            taken = frozenset(self._revoked), dict(self._assigned)
            self._revoked.clear()
            self._assigned.clear()
        return taken
