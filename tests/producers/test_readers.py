import csv
import gzip
import json
import os
import tracemalloc
from collections.abc import Callable
from io import BufferedReader, BytesIO, StringIO
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.lines import MAX_LINE_BYTES, BadLine, BoundedLines, Line, UnreadableLine
from producers.readers import Format, read_files, read_lines, size_of
from schemas.errors import ConfigurationError

HEADER = b"review_id,product_id,text\n"


def stdin(data: bytes) -> BufferedReader:
    return BufferedReader(BytesIO(data))


def of_bytes(data: bytes, form: Format = Format.JSONL, **columns: str) -> list[Line | BadLine]:
    return list(read_lines("-", format=form, columns=columns, stdin=stdin(data)))


def events(lines: list[Line | BadLine]) -> list[tuple[int, object]]:
    return [
        (line.number, json.loads(line.value) if isinstance(line, Line) else line.reason) for line in lines
    ]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes], str]:
    def write(name: str, data: bytes) -> str:
        file = tmp_path / name
        file.write_bytes(data)
        return str(file)

    return write


Write = Callable[[str, bytes], str]


@given(
    lines=st.lists(st.binary(max_size=20).filter(lambda line: not set(b"\r\n") & set(line))),
    newline=st.sampled_from([b"\n", b"\r\n"]),
    last_is_ended=st.booleans(),
)
def test_every_line_that_is_not_blank_comes_unchanged_with_its_number(
    lines: list[bytes], newline: bytes, last_is_ended: bool
) -> None:
    data = b"{}" + newline + newline.join(lines) + (newline if last_is_ended else b"")

    read = of_bytes(data)

    kept = [(number, line) for number, line in enumerate([b"{}", *lines], start=1) if line.strip()]
    assert read == [Line("stdin", number, line) for number, line in kept]


def test_a_byte_order_mark_at_the_start_is_no_part_of_the_first_line() -> None:
    assert of_bytes(b"\xef\xbb\xbf{}\n{}\n") == [Line("stdin", 1, b"{}"), Line("stdin", 2, b"{}")]


@pytest.mark.parametrize(
    "name", ["events.jsonl.gz", "events.NDJSON.GZ", "zipped-though-the-name-hides-it.json"]
)
def test_gzip_is_recognised_by_its_first_bytes(name: str, write: Write) -> None:
    source = write(name, gzip.compress(b"{}\n[]\n"))

    assert list(read_lines(source)) == [Line(source, 1, b"{}"), Line(source, 2, b"[]")]


def test_a_gz_name_over_plain_text_is_read_as_plain_text(write: Write) -> None:
    source = write("unpacked-by-the-browser.jsonl.gz", b"{}\n")

    assert list(read_lines(source)) == [Line(source, 1, b"{}")]


def test_standard_input_may_be_gzipped() -> None:
    assert of_bytes(gzip.compress(b"{}\n")) == [Line("stdin", 1, b"{}")]


def test_an_empty_file_has_no_lines(write: Write) -> None:
    assert list(read_lines(write("empty.jsonl", b""))) == []


def test_a_line_of_the_greatest_length_is_read() -> None:
    line = b"x" * MAX_LINE_BYTES

    assert of_bytes(line + b"\n" + line) == [Line("stdin", 1, line), Line("stdin", 2, line)]


def test_a_line_that_is_too_long_is_bad_and_the_next_one_is_read() -> None:
    read = of_bytes(b"x" * (MAX_LINE_BYTES + 1) + b"\n{}\n" + b"y" * (3 * MAX_LINE_BYTES))

    assert [type(line) for line in read] == [BadLine, Line, BadLine]
    assert [line.number for line in read] == [1, 2, 3]
    assert "longer than 1,000,000 bytes" in str(read[0])


class EndlessLine:
    """A gigabyte without a newline."""

    def __init__(self) -> None:
        self._left = 10**9

    def readline(self, size: int, /) -> bytes:
        size = min(size, self._left)
        self._left -= size
        return b"x" * size


