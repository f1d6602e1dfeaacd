"""The aggregator: from ``reviews.scored`` and ``reviews.labels`` to counts in Redis."""

import logging
import time
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from consumers.aggregate.bounds import first_steps
from consumers.aggregate.follow_labels import LabelsFollower
from consumers.aggregate.sort_out import sort_out
from consumers.aggregate.view import PositionedEvent, RedisView
from consumers.dead_letters import DeadLetterSender
from consumers.group_consumer import group_consumer
from consumers.held_back import HELD_BACK_AFTER_S
from consumers.intake import GroupIntake, Polled
from consumers.process import Clock, Health, OutageGuard, Shutdown
from consumers.publish import Output, producer_config
from consumers.records import Record, commit_form
from schemas.errors import ServerUnavailable
from schemas.redis_keys import ViewKeys
from schemas.refusals import raise_if_refused
from schemas.settings import AggregatorSettings

log = logging.getLogger(__name__)

Result = TypeVar("Result")

IDLE_POLL_S = 0.5
RETRY_PAUSE_S = 0.5
CHECK_INTERVAL_S = 1.0
"""Between looks at the stored offsets while nothing comes, and between commits for lag monitors."""

REPORT_INTERVAL_S = 10.0

REDIS_TIMEOUT_S = 10.0
"""A round trip of 2,000 events takes well under a second; an answer this late is as good as none."""


@dataclass
class AggregatorCounts:
    """What the aggregator did since its start."""

    applied: int = 0
    labels: int = 0
    dead_lettered: int = 0
    redis_retries: int = 0
    held_back: int = 0
    """Records and markers that now stand behind a transaction which does not end."""


class StopWaiting(Exception):  # noqa: N818 -- a request, not a failure
    """Asked to stop while waiting for Redis."""


