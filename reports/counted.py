"""The scored topic, folded as ``verify`` folds it, and cut to the days, channels and products of a report.

Two passes. The first reads no texts: it counts, and notes for each review of the period where its last event stands. The
second fetches the texts of a sample only, so memory does not grow with what customers wrote.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

from consumers.aggregate.contribution import Contribution, score_text
from consumers.aggregate.labels import StoredLabel
from consumers.aggregate.relabel import as_people_say
from consumers.read.counts import Counts
from consumers.read.recount import Progress, Recount, read_label, read_scored
from consumers.read.report import PartitionRange
from consumers.read.store import Store
from consumers.read.tally import TalliedEvent, Tally
from consumers.topic_reader import TopicReader
from dashboard.counts import SUMMED, total
from dashboard.periods import Period
from schemas.codec import decode_scored
from schemas.errors import ConfigurationError
from schemas.events import Channel, Label, ScoredReview
from schemas.redis_keys import Counter

_REVIEWS = """
CREATE TABLE reviews (product TEXT NOT NULL, label TEXT NOT NULL, strong INT NOT NULL, lot INT NOT NULL,
    partition INT NOT NULL, position INT NOT NULL);
"""
_BY_LOT = "CREATE INDEX reviews_by_lot ON reviews (label, strong, lot); CREATE INDEX reviews_of ON reviews (product, label, strong, lot)"

Spot = tuple[int, int]
"""Partition and offset of a review's last event."""


@dataclass(frozen=True)
class Wanted:
    """What a report is on; no product stands for all."""

    period: Period
    channels: Sequence[Channel]
    products: Collection[str] = ()


@dataclass
class Sides:
    """Counts of the period, of as many days before, and of the period's last day."""

    now: Counts = field(default_factory=Counts)
    before: Counts = field(default_factory=Counts)
    last_day: Counts = field(default_factory=Counts)

    def add(self, other: "Sides") -> None:
        """Count another one's reviews too."""
        self.now, self.before = total([self.now, other.now]), total([self.before, other.before])
        self.last_day = total([self.last_day, other.last_day])


@dataclass
class Counted:
    """What a topic says of the products, channels and days that are wanted."""

    products: dict[str, Sides] = field(default_factory=dict)
    """Those with a review in either period."""
    channels: dict[Channel, Sides] = field(default_factory=lambda: {channel: Sides() for channel in Channel})
    """Of the wanted products, every channel."""
    days: dict[date, Counts] = field(default_factory=dict)
    """Of both periods; days without a review are not there."""
    total: Sides = field(default_factory=Sides)
    span: tuple[date, date] | None = None
    """The first and the last day of any review that counts, of the wanted products and channels."""
    known: set[str] = field(default_factory=set)
    """The wanted products of which there was ever a review."""
    records: int = 0
    unreadable: int = 0
    """Records that are no labelled review."""


def read_relabels(store: Store, reader: TopicReader, progress: Progress) -> None:
    """Read what people say in place of the model; ``count`` then counts it."""
    Recount(store, "said", read_label).read(reader, whole_topic(reader), progress)


def count(store: Store, reader: TopicReader, wanted: Wanted, progress: Progress) -> Counted:
    """Read the whole scored topic and count, as people say where they were read before.

    Raises:
        ConfigurationError: a product was never heard of, or nobody wrote in the period.
    """
    recount = Recount(store, "scored", read_scored)
    recount.read(reader, whole_topic(reader), progress)
    counted = Counted(records=recount.records, unreadable=recount.unreadable)
    with store.step():
        store.sql.execute(_REVIEWS)
        for product_id, rows in groupby(store.sql.execute(_EVENTS), key=itemgetter(0)):
            if not wanted.products or product_id in wanted.products:
                _count_product(store, counted, wanted, product_id, rows)
        for statement in _BY_LOT.split(";"):
            store.sql.execute(statement)
    _refuse_nothing(counted, wanted)
    return counted


def whole_topic(reader: TopicReader) -> list[PartitionRange]:
    """Everything that is committed by now."""
    starts, ends = reader.starts(), reader.ends()
    return [
        PartitionRange(part, starts[part], ends[part], 0, ends[part]) for part in sorted(reader.partitions)
    ]


_EVENTS = """
SELECT product, review, time_ms, partition, position, code, scored_us, letter FROM events
ORDER BY product, review, time_ms, partition, position
"""
_Row = tuple[str, str, int, int, int, str, int, str | None]
"""The letter of what a person says; None for an event of the model's."""


def _count_product(
    store: Store, counted: Counted, wanted: Wanted, product_id: str, rows: Iterator[_Row]
) -> None:
    tally, picked = Tally(), []
    for review_id, events, relabels in _by_review(rows):
        tally.review(events, relabels)
        found = _last(events, relabels)
        if found and found.channel in wanted.channels and _within(found.day, wanted.period):
            (_, partition, offset), _, _ = events[-1]
            lot = _lot(product_id, review_id)
            picked.append((product_id, found.label, _strong(found), lot, partition, offset))
    store.sql.executemany("INSERT INTO reviews VALUES (?, ?, ?, ?, ?, ?)", picked)
    if tally.counts:
        counted.known.add(product_id)
    _add_days(counted, wanted, product_id, tally)


