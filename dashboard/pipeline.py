"""What is known of the pipeline itself: from Redis how fast and how far, from Kafka what still waits."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kafka.errors import KafkaError

from dashboard.refused import DeadLetters
from dashboard.watch import Clock, Watcher
from schemas.errors import ReviewStreamError
from schemas.events import ModelReference

log = logging.getLogger(__name__)

KEPT_FOR = timedelta(seconds=10)
"""How long Kafka's answer is shown to everybody who asks, before it is asked again."""


@dataclass(frozen=True)
class Lag:
    """Records that a group has not worked off yet."""

    group: str
    topic: str
    records: int | None
    """None for a group that never committed anything."""


@dataclass(frozen=True)
class KafkaAnswer:
    """What Kafka says of the groups, and which model labelled the latest review."""

    lags: Sequence[Lag]
    model: ModelReference | None
    scored_at: datetime | None
    letters: DeadLetters | None = None
    letters_trouble: str | None = None
    """Why nothing is known of the dead letters, where that is so."""


@dataclass(frozen=True)
class KafkaState:
    """The last answer; ``trouble`` says why there is none."""

    asked_at: datetime
    answer: KafkaAnswer | None = None
    trouble: str | None = None


@dataclass(frozen=True)
class PipelineState:
    """All that is known."""

    seen_at: datetime | None
    trouble: str | None
    applied_per_second: float | None
    offsets: Mapping[int, int]
    generation: str | None
    rebuilding: bool
    kafka: KafkaState | None
    """None where nobody said where Kafka is."""


class PipelineReader:
    """Puts together what the watcher saw and what Kafka says.

    Args:
        watcher: looks at Redis.
        ask_kafka: how to ask Kafka; None where Kafka is not known. It blocks, so it runs in a thread.
        clock: the time, in UTC.
    """

    def __init__(self, watcher: Watcher, ask_kafka: Callable[[], KafkaAnswer] | None, clock: Clock) -> None:
        self._watcher = watcher
        self._ask_kafka = ask_kafka
        self._clock = clock
        self._kafka: KafkaState | None = None
        self._asking = asyncio.Lock()

    async def state(self) -> PipelineState:
        """Asks Kafka only if its last answer is old."""
        seen = self._watcher.seen
        return PipelineState(
            seen_at=seen.at if seen else None,
            trouble=self._watcher.trouble,
            applied_per_second=self._watcher.rate,
            offsets=seen.offsets if seen else {},
            generation=seen.generation if seen else None,
            rebuilding=bool(seen and seen.rebuild),
            kafka=await self._kafka_state() if self._ask_kafka else None,
        )

    async def _kafka_state(self) -> KafkaState:
        async with self._asking:
            now = self._clock()
            if self._kafka is None or now - self._kafka.asked_at > KEPT_FOR:
                assert self._ask_kafka is not None
                try:
                    self._kafka = KafkaState(now, await asyncio.to_thread(self._ask_kafka))
                except (KafkaError, ReviewStreamError, OSError) as error:
                    log.warning("Kafka: %s", error)
                    self._kafka = KafkaState(now, trouble="Kafka does not answer, or refuses this server")
            return self._kafka
