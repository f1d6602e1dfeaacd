"""Lines to Kafka: check each, send what passes, look at the result of every send."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from kafka import KafkaProducer
from kafka.errors import (
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RetriableError,
)

from producers.connection import connected
from producers.lines import BadLine, Line
from producers.rate import RateLimiter
from schemas.codec import decode_review
from schemas.errors import ConfigurationError, InvalidEvent, ServerUnavailable
from schemas.refusals import refusal_of
from schemas.settings import KafkaSettings

MAX_BYTES_IN_FLIGHT = 16_777_216
"""The client's buffer has no bound of its own. This is room for some 9,000 usual reviews, about a second of its
work, so that waiting for the oldest of them costs no speed."""

RECORD_OVERHEAD_BYTES = 1024
"""What the client keeps for a send besides the record's bytes, roughly: it bounds the number of tiny records."""

ANSWER_GRACE_SECONDS = 5.0
"""The client gives up a send at the outage deadline by itself; this much later we give up the client."""

PROGRESS_SECONDS = 0.2


@dataclass(frozen=True)
class PublishReport:
    """Where every line went. At the end ``read`` is the sum of ``delivered``, ``bad`` and ``failed``.

    Attributes:
        read: lines that were read, without blank ones.
        delivered: acknowledged by Kafka.
        bad: could not be read or are no valid event.
        failed: too large for the topic, or not acknowledged.
        interrupted: the user stopped the run before the end of the input.
    """

    read: int = 0
    delivered: int = 0
    bad: int = 0
    failed: int = 0
    interrupted: bool = False

    @property
    def complete(self) -> bool:
        """Everything that there was to read is delivered."""
        return self.delivered == self.read and not self.interrupted


def publish(
    lines: Iterable[Line | BadLine],
    settings: KafkaSettings,
    *,
    rate: float | None = None,
    progress: Callable[[PublishReport], None] = lambda _: None,
    on_problem: Callable[[str], None] = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> PublishReport:
    """Send every valid line to the raw topic, each once and in order per product; its bytes are not changed.

    Ctrl-C ends the reading, what was sent is still waited for, and the report says ``interrupted``.

    Args:
        lines: what to send; a ``BadLine`` is only reported.
        settings: where to; ``outage_deadline`` is how long Kafka may be away.
        rate: most events per second; as fast as Kafka takes them by default.
        progress: called about five times a second while lines come, and at the end, with the counts so far.
        on_problem: called with ``source:line: what is wrong`` for each line that is not delivered.
        clock: seconds, monotonic.
        sleep: waits for that many seconds.

    Raises:
        ConfigurationError: Kafka refuses this client or a write, or the rate is not above 0.
        MissingTopic: the raw topic does not exist.
        ServerUnavailable: Kafka did not answer within the deadline; says where to go on.
    """
    pace = _no_wait if rate is None else RateLimiter(rate, clock, sleep).wait
    with connected(settings) as producer, ExitStack() as at_the_end:
        run = _Run(producer, settings, pace, on_problem)
        at_the_end.callback(lambda: progress(run.report()))
        at_the_end.callback(run.settle_all)  # this one first
        next_progress = clock()
        try:
            for line in lines:
                run.publish(line)
                if clock() >= next_progress:
                    progress(run.report())
                    next_progress = clock() + PROGRESS_SECONDS
        except KeyboardInterrupt:
            run.interrupted = True
    return run.report()


def _no_wait() -> None:
    pass


class _Sent(NamedTuple):
    line: Line
    size: int
    future: Any


class _Run:
    """Counts what becomes of the lines, and holds the sends that are not settled, oldest first."""

    def __init__(
        self,
        producer: KafkaProducer,
        settings: KafkaSettings,
        pace: Callable[[], None],
        on_problem: Callable[[str], None],
    ) -> None:
        self.interrupted = False
        self._producer = producer
        self._settings = settings
        self._pace = pace
        self._on_problem = on_problem
        self._read = self._delivered = self._bad = self._failed = 0
        self._in_flight: deque[_Sent] = deque()
        self._bytes_in_flight = 0

    def report(self) -> PublishReport:
        return PublishReport(self._read, self._delivered, self._bad, self._failed, self.interrupted)

    def publish(self, line: Line | BadLine) -> None:
        """Check a line and send it; or report it."""
        if isinstance(line, BadLine):
            self._refuse(line, line.reason)
            return
        try:
            event = decode_review(line.value)
        except InvalidEvent as error:
            self._refuse(line, str(error))
            return
        self._pace()
        self._send(line, event.product_id.encode())
        self._settle_some()

    def settle_all(self) -> None:
        """Wait until Kafka has answered every send."""
        while self._in_flight:
            self._settle_oldest()

    def _refuse(self, line: Line | BadLine, reason: str) -> None:
        self._read += 1
        self._bad += 1
        self._on_problem(f"{_place(line)}: {reason}")

    def _send(self, line: Line, key: bytes) -> None:
        try:
            future = self._producer.send(self._settings.raw_topic, value=line.value, key=key)
        except MessageSizeTooLargeError:
            self._read += 1
            self._failed += 1
            size, topic = len(line.value), self._settings.raw_topic
            self._on_problem(
                f"{_place(line)}: {size:,} bytes are more than max.message.bytes of {topic} allows"
            )
            return
        except KafkaTimeoutError as error:  # the client lost sight of the topic, and did not find it again
            self._read += 1
            self._give_up(line, error)
        size = 2 * len(line.value) + RECORD_OVERHEAD_BYTES  # ours and the client's copy
        self._in_flight.append(_Sent(line, size, future))
        self._bytes_in_flight += size
        self._read += 1

    def _settle_some(self) -> None:
        """Look at what Kafka has answered; wait for the oldest sends while too much is in flight."""
        while self._in_flight and (
            self._bytes_in_flight > MAX_BYTES_IN_FLIGHT or self._in_flight[0].future.is_done
        ):
            self._settle_oldest()

    def _settle_oldest(self) -> None:
        line, size, future = self._in_flight[0]
        if not future.is_done:
            with suppress(KafkaError):  # told apart below, from the future
                future.get(timeout=self._settings.outage_deadline + ANSWER_GRACE_SECONDS)
        error = future.exception
        if error or not future.is_done:
            self._give_up(line, error)
        self._delivered += 1
        self._in_flight.popleft()
        self._bytes_in_flight -= size

    def _give_up(self, line: Line, error: KafkaError | None) -> NoReturn:
        """The client has tried again until the deadline, or Kafka has refused what no other try can change."""
        waiting = (sent.line for sent in self._in_flight if not sent.future.succeeded())
        first = _place(next(waiting, line))
        self._abandon()
        servers, deadline = self._settings.bootstrap_servers, self._settings.outage_deadline
        reason = error and (refusal_of(error) or error)
        away = reason is None or isinstance(reason, RetriableError)
        problem = f"did not take {first} within {deadline:g} s" if away else f"refused {first}"
        kind = ServerUnavailable if away else ConfigurationError
        raise kind(
            f"Kafka at {servers} {problem}{f': {reason}' if reason else ''}. "
            f"{self._delivered} of {self._read} lines were delivered. "
            f"Publish again from {first} on: a review that arrives twice is counted once."
        ) from error

    def _abandon(self) -> None:
        """Wait for nothing more; what Kafka has not acknowledged by now has failed."""
        self._delivered += sum(sent.future.succeeded() for sent in self._in_flight)
        self._failed = self._read - self._bad - self._delivered
        self._in_flight.clear()


def _place(line: Line | BadLine) -> str:
    return f"{line.source}:{line.number}"