def _by_review(rows: Iterator[_Row]) -> Iterator[tuple[str, list[TalliedEvent], dict[str, str]]]:
    """Of each review the model's events, and what people say: code of what the model said -> letter of theirs."""
    for review_id, of_review in groupby(rows, key=itemgetter(1)):
        events: list[TalliedEvent] = []
        relabels: dict[str, str] = {}
        for _, _, time_ms, partition, offset, code, scored_us, letter in of_review:
            if letter is None:
                events.append(((time_ms, partition, offset), code, scored_us))
            else:
                relabels[code] = letter
        yield review_id, events, relabels


def _last(events: Sequence[TalliedEvent], relabels: Mapping[str, str]) -> Contribution | None:
    """As what a review counts in the end; None for a delete."""
    label = events[-1][1] if events else ""
    return as_people_say(StoredLabel.found(label).contribution, relabels) if label else None


def _add_days(counted: Counted, wanted: Wanted, product_id: str, tally: Tally) -> None:
    sides = Sides()
    for place, counters in tally.counts.items():
        if place.day is None or place.campaign_id is not None or not counters[Counter.REVIEWS]:
            continue
        counts = _counts(counters)
        of_day = _sides_of(place.day, counts, wanted.period)
        counted.channels[place.channel].add(of_day)
        if place.channel in wanted.channels:
            sides.add(of_day)
            first, last = counted.span or (place.day, place.day)
            counted.span = min(first, place.day), max(last, place.day)
            if of_day.now.reviews or of_day.before.reviews:
                counted.days[place.day] = total([counted.days.get(place.day, Counts()), counts])
    if sides.now.reviews or sides.before.reviews:
        counted.products[product_id] = sides
        counted.total.add(sides)


def _sides_of(day: date, counts: Counts, period: Period) -> Sides:
    return Sides(
        now=counts if _within(day, period) else Counts(),
        before=counts if _within(day, period.before) else Counts(),
        last_day=counts if day == period.last else Counts(),
    )


def _within(day: date, period: Period) -> bool:
    return period.first <= day <= period.last


def _strong(contribution: Contribution) -> int:
    return int(contribution.intensity == "strong")


def _lot(product_id: str, review_id: str) -> int:
    """A number that looks random and is always the same: samples that are drawn by it can be drawn again."""
    digest = hashlib.blake2b(f"{product_id}\0{review_id}".encode("utf-8", "surrogatepass"), digest_size=6)
    return int.from_bytes(digest.digest())


def _refuse_nothing(counted: Counted, wanted: Wanted) -> None:
    if unknown := sorted(set(wanted.products) - counted.known):
        raise ConfigurationError(f"nothing was ever labelled for {', '.join(map(repr, unknown))}")
    if counted.total.now.reviews == 0:
        where = ", ".join(wanted.channels)
        span = f"their days are {counted.span[0]} to {counted.span[1]}" if counted.span else "there are none"
        raise ConfigurationError(
            f"no review of {where} was written from {wanted.period.first} to {wanted.period.last}; {span}"
        )


def draw(store: Store, label: Label, limit: int, product_id: str | None = None) -> list[Spot]:
    """Where a sample of the strong reviews of the period stands: of one product or of all, the same every time."""
    of_product = "AND product = ?" if product_id is not None else ""
    arguments = [label, *([product_id] if product_id is not None else []), limit]
    rows = store.sql.execute(
        f"SELECT partition, position FROM reviews WHERE label = ? AND strong = 1 {of_product} "  # noqa: S608 -- text of our own
        "ORDER BY lot, product LIMIT ?",
        arguments,
    )
    return [(partition, position) for partition, position in rows]


def fetch(
    reader: TopicReader, spots: Collection[Spot], progress: Callable[[int, int], None]
) -> Mapping[Spot, ScoredReview]:
    """The reviews at these places. What retention has deleted meanwhile is not there."""
    wanted: dict[int, set[int]] = {}
    for partition, offset in spots:
        wanted.setdefault(partition, set()).add(offset)
    found: dict[Spot, ScoredReview] = {}
    reader.seek({partition: min(offsets) for partition, offsets in wanted.items()})
    for record in reader.read_to({partition: max(offsets) + 1 for partition, offsets in wanted.items()}):
        if record.offset in wanted[record.partition]:
            found[record.partition, record.offset] = decode_scored(record.value)
            progress(len(found), len(spots))
    return found


def less(one: Counts, other: Counts) -> Counts:
    """The first without the second, which is part of it."""
    return replace(
        one,
        **{name: getattr(one, name) - getattr(other, name) for name in SUMMED},
        score_sum=one.score_sum - other.score_sum,
    )


def _counts(counters: Mapping[Counter, int]) -> Counts:
    summed: dict[str, Any] = {name: counters[Counter(name)] for name in SUMMED}
    return Counts(**summed, score_sum=Decimal(score_text(counters[Counter.SCORE_SUM])))
