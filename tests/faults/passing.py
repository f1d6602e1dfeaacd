"""Clients that note each step that they pass, and strike their own process at the planned one.

Production code has no hooks for this: the clients of Kafka and Redis and the engine that the pipeline is built from are
replaced by subclasses.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha1
from pathlib import Path
from signal import pthread_kill
from threading import get_ident
from typing import Any

from fake_engine import FakeEngine
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from redis import Redis
from redis.client import Pipeline
from steps import WORKING, Step, Strike

from consumers.aggregate.view import ADVANCE, APPLY, FORGET, RANK
from consumers.infer.runner import RunFailure
from schemas.events import Sentiment

Around = tuple[Step | None, Step | None, Step | None]
"""The steps before, amid and after a script."""


def _by_digest(steps: Mapping[str, Around]) -> dict[str, Around]:
    return {
        sha1(source.encode(), usedforsecurity=False).hexdigest(): around for source, around in steps.items()
    }


SCRIPTS = _by_digest(
    {
        APPLY: (Step.BEFORE_APPLY, Step.AMID_APPLY, Step.AFTER_APPLY),
        RANK: (Step.BEFORE_RANK, Step.AMID_RANK, Step.AFTER_RANK),
        ADVANCE: (Step.BEFORE_ADVANCE, None, Step.AFTER_ADVANCE),
        FORGET: (Step.BEFORE_FORGET, None, Step.AFTER_FORGET),
    }
)
SCRIPTS_OF_LABELS = _by_digest(
    {
        APPLY: (Step.BEFORE_RELABEL, None, Step.AFTER_RELABEL),
        RANK: (None, None, Step.AFTER_RANK_OF_LABELS),
        ADVANCE: (None, None, Step.AFTER_ADVANCE_OF_LABELS),
    }
)


class Passages:
    """Counts the steps that this process passes, and strikes it at the planned one.

    Args:
        strike: the plan, if there is one.
        notes: file to which it appends that it listens to signals, works, and is about to be struck.
    """

    def __init__(self, strike: Strike | None, notes: Path) -> None:
        self._strike = strike
        self._left = strike.passage if strike else 0
        self._notes = notes
        self._works = False

    def listening(self) -> None:
        """Write down that SIGTERM is heard from now on."""
        self._note("listening")

    def passed(self, step: Step | None, prepare: Callable[[], object] | None = None) -> None:
        """Strike if it is time, after ``prepare``; None is no step."""
        if step in WORKING and not self._works:
            self._works = True
            self._note("working")
        if step is None or self._strike is None or self._strike.step is not step:
            return
        self._left -= 1
        if self._left == 0:
            if prepare:
                prepare()
            self._note("struck")
            # Sent to this very thread, it takes effect before the next line; the process's may go to another thread first.
            pthread_kill(get_ident(), self._strike.signal)

    def _note(self, what: str) -> None:
        with self._notes.open("a") as notes:
            notes.write(f"{what} {time.monotonic()}\n")


class PassingEngine(FakeEngine):
    """Passes ``SCORED``."""

    def __init__(self, passages: Passages, seconds_a_batch: float) -> None:
        super().__init__(seconds_a_batch)
        self._passages = passages

    def score(self, texts: Sequence[str]) -> list[Sentiment | RunFailure]:
        sentiments = super().score(texts)
        self._passages.passed(Step.SCORED)
        return sentiments


class PassingConsumer(KafkaConsumer):
    """Passes ``POLLED``, ``TAKEN`` and ``GIVEN``."""

    def __init__(self, *, passages: Passages, **configs: Any) -> None:
        self._passages = passages
        super().__init__(**configs)

    def poll(self, **arguments: Any) -> Mapping[TopicPartition, Sequence[Any]]:
        polled: Mapping[TopicPartition, Sequence[Any]] = super().poll(**arguments)
        if polled:
            self._passages.passed(Step.POLLED)
        return polled

    def subscribe(self, topics: Sequence[str], listener: ConsumerRebalanceListener) -> None:
        super().subscribe(topics, listener=PassingListener(listener, self._passages))


class PassingListener(ConsumerRebalanceListener):
    """Is struck before the pipeline hears of the rebalance."""

    def __init__(self, listener: ConsumerRebalanceListener, passages: Passages) -> None:
        self._listener = listener
        self._passages = passages

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._passages.passed(Step.TAKEN)
        self._listener.on_partitions_revoked(revoked)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._passages.passed(Step.GIVEN)
        self._listener.on_partitions_assigned(assigned)


class PassingProducer(KafkaProducer):
    """Passes ``SENT``, ``OFFSETS_SENT`` and ``COMMITTED``, with the records at the broker and not in a buffer.

    The client reads the wall clock for nothing but the times of its records, which are those of ``now`` here.
    """

    def __init__(self, *, passages: Passages, now: Callable[[], datetime], **configs: Any) -> None:
        self._passages = passages
        self._now = now
        super().__init__(**configs)

    def send(self, topic: str, **record: Any) -> Any:
        return super().send(topic, timestamp_ms=int(self._now().timestamp() * 1000), **record)

    def send_offsets_to_transaction(self, offsets: Any, group: Any) -> None:
        self._passages.passed(Step.SENT, self.flush)
        super().send_offsets_to_transaction(offsets, group)

    def commit_transaction(self) -> None:
        self._passages.passed(Step.OFFSETS_SENT, self.flush)
        super().commit_transaction()
        self._passages.passed(Step.COMMITTED)


class PassingRedis(Redis):
    """Passes the steps around each script."""

    passages: Passages
    labels_topic: str

    def pipeline(self, transaction: bool = True, shard_hint: Any = None) -> "PassingPipeline":
        pipeline = PassingPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)
        pipeline.passages = self.passages
        pipeline.labels_topic = self.labels_topic
        return pipeline


class PassingPipeline(Pipeline):
    """Knows the script by its digest and the topic by its keys; in the middle, the server has run the first half of the calls.

    A pipeline that runs no script only reads.
    """

    passages: Passages
    labels_topic: str

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        if not self.command_stack:  # all partitions went to others while Redis was waited for
            return super().execute(raise_on_error)
        command, subject, *rest = self.command_stack[0][0]
        if command != "EVALSHA":
            reads: list[Any] = super().execute(raise_on_error)
            return reads
        of_labels = any(key.endswith(f":{self.labels_topic}") for key in rest[1 : 1 + rest[0]])
        before, amid, after = (SCRIPTS_OF_LABELS if of_labels else SCRIPTS)[subject]
        self._done: list[Any] = []
        self.passages.passed(before)
        self.passages.passed(amid, self._run_half)
        results: list[Any] = [*self._done, *super().execute(raise_on_error)]
        self.passages.passed(after)
        return results

    def _run_half(self) -> None:
        calls = self.command_stack
        half = (len(calls) + 1) // 2
        self.command_stack = calls[:half]
        self._done = super().execute(raise_on_error=False)
        self.command_stack = calls[half:]
