"""The scored topic counted anew, as far as Redis has applied it."""

from collections import defaultdict
from collections.abc import Callable, Mapping

from consumers.aggregate.fold import Fold
from consumers.read.report import PartitionRange
from consumers.read.snapshot import ProductSnapshot, Snapshot
from consumers.records import Record
from consumers.topic_reader import TopicReader
from schemas.codec import decode_scored
from schemas.errors import InvalidEvent

Progress = Callable[[int, int], None]
"""Told offsets done, and offsets in all."""

_PROGRESS_EVERY = 1000


def applied_offset(product: ProductSnapshot | None, place: str) -> int:
    """The last offset applied to a product at ``<topic>:<partition>``; -1 for none, or for what is no number."""
    text = "" if product is None else product.applied.get(place, "")
    return int(text) if text.isdecimal() else -1


class Recount:
    """The topic folded product by product, each up to where Redis has applied it."""

    def __init__(self, claimed: Mapping[int, int], snapshot: Snapshot) -> None:
        self.fold = Fold()
        self.skipped: defaultdict[str, dict[str, int]] = defaultdict(dict)
        """Of each product: ``<topic>:<partition>`` -> last offset that is claimed and yet not applied."""
        self.records = 0
        self.unreadable = 0
        self._claimed = claimed
        self._products = snapshot.products

    def read(self, reader: TopicReader, partitions: tuple[PartitionRange, ...], progress: Progress) -> None:
        """Read and fold the whole of ``partitions``, which have all their records from offset 0 on."""
        reader.seek({part.partition: 0 for part in partitions})
        targets = {part.partition: part.recounted_to for part in partitions}
        total = sum(targets.values())
        for record in reader.read_to(targets):
            self._fold(record)
            if self.records % _PROGRESS_EVERY == 0:
                progress(sum(min(reader.position(part), target) for part, target in targets.items()), total)
        progress(total, total)

    def _fold(self, record: Record) -> None:
        self.records += 1
        try:
            scored = decode_scored(record.value)
        except InvalidEvent:
            self.unreadable += 1
            return
        place = f"{record.topic}:{record.partition}"
        if record.offset <= applied_offset(self._products.get(scored.product_id), place):
            self.fold.apply(scored, record.topic, record.partition, record.offset)
        elif record.offset < self._claimed.get(record.partition, 0):
            self.skipped[scored.product_id][place] = record.offset
