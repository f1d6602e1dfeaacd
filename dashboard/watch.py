"""Notices what was counted, and tells those who listen.

Each second one small hash is read, the offsets that the aggregator stores after it has counted and ranked. Only when they
moved is it asked which products changed, and only these are read again. So a shop at rest costs a round trip a second, and
a busy one no more than its changes, however many people look.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from dashboard.desk.line import Line
from dashboard.index import ProductIndex
from dashboard.problems import REDIS_UNREADABLE, Problem, redis_problem
from schemas.redis_keys import ViewKeys, partition_offsets

log = logging.getLogger(__name__)

INTERVAL_S = 1.0

RATE_WINDOW = timedelta(minutes=1)

MAX_LISTENERS = 200
"""Streams at the same time."""

MAX_WAITING = 16
"""Changes that wait for one reader: at one a second, it was not heard of for this many seconds."""

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Change:
    """Products whose counts changed."""

    at: datetime
    products: Collection[str]


class TooSlow(Exception):  # noqa: N818 -- it is about the reader
    """A reader left too many changes waiting, and gets no more."""


class TooManyListeners(Exception):  # noqa: N818 -- a limit, which the listener is told
    """As many streams are open as there may be."""


@dataclass(eq=False)
class Listener:
    """One open stream."""

    waiting: asyncio.Queue[Change] = field(default_factory=lambda: asyncio.Queue(MAX_WAITING))
    too_slow: bool = False

    def tell(self, change: Change) -> None:
        """Never waits: who does not keep up is marked and told nothing more."""
        try:
            self.waiting.put_nowait(change)
        except asyncio.QueueFull:
            self.too_slow = True

    async def next(self) -> Change:
        """The next change.

        Raises:
            TooSlow: some were left out, so the reader has to start anew.
        """
        if self.too_slow:
            raise TooSlow
        return await self.waiting.get()


class Broadcast:
    """Hands each change to every open stream."""

    def __init__(self, limit: int = MAX_LISTENERS) -> None:
        self._limit = limit
        self._listeners: set[Listener] = set()

    def open(self) -> Listener:
        """A new stream; close it in the end.

        Raises:
            TooManyListeners: there are too many already.
        """
        if len(self._listeners) >= self._limit:
            raise TooManyListeners
        listener = Listener()
        self._listeners.add(listener)
        return listener

    def close(self, listener: Listener) -> None:
        """Tell it nothing more."""
        self._listeners.discard(listener)

    def tell(self, change: Change) -> None:
        """Tell everybody."""
        for listener in self._listeners:
            listener.tell(change)


@dataclass(frozen=True)
class Seen:
    """What the last look found."""

    at: datetime
    offsets: dict[int, int]
    """Partition of the scored topic -> next offset to apply."""
    labelled: Mapping[str, str]
    """The same of the topic of labels, as Redis holds it."""
    generation: str | None
    rebuild: dict[str, str]


class Watcher:
    """Looks at Redis once a second; a Redis that is away is looked for until it is back.

    Args:
        redis: a client with ``decode_responses``.
        keys: names of the view's keys.
        topics: the scored topic and the topic of labels.
        index: kept up to date.
        broadcast: told of changes.
        clock: the time, in UTC.
        line: kept up to date.
    """

    def __init__(
        self,
        redis: Redis,
        keys: ViewKeys,
        topics: tuple[str, str],
        index: ProductIndex,
        broadcast: Broadcast,
        clock: Clock,
        line: Line,
    ) -> None:
        self.seen: Seen | None = None
        self.trouble: str | None = None
        """Why the last look failed, if it did."""
        self.problem: Problem | None = None
        """The same for those who ask for what it would have found."""
        self._redis = redis
        self._keys = keys
        self._topics = topics
        self._index = index
        self._broadcast = broadcast
        self._clock = clock
        self._line = line
        self._behind: set[str] = set()
        """Products that the line has yet to read again."""
        self._history: list[tuple[datetime, int]] = []
        self._looked = asyncio.Event()

    @property
    def rate(self) -> float | None:
        """Records applied a second over the last minute; None before there are two looks."""
        if len(self._history) < 2:
            return None
        (start, before), (end, now) = self._history[0], self._history[-1]
        return max(0.0, (now - before) / (end - start).total_seconds())

    async def settled(self) -> None:
        """Wait for the first look, however it ends."""
        await self._looked.wait()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch while the body runs."""
        stopped = asyncio.Event()
        task = asyncio.create_task(self._run(stopped))
        try:
            yield
        finally:
            stopped.set()  # the Redis client swallows a cancellation that meets an answer
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self, stopped: asyncio.Event) -> None:
        while not stopped.is_set():
            try:
                await self.look()
            except (RedisError, OSError) as error:
                if self.trouble is None:
                    log.warning("Redis: %s; looking again every %.0f s", error, INTERVAL_S)
                self.trouble, self.problem = str(error) or type(error).__name__, redis_problem(error)
            except Exception:
                # Something that we do not understand in Redis must not leave people with old numbers in silence.
                log.exception("cannot read the counts")
                self.trouble = "what stands in Redis cannot be read; the log says more"
                self.problem = REDIS_UNREADABLE
            else:
                self.trouble, self.problem = None, None
            self._looked.set()
            await asyncio.sleep(INTERVAL_S)

    async def look(self) -> None:
        """Look once.

        Raises:
            RedisError: it is away, or refuses us.
        """
        now = self._clock()
        pipeline = self._redis.pipeline(transaction=False)
        for topic in self._topics:
            pipeline.hgetall(self._keys.offsets(topic))
        pipeline.get(self._keys.generation)
        pipeline.hgetall(self._keys.rebuild)
        stored, labelled, generation, rebuild = await pipeline.execute()
        offsets = partition_offsets(stored)
        before, seen = self.seen, Seen(now, offsets, labelled, generation, rebuild)
        await self._index.turn_to(now.date())
        moved = before is None or (before.offsets, before.labelled) != (offsets, labelled)
        if moved or not self._index.complete:
            everything = self._is_another_view(before, generation)
            changed = await self._index.refresh(everything=everything)
            self._behind |= set(self._index.names) if everything else changed
            if everything:
                self._line.forget_others(self._index.names, now)
            if changed and before is not None:
                self._broadcast.tell(Change(now, changed))
        await self._line.follow(self._behind, now)
        self._behind.clear()
        self._line.complete = True
        self._note(now, sum(offsets.values()))
        self.seen = seen

    def _is_another_view(self, before: Seen | None, generation: Any) -> bool:
        return before is not None and before.generation != generation

    def _note(self, now: datetime, applied: int) -> None:
        self._history = [point for point in self._history if now - point[0] <= RATE_WINDOW]
        if not self._history or now > self._history[-1][0]:
            self._history.append((now, applied))
