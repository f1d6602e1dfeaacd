"""The aggregator's second source: what people say, which is little, so one of the aggregators reads all of it."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any

from consumers.aggregate.bounds import first_steps
from consumers.aggregate.sort_out import sort_out
from consumers.aggregate.view import RedisView
from consumers.process import Clock
from consumers.publish import Output
from consumers.topic_reader import TopicReader, open_reader
from schemas.settings import AggregatorSettings

log = logging.getLogger(__name__)

CHECK_INTERVAL_S = 1.0
"""Between looks at the stored offsets while nothing comes."""

FETCH_WAIT_S = 0.05
"""Labels are polled between two polls of the scored topic and are silent most of the time: at Kafka's half a second, the sign of
life that is asked for every five seconds of silence held up the counting by as long (docs/latency.md)."""

WithRedis = Callable[[Callable[[], Any]], Any]
"""Repeats an action until Redis takes it."""


class LabelsFollower:
    """Reads the topic of labels outside the group, from where Redis is, while the aggregator has a certain partition.

    In the group it would be shared out like the scored topic, and of two aggregators one might get all labels and the
    other all the work. While two read it for a moment, Redis refuses one of them, as with any partition.
    """

    def __init__(
        self,
        settings: AggregatorSettings,
        view: RedisView,
        dead_letters: Callable[[Sequence[Output]], None],
        clock: Clock = time.monotonic,
    ) -> None:
        self.applied = 0
        self._clock = clock
        self._next_check = clock()
        self._settings = settings
        self._stack = ExitStack()
        self._opened: TopicReader | None = None
        self._view = view
        self._dead_letters = dead_letters
        self._stored: dict[int, int] = {}
        """Of each partition that is placed: the offset that Redis holds, as far as we know."""

    @property
    def _reader(self) -> TopicReader:
        """Connects when it is first needed: most aggregators of a group never do."""
        if self._opened is None:
            topic = self._settings.labels_topic
            self._opened = self._stack.enter_context(
                open_reader(self._settings, topic, fetch_wait_s=FETCH_WAIT_S)
            )
        return self._opened

    def close(self) -> None:
        """Release the connection."""
        self._stack.close()

    def turn(self, *, ours: bool, with_redis: WithRedis) -> None:
        """Count what has come; never waits for more.

        Args:
            ours: whether this aggregator is the one that reads.
            with_redis: runs what needs Redis.
        """
        if not ours:
            self._stored.clear()
            return
        self._reader.take_up_new_partitions()
        if self._reader.partitions - self._stored.keys():
            self._place(with_redis)
        records = [record for record in self._reader.poll(0.0) if record.partition in self._stored]
        if records:
            found = sort_out(records, self._settings, datetime.now(UTC))
            if found.letters:
                self._dead_letters(found.letters)
            if found.labels:
                apply = partial(self._view.apply, self._reader.topic, found.labels, dict(self._stored))
                self._leave(with_redis(apply))
                self.applied += sum(event.partition in self._stored for event in found.labels)
        due = self._clock() >= self._next_check
        if due:
            self._next_check = self._clock() + CHECK_INTERVAL_S
        positions = self._reader.positions()
        steps = {
            part: (self._stored[part], positions[part]) for part in self._stored.keys() & positions.keys()
        }
        self._advance({part: step for part, step in steps.items() if due or step[0] != step[1]}, with_redis)

    def _place(self, with_redis: WithRedis) -> None:
        """Go to where Redis is."""
        topic = self._reader.topic
        stored: dict[int, int] = with_redis(partial(self._view.offsets, topic))
        unplaced = self._reader.partitions - self._stored.keys()
        starts, ends = self._reader.starts(), self._reader.ends()
        steps = first_steps(self._settings, topic, unplaced, stored, starts, ends)
        for partition in self._advance(steps, with_redis):
            self._stored[partition] = steps[partition][1]
            self._reader.seek({partition: steps[partition][1]})

    def _advance(self, steps: Mapping[int, tuple[int | None, int]], with_redis: WithRedis) -> set[int]:
        """Move the stored offsets; returns the partitions whose offsets were moved."""
        if not steps:
            return set()
        others: set[int] = with_redis(partial(self._view.advance, self._reader.topic, steps))
        self._leave(others)
        moved = steps.keys() - others
        for partition in moved & self._stored.keys():
            self._stored[partition] = steps[partition][1]
        return moved

    def _leave(self, others: set[int]) -> None:
        """Place anew what Redis holds another offset of."""
        for partition in others & self._stored.keys():
            log.warning("Redis is not as we left it at %s:%d: reading again", self._reader.topic, partition)
            del self._stored[partition]
