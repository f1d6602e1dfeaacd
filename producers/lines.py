"""Lines with their numbers, read in bounded memory."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

MAX_LINE_BYTES = 1_000_000
"""Kafka takes batches of up to 1,048,588 bytes by default; the rest is room for the key and the framing."""

_SKIPPED_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Line:
    """One event as it stands in its source, not yet checked.

    Attributes:
        source: the file's name as it was given, or ``stdin``.
        number: of the line that it starts on, from 1.
        value: the event's JSON, without the newline.
    """

    source: str
    number: int
    value: bytes


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot become an event, and why."""

    source: str
    number: int
    reason: str


class UnreadableLine(Exception):  # noqa: N818 -- becomes a BadLine: data, not a failure of ours
    """This line cannot be read; the next one can."""


class Readable(Protocol):
    """What lines are read from."""

    def readline(self, size: int, /) -> bytes:
        """At most ``size`` bytes, up to the next newline; nothing at the end."""


class BoundedLines(Iterator[bytes]):
    """The lines of a stream with their newlines, without a byte order mark before the first.

    A line of more than ``limit`` bytes is skipped piece by piece and raises ``UnreadableLine``; iteration can go on
    after it, which a generator could not.

    Attributes:
        number: of the line read last, from 1; 0 before the first.
    """

    def __init__(self, stream: Readable, limit: int = MAX_LINE_BYTES) -> None:
        self._stream = stream
        self._limit = limit
        self.number = 0

    def __next__(self) -> bytes:
        line = self._stream.readline(self._limit + 1)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) > self._limit and not line.endswith(b"\n"):
            while (rest := self._stream.readline(_SKIPPED_BYTES)) and not rest.endswith(b"\n"):
                pass
            raise UnreadableLine(f"longer than {self._limit:,} bytes, more than Kafka takes as one record")
        return line.removeprefix(codecs.BOM_UTF8) if self.number == 1 else line
