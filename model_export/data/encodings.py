"""Text files to numbered lines: the encoding is stated, told by its mark, or found out; a mixture is refused."""

import codecs
import gzip
import logging
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import IO

from schemas.errors import TrainingDataError

_log = logging.getLogger(__name__)

_READ_ERRORS = (OSError, EOFError, zlib.error, UnicodeError)

SAMPLE_BYTES = 65_536
"""Of the lines that are not UTF-8; the guess gets no better with more of them."""

_GZIP_MAGIC = b"\x1f\x8b"
_MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_UNDECODED = re.compile("[\udc80-\udcff]")
"""What Python makes of bytes that do not fit the encoding, when it may not stop at them."""


def numbered_lines(path: Path, encoding: str | None = None) -> Iterator[tuple[int, str]]:
    """Lines of a text file, gzipped or not, with their numbers from 1.

    Args:
        path: the file.
        encoding: of the file; None finds it out, which takes a pass of its own.

    Raises:
        TrainingDataError: the file cannot be read, the encoding is unknown, or a line is not in it.
    """
    chosen = _known(path, encoding) if encoding else find_encoding(path)
    wide = chosen.startswith(("utf-16", "utf-32"))  # these cannot mark single bytes that do not fit
    with _text(path, chosen, errors="strict" if wide else "surrogateescape") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.isascii() and _UNDECODED.search(line):
                raise TrainingDataError(
                    f"{path}:{number}: not {chosen}; state the file's encoding with --encoding, "
                    "or convert the lines that have another one"
                )
            yield number, line


def find_encoding(path: Path) -> str:
    """The encoding of ``path``: by its byte order mark, UTF-8 where all lines are, else a guess, which is logged.

    Raises:
        TrainingDataError: some lines are UTF-8 and others are not, or nothing fits.
    """
    with _opened(path) as stream:
        first = stream.peek(4)[:4]
    for mark, encoding in _MARKS.items():
        if first.startswith(mark):
            return encoding
    utf8_line = other_line = None
    sample = bytearray()
    with _text(path, "utf-8", errors="surrogateescape") as lines:
        for number, line in enumerate(lines, start=1):
            if line.isascii():
                continue
            if not _UNDECODED.search(line):
                utf8_line = utf8_line or number
                continue
            other_line = other_line or number
            if len(sample) < SAMPLE_BYTES:
                sample += line.encode("utf-8", "surrogateescape")
    if other_line is None:
        return "utf-8"
    if utf8_line is not None:
        raise TrainingDataError(
            f"{path}: mixed encodings: line {utf8_line} is UTF-8, line {other_line} is not; convert the file to "
            "one encoding, or state it with --encoding if all lines have the same"
        )
    guess = _guess(bytes(sample))
    if guess is None:
        raise TrainingDataError(
            f"{path}:{other_line}: not UTF-8, nor any other known encoding; give --encoding"
        )
    _log.warning("%s is not UTF-8; read as %s, a guess: --encoding states it", path, guess)
    return guess


def _guess(sample: bytes) -> str | None:
    try:
        from charset_normalizer import from_bytes  # noqa: PLC0415 -- of the train extra, and hardly ever needed
    except ImportError:
        return None
    best = from_bytes(sample).best()
    return best.encoding if best is not None else None


def _known(path: Path, encoding: str) -> str:
    try:
        "".encode(encoding)  # refuses codecs that are not of texts, such as base64
        name = codecs.lookup(encoding).name
    except LookupError as error:
        raise TrainingDataError(f"{path}: --encoding {encoding}: no such encoding is known") from error
    return "utf-8-sig" if name == "utf-8" else name  # a byte order mark is no part of the first column's name


@contextmanager
def _text(path: Path, encoding: str, errors: str) -> Iterator[IO[str]]:
    with _opened(path) as stream, TextIOWrapper(stream, encoding, errors, newline="") as lines:
        yield lines


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader | gzip.GzipFile]:
    """The bytes of a file, unpacked where its first ones tell that it is gzipped."""
    try:
        with path.open("rb") as plain:
            if plain.peek(2).startswith(_GZIP_MAGIC):
                with gzip.GzipFile(fileobj=plain) as unpacked:
                    yield unpacked
            else:
                yield plain
    except _READ_ERRORS as error:
        raise TrainingDataError(f"{path}: cannot be read: {error}") from error
