"""Letters minus markers, however they are interleaved; and letters as people see them."""

import json
from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.decode import decode_records
from consumers.read.letters import Entry, Ledger, LetterFilter, Place
from consumers.read.show_letter import SHOWN_BYTES, describe_letter, letter_json, readable
from consumers.records import Record
from schemas.dead_letters import DeadLetter, DeadLetterReason, Headers, Origin, RedriveMarker
from schemas.events import ReviewEvent

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
PARTITIONS = 3
PLACE = Place(2, 7)


def letter(number: int = 0, reason: DeadLetterReason = DeadLetterReason.MODEL_ERROR) -> DeadLetter:
    """Refused ``number`` minutes after ``START``."""
    return DeadLetter(
        reason=reason,
        detail="it raised",
        source_topic="reviews.raw",
        source_partition=1,
        source_offset=number,
        source_timestamp_ms=0,
        failed_at=START + timedelta(minutes=number),
    )


def record(place: Place, headers: Headers, value: bytes | None = b"{}") -> Record:
    return Record("reviews.dlq", *place, timestamp_ms=0, key=b"key", value=value, headers=tuple(headers))


def marker_of(place: Place) -> Headers:
    return RedriveMarker(place.offset, "reviews.raw", 1, 99, START).headers()


class Model:
    """What a topic holds, told without headers and offsets: sets of what was written and what was marked."""

    def __init__(self, steps: Iterable[tuple[int, int | None]]) -> None:
        """Each step writes to a partition: a letter (None), or a marker of its n-th letter, if there is one."""
        self.records: list[Record] = []
        self.letters: set[Place] = set()
        self.marked: set[Place] = set()
        ends: defaultdict[int, int] = defaultdict(int)
        for partition, marks in steps:
            place = Place(partition, ends[partition])
            mine = sorted(one for one in self.letters if one.partition == partition)
            if marks is None:
                self.letters.add(place)
                self.records.append(record(place, letter(place.offset).headers()))
            elif mine:
                target = mine[marks % len(mine)]
                self.marked.add(target)
                self.records.append(record(place, marker_of(target), None))
            ends[partition] += 1 + partition  # transaction markers leave gaps


steps = st.lists(
    st.tuples(st.integers(0, PARTITIONS - 1), st.one_of(st.none(), st.integers(0, 50))), max_size=60
)


@given(steps, st.randoms(use_true_random=False))
def test_what_waits_is_letters_minus_markers_in_any_interleaving_of_the_partitions(
    written: list[tuple[int, int | None]], random: object
) -> None:
    model = Model(written)
    ledger = Ledger(LetterFilter())

    for one in shuffled_by_partition(model.records, random):
        ledger.enter(one)

    assert set(ledger.waiting) == model.letters - model.marked
    assert set(ledger.redriven) == model.marked


def shuffled_by_partition(records: list[Record], random: object) -> list[Record]:
    """Another interleaving of the same partitions, each in its own order."""
    order = [one.partition for one in records]
    random.shuffle(order)  # type: ignore[attr-defined]
    queues = {number: iter([one for one in records if one.partition == number]) for number in set(order)}
    return [next(queues[number]) for number in order]


@given(steps)
def test_a_filter_leaves_out_letters_and_their_markers(written: list[tuple[int, int | None]]) -> None:
    model = Model(written)
    chosen = frozenset(sorted(model.letters)[::2])
    ledger = Ledger(LetterFilter(places=chosen))

    for one in model.records:
        ledger.enter(one)

    if chosen:
        assert set(ledger.waiting) == chosen - model.marked


@pytest.mark.parametrize(
    ("wanted", "accepted"),
    [
        (LetterFilter(), True),
        (LetterFilter(places=frozenset([PLACE])), True),
        (LetterFilter(places=frozenset([Place(0, 7)])), False),
        (LetterFilter(reasons=frozenset([DeadLetterReason.MODEL_ERROR, DeadLetterReason.UNKNOWN_OP])), True),
        (LetterFilter(reasons=frozenset([DeadLetterReason.UNKNOWN_OP])), False),
        (LetterFilter(since=START), True),
        (LetterFilter(since=START + timedelta(seconds=1)), False),
        (LetterFilter(until=START), False),
        (LetterFilter(until=START + timedelta(seconds=1)), True),
    ],
)
def test_a_filter_accepts_what_has_all_that_is_asked_for(wanted: LetterFilter, accepted: bool) -> None:
    assert wanted.accepts(PLACE, letter()) is accepted


def test_records_of_others_are_counted_and_passed_over() -> None:
    ledger = Ledger(LetterFilter())

    for headers in ([], [("dlq.reason", b"bad_weather")], [("dlq.redriven.letter", b"x")]):
        assert ledger.enter(record(PLACE, headers)) is None

    assert (ledger.foreign, ledger.waiting, ledger.redriven) == (3, {}, {})


@pytest.mark.parametrize("text", ["3", "3:", ":17", "a:b", "3:-1", "3:1:7", "3:²"])
def test_a_place_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="PARTITION:OFFSET"):
        Place.parse(text)


def test_a_place_is_read_as_it_is_written() -> None:
    assert Place.parse(str(PLACE)) == PLACE


@given(st.binary())
def test_no_bytes_steer_a_terminal(content: bytes) -> None:
    assert readable(content).isprintable()


def test_what_does_not_print_is_escaped_and_the_rest_is_left_alone() -> None:
    assert readable("wärm \x1b[2J\n\u202e".encode() + b"\xff") == r"wärm \x1b[2J\n\u202e\xff"


def test_a_long_value_is_cut_with_a_note_unless_all_is_asked_for() -> None:
    value = b"x" * (SHOWN_BYTES + 1234)

    cut = describe_letter("reviews.dlq", PLACE, Entry(letter()), b"key", value)
    full = describe_letter("reviews.dlq", PLACE, Entry(letter()), b"key", value, full=True)

    assert "1,234 more bytes; --full shows all" in cut
    assert "x" * (SHOWN_BYTES + 1) not in cut
    assert value.decode() in full


def test_json_holds_the_bytes_whole() -> None:
    shown = json.loads(letter_json(PLACE, Entry(letter()), None, b"\x00\xff"))

    assert (shown["key_base64"], b64decode(shown["value_base64"])) == (None, b"\x00\xff")
    assert (shown["reason"], shown["redriven"]) == ("model_error", None)


def test_a_record_time_that_no_calendar_has_is_shown_as_a_number() -> None:
    strange = DeadLetter(DeadLetterReason.NULL_VALUE, "", "reviews.raw", 0, 0, 2**62, START)

    assert str(2**62) in describe_letter("reviews.dlq", PLACE, Entry(strange), None, None)


@pytest.mark.parametrize(
    ("headers", "written_ms"),
    [
        (Origin("reviews.raw", 0, 5, 1_000).headers(), 1_000),
        ([("dlq.source.timestamp", b"1000")], 7_000),
        ([("dlq.source.timestamp", b"\xff"), ("traceparent", b"\xff")], 7_000),
        ([], 7_000),
    ],
)
def test_a_copy_counts_for_the_time_of_what_it_repeats(headers: Headers, written_ms: int) -> None:
    value = b'{"review_id": "r1", "product_id": "p", "text": "Fine."}'
    (decoded,) = decode_records([Record("reviews.raw", 0, 9, 7_000, b"p", value, tuple(headers))])

    assert isinstance(decoded.event, ReviewEvent)
    assert decoded.record_time.timestamp() * 1000 == written_ms