def test_a_gigantic_line_is_never_held_in_memory() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableLine):
            next(BoundedLines(EndlessLine()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 3 * MAX_LINE_BYTES


def test_a_gzip_that_was_cut_off_gives_its_whole_lines_and_a_bad_one(write: Write) -> None:
    zipped = gzip.compress(b"".join(b'{"n": %d}\n' % number for number in range(50_000)))
    source = write("cut.jsonl.gz", zipped[: len(zipped) // 2])

    *whole, last = read_lines(source)

    assert whole == [Line(source, number + 1, b'{"n": %d}' % number) for number in range(len(whole))]
    assert len(whole) > 10_000
    assert isinstance(last, BadLine)
    assert last.number == len(whole) + 1
    assert "ended before the end-of-stream marker" in last.reason


def test_a_damaged_gzip_ends_with_a_bad_line(write: Write) -> None:
    zipped = bytearray(gzip.compress(b"{}\n" * 10))
    zipped[-8] ^= 1  # in its checksum

    *_, last = read_lines(write("damaged.jsonl.gz", bytes(zipped)))

    assert isinstance(last, BadLine)
    assert "CRC check failed" in last.reason


def test_files_are_read_one_after_the_other_each_with_its_own_numbers(write: Write) -> None:
    first = write("1.jsonl", b"{}\n{}\n")
    second = write("2.csv", HEADER + b"r,p,t\n")

    lines = list(read_files([first, "-", second], stdin=stdin(b"[]\n")))

    assert [(line.source, line.number) for line in lines] == [
        (first, 1),
        (first, 2),
        ("stdin", 1),
        (second, 2),
    ]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing.jsonl", "No such file"),
        ("", "Is a directory"),
        ("reviews.xml", "--format jsonl or --format csv"),
        ("no-header.csv", "no column product_id, review_id, text"),
    ],
)
def test_a_source_that_cannot_work_is_refused_before_any_line_is_read(
    name: str, reason: str, write: Write, tmp_path: Path
) -> None:
    good = write("good.jsonl", b"{}\n")
    write("no-header.csv", b"")
    form = Format.JSONL if not name else None

    with pytest.raises(ConfigurationError, match=reason):
        read_files([good, str(tmp_path / name)], format=form)


def test_a_format_that_is_given_wins_over_the_name(write: Write) -> None:
    source = write("reviews.txt", HEADER + b"r,p,t\n")

    [line] = read_files([source], format=Format.CSV)

    assert json.loads(line.value) == {"review_id": "r", "product_id": "p", "text": "t"}  # type: ignore[union-attr]


def test_a_named_pipe_is_read_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    writer = Thread(target=pipe.write_bytes, args=[HEADER + b"r,p,t\n"])
    writer.start()

    lines = list(read_files([str(pipe)]))

    writer.join()
    assert events(lines) == [(2, {"review_id": "r", "product_id": "p", "text": "t"})]


def test_a_table_becomes_events_by_the_names_of_its_columns() -> None:
    table = b"stars,body,review_id,sku,shelf\n4.5,Fine,r1,p1,A\n3,,r2,p2,B\nmany,Good,r3,p3,C\n"

    lines = of_bytes(table, Format.CSV, text="body", rating="stars", product_id="sku")

    assert events(lines) == [
        (2, {"review_id": "r1", "product_id": "p1", "text": "Fine", "rating": 4.5}),
        (3, {"review_id": "r2", "product_id": "p2", "rating": 3}),
        (4, {"review_id": "r3", "product_id": "p3", "text": "Good", "rating": "many"}),
    ]


cells = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=30)


@given(rows=st.lists(st.tuples(cells, cells, cells)), bom=st.booleans())
def test_any_text_survives_the_way_through_a_table(rows: list[tuple[str, str, str]], bom: bool) -> None:
    table = StringIO(newline="")
    csv.writer(table).writerows([("review_id", "product_id", "text"), *rows])
    data = table.getvalue().encode("utf-8-sig" if bom else "utf-8")

    lines = of_bytes(data, Format.CSV)

    assert [event for _, event in events(lines)] == [
        {"review_id": review, "product_id": product, "text": text} for review, product, text in rows
    ]


def test_a_row_has_the_number_of_the_line_that_it_starts_on() -> None:
    lines = of_bytes(HEADER + b'r1,p,"one\ntwo"\n\nr2,p,three\n', Format.CSV)

    assert [line.number for line in lines] == [2, 5]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"r,p\n", "2 cells under 3 columns"),
        (b"r,p,t,u\n", "4 cells under 3 columns"),
        (b"r,p,tr\xe8s bien\n", "is not UTF-8"),
        (b'r,p,"no" end"\n', "expected after"),
        (b"r,p," + b"x" * MAX_LINE_BYTES + b"\n", "longer than"),
        (b"r,p," + b"x" * 200_000 + b"\n", "field limit"),
    ],
)
def test_a_bad_row_spoils_no_other(row: bytes, reason: str) -> None:
    lines = of_bytes(HEADER + b"r1,p,t\n" + row + b"r2,p,t\n", Format.CSV)

    assert [(line.number, type(line)) for line in lines] == [(2, Line), (3, BadLine), (4, Line)]
    assert reason in str(lines[1])


def test_a_quote_that_never_ends_is_bad() -> None:
    *_, last = of_bytes(HEADER + b'r1,p,t\nr2,p,"t\nr3,p,t\n', Format.CSV)

    assert last == BadLine("stdin", 3, "unexpected end of data")


@pytest.mark.parametrize(
    ("header", "columns", "reason"),
    [
        (b"id,sku,body", {}, "no column product_id, review_id, text among id, sku, body"),
        (b"review_id,product_id,text", {"text": "body"}, "no column body among review_id"),
        (b"review_id,product_id,body", {"body": "text"}, "an event has no field body"),
        (b"\xff\xfer\x00e\x00", {}, "no column"),
    ],
)
def test_columns_that_do_not_fit_are_refused(header: bytes, columns: dict[str, str], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        of_bytes(header + b"\n", Format.CSV, **columns)


def test_a_table_of_deletes_needs_no_text() -> None:
    lines = of_bytes(b"review_id,product_id,op\nr,p,delete\n", Format.CSV)

    assert events(lines) == [(2, {"review_id": "r", "product_id": "p", "op": "delete"})]


def test_every_byte_of_the_files_is_told_once(write: Write) -> None:
    sources = [write("a.jsonl", b"{}\n" * 100_000), write("b.csv.gz", gzip.compress(HEADER + b"r,p,t\n"))]
    taken: list[int] = []

    for _ in read_files(sources, on_bytes=taken.append):
        pass

    assert sum(taken) == size_of(sources)


def test_the_size_of_standard_input_and_of_pipes_is_not_known(write: Write, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)

    assert size_of([write("a.jsonl", b"{}"), "-"]) is None
    assert size_of([str(pipe)]) is None
