"""Cut the stream into micro-batches: full, or as old as a review may wait."""

from collections.abc import Container, Iterable

from kafka import TopicPartition

from consumers.records import Record


class MicroBatcher:
    """Holds at most ``size`` records, in arrival order. Time is passed in, in seconds of any monotonic clock."""

    def __init__(self, size: int, deadline_s: float) -> None:
        self._size = size
        self._deadline_s = deadline_s
        self._records: list[Record] = []
        self._oldest = 0.0

    @property
    def room(self) -> int:
        """How many more records fit."""
        return self._size - len(self._records)

    def add(self, records: Iterable[Record], now: float) -> None:
        """Append records that arrived at ``now``.

        Raises:
            ValueError: more records than there is room for.
        """
        arrived = list(records)
        if len(arrived) > self.room:
            raise ValueError(f"{len(arrived) - self.room} records more than fit")
        if not self._records:
            self._oldest = now
        self._records.extend(arrived)

    def drop(self, partitions: Container[TopicPartition]) -> None:
        """Forget the records of partitions that another member now reads."""
        self._records = [record for record in self._records if record.topic_partition not in partitions]

    def patience(self, now: float) -> float | None:
        """Seconds until the batch is due; 0 when it is, ``None`` while there is nothing to wait for."""
        if not self._records:
            return None
        if self.room == 0:
            return 0.0
        return max(0.0, self._oldest + self._deadline_s - now)

    def take(self) -> list[Record]:
        """All records held, leaving none."""
        taken, self._records = self._records, []
        return taken
