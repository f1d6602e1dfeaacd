"""Which partition of the scored topic a product goes to: always the same one, also after partitions were added.

Kafka clients choose a partition by the key and the number of partitions that they see. Partitions that are added would
move products to others while events of theirs still wait in the old ones, and two partitions have no order. So the number
that counts is kept: it stands as a note beside each offset that the group commits, in the same transaction as the
records, and whoever takes over a partition of the raw topic goes on with it.
"""

from collections.abc import Callable, Collection, Iterable
from functools import lru_cache

from kafka import TopicPartition
from kafka.partitioner import murmur2

from schemas.errors import ConfigurationError

_NOTE = "scored-partitions="
_PRODUCTS_REMEMBERED = 65_536

_hash = lru_cache(_PRODUCTS_REMEMBERED)(murmur2)


class Spread:
    """By partition of the raw topic, among how many partitions of the scored topic its products are spread.

    Args:
        read_note: what the group has noted beside the committed offset of a partition; empty for nothing.
        count: how many partitions the scored topic has now.
        wanted: how many to use from now on; None for as many as are noted, or as there are where nothing is.
    """

    def __init__(
        self, read_note: Callable[[TopicPartition], str], count: Callable[[], int], wanted: int | None
    ) -> None:
        self._read_note = read_note
        self._count = count
        self._wanted = wanted
        self._known: dict[TopicPartition, int] = {}

    def partition_of(self, key: bytes, source: TopicPartition) -> int:
        """Where an event with this key goes that comes from ``source``: as every Kafka client would choose.

        Raises:
            ConfigurationError: more partitions are wanted than there are.
        """
        hashed: int = _hash(key)
        return (hashed & 0x7FFF_FFFF) % self._of(source)

    def notes(self, sources: Iterable[TopicPartition]) -> dict[TopicPartition, str]:
        """What is to stand beside the offsets of these partitions."""
        return {source: f"{_NOTE}{self._of(source)}" for source in sources}

    def forget(self, sources: Collection[TopicPartition]) -> None:
        """Of partitions that another member has, or may have had meanwhile."""
        for source in sources:
            self._known.pop(source, None)

    def _of(self, source: TopicPartition) -> int:
        if source not in self._known:
            self._known[source] = self._wanted_number() or _number(self._read_note(source)) or self._count()
        return self._known[source]

    def _wanted_number(self) -> int | None:
        if self._wanted is not None and self._wanted > (there := self._count()):
            raise ConfigurationError(f"scored_partitions is {self._wanted}, but the topic has only {there}")
        return self._wanted


def _number(note: str) -> int | None:
    number = note.removeprefix(_NOTE)
    return int(number) if note.startswith(_NOTE) and number.isdecimal() else None
