"""A batch on its way to Kafka, while the next one is inferred."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from kafka import ConsumerGroupMetadata, TopicPartition

from consumers.publish import Output, Publisher
from consumers.records import commit_form


@dataclass(frozen=True)
class Batch:
    """What became of a micro-batch of records, and what is to be committed with it.

    Args:
        outputs: to publish, in order.
        offsets: the next to read of each partition.
        notes: what is to stand beside them.
        group: the membership under which the records were read.
        bad: of each output, whether it is a dead letter.
    """

    outputs: Sequence[Output]
    offsets: Mapping[TopicPartition, int]
    notes: Mapping[TopicPartition, str]
    group: ConsumerGroupMetadata
    bad: Sequence[bool] = ()


class Publication:
    """Publishes on a thread of its own, one batch after the other. Its methods are called from one thread.

    Between ``begin`` and ``finish`` the intake must rest: its client takes no calls from two threads, and at-least-once
    delivery commits through it.
    """

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="publish")
        self._under_way: tuple[Batch, Future[None]] | None = None

    def begin(self, batch: Batch) -> None:
        """Start to publish; what was under way must be finished."""
        assert self._under_way is None, "the batch before is not finished"
        offsets = commit_form(batch.offsets, batch.notes)
        published = self._thread.submit(self._publisher.publish, batch.outputs, offsets, batch.group)
        self._under_way = batch, published

    def finish(self) -> Batch | None:
        """Wait for the batch that is under way and return it, published; None if there is none.

        Raises:
            Exception: what ``Publisher.publish`` raises; the batch is not under way any more.
        """
        if self._under_way is None:
            return None
        (batch, published), self._under_way = self._under_way, None
        published.result()
        return batch

    def close(self) -> None:
        """Let what is under way end, and release the connections."""
        self._thread.shutdown()
        self._publisher.close()
