"""Files and standard input to lines. Nothing is read before it is asked for."""

import csv
import gzip
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from io import BufferedReader
from itertools import chain
from pathlib import Path
from typing import cast

from producers.lines import BadLine, BoundedLines, Line, Readable, UnreadableLine
from producers.table import Table
from schemas.errors import ConfigurationError

STDIN = "-"
"""The source that stands for standard input."""

_GZIP_MAGIC = b"\x1f\x8b"
_READ_ERRORS = (OSError, EOFError, zlib.error)


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
) -> Iterator[Line | BadLine]:
    """All lines of ``sources``, in order.

    Every file is opened once before the first line is read, so that a wrong name stops the run before anything is sent.

    Args:
        sources: names of files; ``-`` is standard input.
        format: of all sources; by default what a file's name says, and JSON Lines for standard input.
        columns: for CSV, event field -> name of the column that holds it, where the two differ.
        stdin: what ``-`` reads.

    Raises:
        ConfigurationError: a file cannot be opened, its format cannot be told, or a column is missing.
    """
    formats = [format or format_of(source) for source in sources]
    for source, form in zip(sources, formats, strict=True):
        if source != STDIN and not Path(source).is_fifo():  # a pipe could not be read a second time
            with _open(source, stdin) as stream:
                _values(BoundedLines(stream), source, form, columns or {})
    readers = (
        read_lines(source, format=form, columns=columns, stdin=stdin)
        for source, form in zip(sources, formats, strict=True)
    )
    return chain.from_iterable(readers)


def read_lines(
    source: str,
    *,
    format: Format | None = None,  # noqa: A002 -- the name of the option
    columns: Mapping[str, str] | None = None,
    stdin: BufferedReader | None = None,
) -> Iterator[Line | BadLine]:
    """The lines of one source that are not blank; see ``read_files`` for the arguments and errors.

    What becomes unreadable midway, such as a gzip that was cut off, ends with a ``BadLine``.
    """
    name = "stdin" if source == STDIN else source
    with _open(source, stdin) as stream:
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


@contextmanager
def _open(source: str, stdin: BufferedReader | None) -> Iterator[Readable]:
    with ExitStack() as stack:
        try:
            stream = (
                stdin or cast("BufferedReader", sys.stdin.buffer)
                if source == STDIN
                else stack.enter_context(Path(source).open("rb"))
            )
            zipped = stream.peek(2).startswith(_GZIP_MAGIC)
        except OSError as error:
            raise ConfigurationError(f"{source} cannot be read: {error.strerror}") from error
        yield stack.enter_context(gzip.GzipFile(fileobj=stream)) if zipped else stream
