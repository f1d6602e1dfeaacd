"""The scorer: from ``reviews.raw`` to ``reviews.scored`` and ``reviews.dlq``."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from kafka import ConsumerGroupMetadata, KafkaConsumer, KafkaProducer, TopicPartition

from consumers.batch import MicroBatcher
from consumers.customer_hash import customer_hash
from consumers.dead_letters import dead_letter_output
from consumers.decode import Decoded, decode_records
from consumers.flood import FloodGate
from consumers.group_consumer import group_consumer
from consumers.infer.router import Router
from consumers.infer.runner import RunFailure
from consumers.intake import GroupIntake
from consumers.process import Clock, Health, OutageGuard, Shutdown
from consumers.publication import Batch, Publication
from consumers.publish import (
    AtLeastOncePublisher,
    Output,
    Publisher,
    TransactionalPublisher,
    producer_config,
)
from consumers.records import Record, next_offsets
from consumers.spread import Spread
from schemas.dead_letters import DeadLetterReason
from schemas.errors import BatchAborted, InvalidEvent, ServerUnavailable
from schemas.events import ReviewEvent, ScoredReview, Sentiment, SourceRecord
from schemas.settings import Delivery, ScorerSettings

log = logging.getLogger(__name__)

IDLE_POLL_S = 0.5
RETRY_PAUSE_S = 0.2
SETTLE_INTERVAL_S = 1.0
REPORT_INTERVAL_S = 10.0


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


@dataclass
class ScorerCounts:
    """What the scorer did since its start."""

    scored: int = 0
    dead_lettered: int = 0
    batches: int = 0
    aborted: int = 0


class Scorer:
    """Every raw record ends as exactly one committed record, labelled or dead-lettered.

    One turn of the loop: poll, batch; when the batch is due: decode, infer, publish. An aborted batch changed
    nothing, so the loop goes back to the committed offsets and reads it again.

    Behind a backlog a batch is published while the next one is inferred. That one was polled before, since nothing may be
    polled while a batch is under way: it might take partitions away. A thin stream gains nothing by it, and waits.
    """

    def __init__(
        self,
        settings: ScorerSettings,
        *,
        engines: Router,
        intake: GroupIntake,
        publisher: Publisher,
        shutdown: Shutdown,
        health: Health,
        clock: Clock = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._customer_hash = customer_hash(settings.customer_key)
        self.counts = ScorerCounts()
        self._settings = settings
        self._engines = engines
        self._intake = intake
        self._publication = Publication(publisher)
        self._shutdown = shutdown
        self._health = health
        self._clock = clock
        self._now = now
        self._batch_size = settings.batch_size or engines.batch_size
        self._batcher = MicroBatcher(self._batch_size, settings.batch_deadline)
        self._spread = Spread(
            intake.note, lambda: intake.count_partitions(settings.scored_topic), settings.scored_partitions
        )
        self._flood = FloodGate(settings.flood_window, settings.flood_limit)
        self._group = ConsumerGroupMetadata(group_id=None)
        self._committed: dict[TopicPartition, int] = {}
        self._failing_since: float | None = None
        self._next_settling = clock() + SETTLE_INTERVAL_S
        self._next_report = clock() + REPORT_INTERVAL_S

    def run(self) -> None:
        """Work until asked to stop; what was polled by then is finished first."""
        try:
            while not self._shutdown.requested:
                self._turn()
            if pending := self._batcher.take():
                self._process(pending)
        finally:
            self._publication.close()
            self._intake.close()
        log.info("stopped: %s", self.counts)

    def _turn(self) -> None:
        patience = self._batcher.patience(self._clock())
        if patience != 0.0:
            self._poll(IDLE_POLL_S if patience is None else min(patience, IDLE_POLL_S))
        if self._batcher.patience(self._clock()) == 0.0:
            self._process(self._batcher.take())
        self._settle()
        if self._group.group_id is not None:  # before it has joined it may be refused yet
            self._health.beat()
        self._report()

    def _poll(self, timeout_s: float) -> None:
        polled = self._intake.poll(timeout_s, self._batcher.room)
        self._batcher.drop(polled.revoked)
        self._spread.forget(polled.revoked | polled.assigned)
        self._batcher.add(polled.records, self._clock())
        self._group = polled.group

    def _process(self, records: list[Record]) -> None:
        decoded = decode_records(records)
        sentiments = self._infer(decoded)
        if not self._finish():  # these records come again too, after those of the batch that was aborted
            return
        outputs = [self._output(item, sentiments.get(row)) for row, item in enumerate(decoded)]
        bad = [output.topic == self._settings.dead_letter_topic for output in outputs]
        self._flood.check(bad)
        batch = self._batch(outputs, next_offsets(records), bad)
        if len(records) == self._batch_size and not self._shutdown.requested:
            self._poll(0.0)
        self._publication.begin(batch)
        if self._batcher.room:  # no backlog: nothing to infer meanwhile
            self._finish()

    def _settle(self) -> None:
        """Commit the positions too: they move past transaction markers, which no record tells of.

        So a topic that a transactional producer writes has no lag once it is idle. While nothing waits in the batch,
        everything below the positions is done.
        """
        now = self._clock()
        joined, waiting = self._group.group_id is not None, self._batcher.patience(now) is not None
        if now < self._next_settling or waiting or not joined:
            return
        self._next_settling = now + SETTLE_INTERVAL_S
        moved = self._intake.positions().items() - self._committed.items()
        if moved:
            self._publication.begin(self._batch([], dict(moved)))
            self._finish()

    def _batch(
        self, outputs: Sequence[Output], offsets: Mapping[TopicPartition, int], bad: Sequence[bool] = ()
    ) -> Batch:
        """To be published under the membership of the last poll."""
        return Batch(outputs, offsets, self._spread.notes(offsets), self._group, bad)

    def _finish(self) -> bool:
        """Wait for the batch that is under way; false if it was aborted, which puts the loop back before it."""
        try:
            batch = self._publication.finish()
        except BatchAborted as aborted:
            self._back_off(aborted)
            return False
        if batch is not None:
            self._failing_since = None
            self._committed.update(batch.offsets)
            self._count(batch.bad)
        return True

    def _count(self, bad: Sequence[bool]) -> None:
        if not bad:
            return
        self._flood.take(bad)
        self.counts.batches += 1
        self.counts.dead_lettered += sum(bad)
        self.counts.scored += len(bad) - sum(bad)

    def _infer(self, decoded: Sequence[Decoded]) -> dict[int, Sentiment | RunFailure]:
        """What the model says of each row that has a text."""
        texts = {row: text for row, item in enumerate(decoded) if (text := _text_of(item.event)) is not None}
        return dict(zip(texts, self._engines.score(list(texts.values())), strict=True))

    def _output(self, item: Decoded, sentiment: Sentiment | RunFailure | None) -> Output:
        dead_letters = self._settings.dead_letter_topic
        if isinstance(item.event, InvalidEvent):
            return dead_letter_output(item.record, item.event, dead_letters, self._now())
        if isinstance(sentiment, RunFailure):
            poison = InvalidEvent(DeadLetterReason.MODEL_ERROR, sentiment.detail)
            return dead_letter_output(item.record, poison, dead_letters, self._now())
        scored = ScoredReview.of(
            item.event,
            sentiment=sentiment,
            model=self._engines.engine_for(item.event.language).model,
            source=SourceRecord(
                topic=item.record.topic, partition=item.record.partition, offset=item.record.offset
            ),
            record_time=item.record_time,
            scored_at=self._now(),
            customer_hash=self._customer_hash(item.event.customer_id),
        )
        key = scored.product_id.encode()
        partition = self._spread.partition_of(key, item.record.topic_partition)
        return Output(self._settings.scored_topic, key, scored.to_json(), partition=partition)

    def _back_off(self, aborted: BatchAborted) -> None:
        """Go back to the committed offsets, or give up once nothing has worked for the outage deadline."""
        now = self._clock()
        self.counts.aborted += 1
        if self._failing_since is None:
            self._failing_since = now
        elif now - self._failing_since > self._settings.outage_deadline:
            raise ServerUnavailable(
                f"no batch could be published for {now - self._failing_since:.0f} s: {aborted}"
            )
        log.warning("batch not committed, reading it again: %s", aborted)
        self._batcher.take()  # what follows the batch is read again with it
        self._intake.rewind()
        self._shutdown.wait(RETRY_PAUSE_S)

    def _report(self) -> None:
        if self._clock() >= self._next_report:
            self._next_report = self._clock() + REPORT_INTERVAL_S
            log.info("%s", self.counts)


def _text_of(event: ReviewEvent | InvalidEvent) -> tuple[str, str | None] | None:
    """What there is to score: a text and its language."""
    if isinstance(event, InvalidEvent) or event.text is None:
        return None
    return event.text, event.language


def start_scorer(
    settings: ScorerSettings,
    engines: Router,
    shutdown: Shutdown,
    instance: str,
    *,
    make_consumer: Callable[..., KafkaConsumer] = KafkaConsumer,
    make_producer: Callable[..., KafkaProducer] = KafkaProducer,
    now: Callable[[], datetime] = utc_now,
) -> Scorer:
    """Connect to Kafka and put a scorer together.

    Args:
        settings: of this process.
        engines: what scores the texts.
        shutdown: asks it to stop.
        instance: its stable name.
        make_consumer: connects the consumer, from the client's configuration.
        make_producer: the same for the producer.
        now: the wall clock, for ``scored_at`` and ``dlq.failed_at``.
    """
    if settings.customer_key is None:
        log.info("no customer_key is set: ids of customers are dropped")
    guard = OutageGuard(settings.outage_deadline)
    client_id = f"{settings.scorer_group}-{instance}"
    intake = GroupIntake(
        lambda: group_consumer(
            settings, settings.scorer_group, client_id, settings.session_timeout, make_consumer
        ),
        settings.raw_topic,
        outage_deadline_s=settings.outage_deadline,
    )
    producer = producer_config(settings, client_id)
    if settings.delivery is Delivery.AT_LEAST_ONCE:
        publisher: Publisher = AtLeastOncePublisher(make_producer(**producer), intake.commit, guard)
    else:
        transaction = {
            "transactional_id": client_id,
            "transaction_timeout_ms": int(settings.transaction_timeout * 1000),
        }
        publisher = TransactionalPublisher(
            lambda: make_producer(**producer, **transaction),
            guard,
            transaction_timeout_s=settings.transaction_timeout,
        )
    return Scorer(
        settings,
        engines=engines,
        intake=intake,
        publisher=publisher,
        shutdown=shutdown,
        health=Health(settings.health_file),
        now=now,
    )
