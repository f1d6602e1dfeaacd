"""Files and standard input to lines. Nothing is read before it is asked for."""

import csv
import gzip
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from io import BufferedReader, FileIO
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, cast

from producers.lines import BadLine, BoundedLines, Line, Readable, UnreadableLine
from producers.table import Table
from schemas.errors import ConfigurationError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

OnBytes = Callable[[int], object]

STDIN = "-"
"""The source that stands for standard input."""

_GZIP_MAGIC = b"\x1f\x8b"
_READ_BYTES = 1_048_576
"""Taken from a file at a time. Each time our thread lets go of Python's lock, and waits up to 5 ms for the client's thread to
give it back: with the default of 8 KiB that was a good part of what a publication took."""

_READ_ERRORS = (OSError, EOFError, zlib.error)


def _ignore(_: int) -> None:
    pass


class Format(StrEnum):
    """How a source holds its events. Either may be gzipped, which its first bytes tell."""

    JSONL = "jsonl"
    CSV = "csv"


_FORMATS = {".jsonl": Format.JSONL, ".ndjson": Format.JSONL, ".json": Format.JSONL, ".csv": Format.CSV}


def read_files(
    sources: Sequence[str],
    *,
    format: Format | None = None,  # noqa: A002 -- the name of the option
    columns: Mapping[str, str] | None = None,
    stdin: BufferedReader | None = None,
    on_bytes: OnBytes = _ignore,
) -> Iterator[Line | BadLine]:
    """All lines of ``sources``, in order.

    Every file is opened once before the first line is read, so that a wrong name stops the run before anything is sent.

    Args:
        sources: names of files; ``-`` is standard input.
        format: of all sources; by default what a file's name says, and JSON Lines for standard input.
        columns: for CSV, event field -> name of the column that holds it, where the two differ.
        stdin: what ``-`` reads.
        on_bytes: told how many bytes were taken from a file, each time some were; see ``size_of``.

    Raises:
        ConfigurationError: a file cannot be opened, its format cannot be told, or a column is missing.
    """
    formats = [format or format_of(source) for source in sources]
    for source, form in zip(sources, formats, strict=True):
        if source != STDIN and not Path(source).is_fifo():  # a pipe could not be read a second time
            with _open(source, stdin, _ignore) as stream:
                _values(BoundedLines(stream), source, form, columns or {})
    readers = (
        read_lines(source, format=form, columns=columns, stdin=stdin, on_bytes=on_bytes)
        for source, form in zip(sources, formats, strict=True)
    )
    return chain.from_iterable(readers)


def read_lines(
    source: str,
    *,
    format: Format | None = None,  # noqa: A002 -- the name of the option
    columns: Mapping[str, str] | None = None,
    stdin: BufferedReader | None = None,
    on_bytes: OnBytes = _ignore,
) -> Iterator[Line | BadLine]:
    """The lines of one source that are not blank; see ``read_files`` for the arguments and errors.

    What becomes unreadable midway, such as a gzip that was cut off, ends with a ``BadLine``.
    """
    name = "stdin" if source == STDIN else source
    with _open(source, stdin, on_bytes) as stream:
        lines = BoundedLines(stream)
        values = _values(lines, source, format or format_of(source), columns or {})
        while True:
            number = lines.number + 1  # a row of a table may span several lines
            try:
                value = next(values)
            except StopIteration:
                return
            except (UnreadableLine, csv.Error) as error:
                yield BadLine(name, number, str(error))
            except _READ_ERRORS as error:
                yield BadLine(name, number, f"cannot be read from here on: {error}")
                return
            else:
                if value and not value.isspace():
                    yield Line(name, number, value)


def size_of(sources: Sequence[str]) -> int | None:
    """Bytes in all ``sources`` together; None if one of them is no plain file, whose end nobody knows before."""
    paths = [Path(source) for source in sources]
    if STDIN in sources or not all(path.is_file() for path in paths):
        return None
    return sum(path.stat().st_size for path in paths)


def format_of(source: str) -> Format:
    """What the name says: ``.jsonl``, ``.ndjson``, ``.json`` or ``.csv``, each with or without ``.gz``.

    Raises:
        ConfigurationError: it says nothing.
    """
    if source == STDIN:
        return Format.JSONL
    suffix = Path(source.lower().removesuffix(".gz")).suffix
    if suffix not in _FORMATS:
        raise ConfigurationError(
            f"{source}: the name does not tell the format; give --format jsonl or --format csv"
        )
    return _FORMATS[suffix]


def _values(lines: BoundedLines, source: str, form: Format, columns: Mapping[str, str]) -> Iterator[bytes]:
    if form is Format.JSONL:
        return map(_without_newline, lines)
    try:
        return Table(lines, columns)
    except (ConfigurationError, UnreadableLine, csv.Error, *_READ_ERRORS) as error:
        raise ConfigurationError(f"{source}: {error}") from error


def _without_newline(line: bytes) -> bytes:
    return line.rstrip(b"\r\n")


class _Metered(FileIO):
    """A file that tells how many bytes are taken from it."""

    def __init__(self, path: Path, on_bytes: OnBytes) -> None:
        super().__init__(path)
        self._on_bytes = on_bytes

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        taken = super().readinto(buffer) or 0
        self._on_bytes(taken)
        return taken


@contextmanager
def _open(source: str, stdin: BufferedReader | None, on_bytes: OnBytes) -> Iterator[Readable]:
    with ExitStack() as stack:
        try:
            stream = (
                stdin or cast("BufferedReader", sys.stdin.buffer)
                if source == STDIN
                else stack.enter_context(BufferedReader(_Metered(Path(source), on_bytes), _READ_BYTES))
            )
            zipped = stream.peek(2).startswith(_GZIP_MAGIC)
        except OSError as error:
            raise ConfigurationError(f"{source} cannot be read: {error.strerror}") from error
        yield stack.enter_context(gzip.GzipFile(fileobj=stream)) if zipped else stream