class Aggregator:
    """Counts in Redis equal a recount of the scored topic and of what people say, whatever is killed in between.

    One turn of the loop: poll, decode, apply to Redis, remember the offset there. Redis decides where to read, not the
    group's commit, which serves lag monitors only. That holds all the time: a Redis that was emptied or put back to an
    older state refuses what comes next, and is caught up from the offset that it holds then.
    """

    def __init__(
        self,
        settings: AggregatorSettings,
        *,
        view: RedisView,
        intake: GroupIntake,
        dead_letters: Callable[[Sequence[Output]], None],
        shutdown: Shutdown,
        health: Health,
        labels: LabelsFollower | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self.counts = AggregatorCounts()
        self._settings = settings
        self._view = view
        self._intake = intake
        self._dead_letters = dead_letters
        self._shutdown = shutdown
        self._health = health
        self._labels = labels
        self._clock = clock
        self._stored: dict[TopicPartition, int] = {}
        """Of each partition that we read: the offset that Redis holds, as far as we know."""
        self._committed: dict[TopicPartition, int] = {}
        self._next_check = clock()
        self._next_report = clock() + REPORT_INTERVAL_S

    def run(self) -> None:
        """Work until asked to stop."""
        try:
            with suppress(StopWaiting):
                # Asked even if another member has all partitions: one that could not take over should say so now.
                self._with_redis(lambda: self._view.require_permissions(self._settings.scored_topic))
                while not self._shutdown.requested:
                    self._turn()
        finally:
            self._intake.close()
            if self._labels is not None:
                self._labels.close()
        log.info("stopped: %s", self.counts)

    def _turn(self) -> None:
        polled = self._intake.poll(IDLE_POLL_S, self._settings.apply_batch_size)
        self._note_rebalance(polled)
        self._apply([record for record in polled.records if record.topic_partition in self._stored])
        self._remember()
        while unplaced := self._intake.consumer.assignment() - self._stored.keys():
            self._place(unplaced)
        if self._labels is not None:
            first = TopicPartition(self._settings.scored_topic, 0)
            self._labels.turn(ours=first in self._stored, with_redis=self._with_redis)
            self.counts.labels = self._labels.applied
        if polled.group.group_id is not None:  # before it has joined it may be refused yet
            self._health.beat()
        self._report()

    def _note_rebalance(self, polled: Polled) -> None:
        for partition in polled.revoked | polled.assigned:
            self._stored.pop(partition, None)

    def _apply(self, records: Sequence[Record]) -> None:
        found = sort_out(records, self._settings, datetime.now(UTC))
        if found.letters:
            self._dead_letters(found.letters)
            self.counts.dead_lettered += len(found.letters)
        if found.events:
            others = self._with_redis(lambda: self._count(found.events))
            self._leave(others)
            self.counts.applied += sum(event.partition not in others for event in found.events)

    def _count(self, events: Sequence[PositionedEvent]) -> set[int]:
        """Apply what is still ours: partitions may have gone while we waited for Redis."""
        known = {partition.partition: offset for partition, offset in self._stored.items()}
        ours = [event for event in events if event.partition in known]
        return self._view.apply(self._settings.scored_topic, ours, known)

    def _remember(self) -> None:
        """Store the positions in Redis; they move past transaction markers too, so an idle topic has no lag."""
        due = self._clock() >= self._next_check
        steps = {}
        for partition, stored in self._stored.items():
            position = self._intake.position(partition)
            if position is not None and (due or position != stored):
                steps[partition] = (stored, position)
        for partition in self._advance(steps) & self._stored.keys():
            self._stored[partition] = steps[partition][1]
        if due:
            self._next_check = self._clock() + CHECK_INTERVAL_S
            self._commit()

    def _place(self, partitions: Collection[TopicPartition]) -> None:
        """Go to where Redis is."""
        topic = self._settings.scored_topic
        stored = self._with_redis(lambda: self._view.offsets(topic))
        starts, ends = (
            {place.partition: offset for place, offset in bound.items()}
            for bound in self._intake.bounds(partitions)
        )
        numbers = [partition.partition for partition in partitions]
        first = first_steps(self._settings, topic, numbers, stored, starts, ends)
        steps = {TopicPartition(topic, number): step for number, step in first.items()}
        placed = self._advance(steps)
        for partition in placed & self._intake.consumer.assignment():
            self._stored[partition] = steps[partition][1]
            self._intake.consumer.seek(partition, steps[partition][1])

    def _advance(self, steps: Mapping[TopicPartition, tuple[int | None, int]]) -> set[TopicPartition]:
        """Move the stored offsets; those that are not what we thought they were are left, and we leave their partitions.

        Returns:
            The partitions whose offsets were moved.
        """
        if not steps:
            return set()
        by_number = {partition.partition: step for partition, step in steps.items()}
        others = self._with_redis(lambda: self._view.advance(self._settings.scored_topic, by_number))
        self._leave(others)
        return {partition for partition in steps if partition.partition not in others}

    def _leave(self, others: Container[int]) -> None:
        """Stop reading partitions of which Redis holds another offset, until they are placed anew."""
        for partition in [partition for partition in self._stored if partition.partition in others]:
            log.warning(
                "Redis is not as we left it at offset %d of %s:%d, because it lost its latest writes or another aggregator "
                "reads there: reading again from the offset that it holds",
                self._stored.pop(partition), partition.topic, partition.partition,
            )  # fmt: skip

    def _commit(self) -> None:
        if self._committed != self._stored:
            self._committed = dict(self._stored)
            self._intake.consumer.commit_async(commit_form(self._committed))

    def _with_redis(self, action: Callable[[], Result]) -> Result:
        """Repeat ``action`` until Redis takes it, keeping the group's membership meanwhile.

        Raises:
            ConfigurationError: Redis refuses us; no waiting helps.
            ServerUnavailable: the outage deadline has passed.
            StopWaiting: asked to stop; what was polled is not applied and will be read again.
        """
        failing_since: float | None = None
        while True:
            try:
                return action()
            except (RedisError, OSError) as error:
                raise_if_refused(error)
                now = self._clock()
                if failing_since is None:
                    failing_since = now
                    log.warning("Redis: %s; trying again for %.0f s", error, self._settings.outage_deadline)
                if now - failing_since > self._settings.outage_deadline:
                    raise ServerUnavailable(
                        f"Redis did not take the counts for {now - failing_since:.0f} s: {error}"
                    ) from error
                self.counts.redis_retries += 1
                if self._shutdown.wait(RETRY_PAUSE_S):
                    raise StopWaiting from error
                self._note_rebalance(self._intake.keep_membership())

    def _report(self) -> None:
        if self._clock() >= self._next_report:
            self._next_report = self._clock() + REPORT_INTERVAL_S
            self.counts.held_back = self._intake.held_back
            log.info("%s", self.counts)


def start_aggregator(
    settings: AggregatorSettings,
    shutdown: Shutdown,
    instance: str,
    *,
    make_consumer: Callable[..., KafkaConsumer] = KafkaConsumer,
    make_redis: Callable[..., Redis] = Redis.from_url,
    held_back_after_s: float = HELD_BACK_AFTER_S,
) -> Aggregator:
    """Connect to Kafka and put an aggregator together; Redis is first called when partitions arrive.

    Args:
        settings: of this process.
        shutdown: asks it to stop.
        instance: its stable name.
        make_consumer: connects the consumer, from the client's configuration.
        make_redis: makes the Redis client, from its URL and options.
        held_back_after_s: seconds that an open transaction may hold us back until we say so.
    """
    client_id = f"{settings.aggregator_group}-{instance}"
    intake = GroupIntake(
        lambda: group_consumer(
            settings, settings.aggregator_group, client_id, settings.session_timeout, make_consumer
        ),
        settings.scored_topic,
        outage_deadline_s=settings.outage_deadline,
        held_back_after_s=held_back_after_s,
    )
    redis = make_redis(
        **settings.redis_config(),
        socket_timeout=REDIS_TIMEOUT_S,
        socket_connect_timeout=REDIS_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),  # the loop tries again, and keeps its place in the group meanwhile
    )
    view = RedisView(
        redis,
        ViewKeys(settings.redis_prefix),
        day_retention=settings.day_retention,
        negatives_kept=settings.negatives_kept,
        label_retention=settings.label_retention,
        uncertain_kept=settings.uncertain_kept,
        customer_retention=settings.customer_retention,
    )
    dead_letters = DeadLetterSender(
        lambda: KafkaProducer(**producer_config(settings, client_id)), OutageGuard(settings.outage_deadline)
    )
    labelled = settings.label_retention is None and intake.lists(settings.labels_topic)
    return Aggregator(
        settings,
        view=view,
        intake=intake,
        dead_letters=dead_letters,
        shutdown=shutdown,
        health=Health(settings.health_file),
        labels=LabelsFollower(settings, view, dead_letters) if labelled else None,
    )
