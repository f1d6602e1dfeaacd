"""A pipeline of processes under a seeded stream, to be broken, healed and judged.

To add a fault, write a test like this one; ``make_rig`` is a fixture::

    def test_a_redis_that_is_killed(make_rig, ledger):
        rig = make_rig(redis_url=durable.url)
        rig.start("score", "a"), rig.start("aggregate", "a")
        with rig.feeding():                      # the stream flows in the background
            rig.flow(500)                        # wait until that many more raw records are done
            durable.kill(); broken = time.monotonic()
            durable.restart()
            recovery = rig.catch_up_since(broken)
        findings = rig.prove()                   # settles, judges, raises with seed and findings
        ledger.add("Redis killed, its data kept", [recovery], findings)

``rig.start(..., **settings)`` takes any setting by name (``bootstrap_servers`` or ``redis_url`` of a proxy, for example).
``strike=Strike(step)`` makes the process end itself at a named step, see ``steps``. A member that has ended is started again
with ``member.start()``. Whatever the fault does, ``prove`` compares all topics and all of Redis with the oracle.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from member import LOG_TAIL, PATIENCE_S, Member
from observation import observe
from oracle import Findings, judge
from people import People
from raw_topics import Topics, client_of
from redis import Redis
from steps import Strike
from stream import Stream
from waiting import eventually

PARTITIONS = 6

SETTINGS: dict[str, str] = {
    "session_timeout": "2",
    "transaction_timeout": "4",
    "outage_deadline": "60",
    "batch_size": "32",
    "apply_batch_size": "100",
}
"""Impatient, and in small steps, so that there is always something in flight to break."""

EVENTS_A_SECOND = 200
CHUNK = 30

MOST_WAITING = 2000
"""The stream pauses while more raw records than this wait, so that a slow machine is never left hopelessly behind."""

LOOK_EVERY = 1000
"""Kafka is asked again once that many records might have passed."""


class Rig:
    """Topics and a Redis prefix of its own, members, a stream and people who speak of it, and the oracle's judgement."""

    def __init__(
        self, servers: str, redis_url: str, prefix: str, folder: Path, seed: int, **settings: str
    ) -> None:
        self.seed = seed
        self.prefix = f"{prefix.rstrip('.')}:"
        self.stream = Stream(seed, PARTITIONS)
        self.people = People(seed, PARTITIONS)
        self.published = 0
        self.said = 0
        self._scored = 0
        """At least so many of them are scored and committed."""
        self.members: list[Member] = []
        self._folder = folder
        self._stack = ExitStack()
        self.topics = self._stack.enter_context(Topics(servers, prefix, PARTITIONS))
        self.redis = self._stack.enter_context(Redis.from_url(redis_url, decode_responses=True))
        self.settings = {
            **self.topics.environment(**SETTINGS),
            "redis_url": redis_url,
            "redis_prefix": self.prefix,
            "aggregator_group": f"{prefix}aggregator",
            **settings,
        }
        retention = self.settings.get("label_retention")
        self._label_retention = None if retention is None else int(retention)
        self._counted = [self.topics.scored]
        if self._label_retention is None:
            self._counted.append(self.topics.labels)
        self._asking = threading.Lock()
        """The client may be called from one thread at a time; tests break both roles in two."""
        self._any, self._committed = (
            self._stack.enter_context(
                KafkaConsumer(**client_of(servers), isolation_level=level, metadata_max_age_ms=1000)
            )
            for level in ("read_uncommitted", "read_committed")
        )

    def member(self, role: str, instance: str = "a", **settings: str) -> Member:
        """One that is not started yet; ``settings`` are those of the pipeline, by name."""
        self.members.append(Member(role, instance, self.settings | settings, self._folder))
        return self.members[-1]

    def start(self, role: str, instance: str = "a", strike: Strike | None = None, **settings: str) -> Member:
        """A running one."""
        return self.member(role, instance, **settings).start(strike)

    def publish(self, count: int) -> None:
        """The next records of the stream, and what people say meanwhile; returns when Kafka has stored them.

        Some say it before the record that they speak of is there, and so before it is scored.
        """
        while count > 0:
            records = self.stream.take(min(count, CHUNK))
            said = self.people.say(records)
            self.topics.publish(*said, topic=self.topics.labels)
            self.said += len(said)
            self.topics.publish(*records)
            self.published += len(records)
            count -= len(records)

    @contextmanager
    def feeding(self, events_a_second: float = EVENTS_A_SECOND) -> Iterator[None]:
        """Let the stream flow in the background."""
        ended, errors = threading.Event(), []

        def feed() -> None:
            try:
                while not ended.wait(CHUNK / events_a_second):
                    if self._settled_since(MOST_WAITING):
                        self.publish(CHUNK)
            except BaseException as error:  # noqa: BLE001 -- raised again in the test's thread
                errors.append(error)

        thread = threading.Thread(target=feed, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(PATIENCE_S)
        if errors:
            raise errors[0]

    def _settled_since(self, waiting: int) -> bool:
        """Whether at most so many records wait to be scored; asked of Kafka once in a while."""
        if self.published - self._scored > waiting - LOOK_EVERY:
            self._scored = sum(self.topics.committed().values())
        return self.published - self._scored <= waiting

    def flow(self, records: int, timeout: float = PATIENCE_S) -> None:
        """Return once that many more raw records are scored and committed."""
        before = sum(self.topics.committed().values())
        self._wait(lambda: sum(self.topics.committed().values()) >= before + records, timeout, "scored")

    def catch_up(self, timeout: float = PATIENCE_S) -> None:
        """Return once all that was published before this call is scored, and all of that and all labels are counted."""
        raw = eventually(lambda: self._ends(self._any, self.topics.raw), timeout)
        self._wait(lambda: _reached(self.topics.committed(), raw), timeout, "scored")
        self._wait_until_counted(self._any, timeout)

    def catch_up_since(self, broken: float, timeout: float = PATIENCE_S) -> float:
        """Seconds from ``broken`` (of ``time.monotonic``) until all published before this call is counted."""
        self.catch_up(timeout)
        return time.monotonic() - broken

    def stored_offsets(self, topic: str) -> dict[int, int]:
        """What Redis says is counted, by partition of one of the two topics that are."""
        stored = self.redis.hgetall(f"{self.prefix}offsets:{topic}")
        return {int(partition): int(offset) for partition, offset in stored.items() if partition.isdecimal()}

    def prove(self, timeout: float = PATIENCE_S) -> Findings:
        """Let everything settle, and judge it; the stream must have ended.

        Raises:
            AssertionError: something was lost, doubled, altered, reordered or miscounted; with the seed.
        """
        self.catch_up(timeout)
        for topic in (self.topics.scored, self.topics.dead_letters):
            # What an open transaction holds back is neither there nor not there.
            self._wait(
                lambda topic=topic: self._ends(self._any, topic) == self._ends(self._committed, topic),
                timeout,
                "closed",
            )
        self._wait_until_counted(self._committed, timeout)
        seen = observe(self.topics, self.redis, self.prefix)
        assert len(seen.raw) == self.published, "the raw topic is not what was published"
        assert len(seen.labels) == self.said, "the topic of labels is not what was said"
        findings = judge(seen, self._label_retention)
        assert not findings.kinds, (
            f"seed {self.seed}, {self.published} records, {self.said} labels:\n{findings}"
        )
        return findings

    def widen(self, partitions: int) -> None:
        """Add partitions to the raw topic; the stream goes on with new products in them."""
        self.topics.widen(partitions)
        self.stream.widen(partitions)

    def close(self) -> None:
        for member in self.members:
            if member.running:
                member.job.kill()
        self._stack.close()

    def _wait_until_counted(self, consumer: KafkaConsumer, timeout: float) -> None:
        """Return once Redis has all that the consumer may see now."""
        for topic in self._counted:
            ends = eventually(partial(self._ends, consumer, topic), timeout)
            self._wait(partial(self._has_counted, topic, ends), timeout, "counted")

    def _has_counted(self, topic: str, ends: dict[int, int]) -> bool:
        return _reached(self.stored_offsets(topic), ends)

    def _wait(self, condition: Any, timeout: float, what: str) -> None:
        try:
            eventually(condition, timeout)
        except AssertionError as error:
            logs = "\n".join(
                f"--- {member.name}, {'running' if member.running else 'ended'}:\n{member.job.log[-LOG_TAIL:]}"
                for member in self.members
                if member.lives
            )
            raise AssertionError(
                f"not all was {what} within {timeout:g} s, seed {self.seed}\n{logs}"
            ) from error

    def _ends(self, consumer: KafkaConsumer, topic: str) -> dict[int, int]:
        """Offsets after the last record of each partition; none of any while Kafka is away."""
        with self._asking, suppress(KafkaError):
            places = [
                TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic))
            ]
            return {place.partition: end for place, end in consumer.end_offsets(places).items()}
        return {}


def _reached(offsets: dict[int, int], targets: dict[int, int]) -> bool:
    return all(offsets.get(partition, 0) >= target for partition, target in targets.items())
