"""The products in Redis, field by field, against a recount: both come sorted from the store, a product at a time."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from operator import itemgetter

from consumers.aggregate.contribution import Contribution, score_text
from consumers.aggregate.labels import StoredLabel
from consumers.aggregate.relabel import relabel_place
from consumers.read.clock import Clock, Clocks
from consumers.read.customers import Customers
from consumers.read.digest import Digest
from consumers.read.rankings import Rankings
from consumers.read.recount import applied_offset, scored_at_of
from consumers.read.report import MAX_LISTED, Differences
from consumers.read.snapshot import place_of, place_text
from consumers.read.store import Store
from consumers.read.tally import TalliedEvent, Tally
from schemas.events import Channel
from schemas.redis_keys import CLOCK, UPDATED_AT, Counter, Place, ViewKeys, campaign_member

_NOTHING = dict.fromkeys(Counter, 0)

# A row for a product that Redis has comes first, then review by review the label in Redis, what people say of it there, and
# the events. SQLite sorts in bounded memory and merges them. A letter is what a person says.
_ROWS = """
SELECT product, NULL AS review, NULL AS time_ms, NULL AS partition, NULL AS position, NULL AS code, NULL AS scored_us,
    NULL AS letter
FROM products
UNION ALL SELECT product, review, NULL, NULL, NULL, code, NULL, NULL FROM labels
UNION ALL SELECT product, review, NULL, NULL, NULL, code, NULL, letter FROM relabels
UNION ALL SELECT product, review, time_ms, partition, position, code, scored_us, letter FROM events
ORDER BY product, review, time_ms, partition, position
"""
_Row = tuple[str, str | None, int | None, int, int, str, int, str | None]


@dataclass
class _Review:
    """One review: what Redis holds of it, and the events."""

    found_label: str | None = None
    found_relabels: dict[str, str] = field(default_factory=dict)
    events: list[TalliedEvent] = field(default_factory=list)
    relabels: dict[str, str] = field(default_factory=dict)
    """Code of what the model said -> letter of what a person says."""

    def note_found(self, row: _Row) -> None:
        """What Redis holds."""
        *_, code, _, letter = row
        if letter is None:
            self.found_label = code
        else:
            self.found_relabels[code] = letter

    def note_event(self, row: _Row) -> None:
        """An event that is applied, in its order."""
        _, _, time_ms, partition, offset, code, scored_us, letter = row
        if letter is not None:
            self.relabels[code] = letter
        elif time_ms is not None:
            self.events.append(((time_ms, partition, offset), code, scored_us))


@dataclass
class _Product:
    """How far events of one product are applied, by ``<topic>:<partition>``."""

    found: dict[str, str]
    """What Redis says."""
    applied: dict[str, int] = field(default_factory=dict)
    """The last event that is."""
    skipped: dict[str, int] = field(default_factory=dict)
    """The last event that is claimed and yet not applied."""


@dataclass(frozen=True)
class Compared:
    """How many products there are, and the digest of the recount."""

    products: int
    digest: str
    unsettled: tuple[str, ...]
    """Products with days that came, and whose labels were forgotten, while the snapshot was taken: it lacks these days. The
    first ``MAX_LISTED``."""


class Comparison:
    """Compares what is applied and counted, and every label, of each product on either side.

    A hash of zeros equals one that is not there, a label in its older code the same in the present one, and one that is
    forgotten equals none.

    Args:
        store: a whole snapshot and all events.
        rankings: told how each product must be ranked.
        customers: told whose strong negative each review is.
        differences: takes what is found.
        keys: names of the view's keys.
        topic: of the scored events.
        labels_topic: of what people say.
        claimed: by ``<topic>:<partition>``, the offset before which Redis says that all is applied.
        label_retention: days after which the view forgets labels; None if it never does.
        oldest_day: the counts of days before this one may be gone from Redis.
        exists: asks Redis whether there is a key now.
        is_member: asks Redis whether a sorted set has a member now.
    """

    def __init__(
        self,
        store: Store,
        rankings: Rankings,
        customers: Customers,
        differences: Differences,
        keys: ViewKeys,
        topic: str,
        *,
        labels_topic: str,
        claimed: Mapping[str, int],
        label_retention: int | None,
        oldest_day: date,
        exists: Callable[[str], bool],
        is_member: Callable[[str, str], bool],
    ) -> None:
        self._sql = store.sql
        self._rankings = rankings
        self._differences = differences
        self._keys = keys
        self._topic = topic
        self._labels_topic = labels_topic
        self._claimed = claimed
        self._oldest_day = oldest_day
        self._exists = exists
        self._is_member = is_member
        self._customers = customers
        self._unsettled: list[str] = []
        self._clocks = None if label_retention is None else Clocks(store, label_retention)
        self._digest = Digest()

    def run(self) -> Compared:
        """Compare everything."""
        products = 0
        for product_id, rows in groupby(self._sql.execute(_ROWS), key=itemgetter(0)):
            products += 1
            self._compare_product(product_id, rows)
        for (key,) in self._sql.execute("SELECT key FROM strange_keys ORDER BY key"):
            self._differences.compare(key, "", None, "a key that is none of the view's")
        return Compared(products, self._digest.hexdigest(), tuple(self._unsettled[:MAX_LISTED]))

    def _compare_product(self, product_id: str, rows: Iterable[_Row]) -> None:
        self._digest.product(product_id)
        product = _Product(self._applied_in_redis(product_id))
        clock = self._clock_of(product_id, product.found)
        tally = Tally(clock)
        for review_id, of_review in groupby(rows, key=itemgetter(1)):
            if review_id is None:
                continue
            review = _Review()
            for row in of_review:
                if row[2] is None:
                    review.note_found(row)
                elif self._is_applied(row, product):
                    review.note_event(row)
            label, customers = tally.review(review.events, review.relabels)
            self._customers.expect(product_id, review_id, customers)
            self._compare_label(product_id, review_id, label, review.found_label, clock)
            self._compare_relabels(product_id, review_id, review)
        self._compare_counts(product_id, tally)
        for place, offset in sorted(product.applied.items()):
            self._digest.applied(place, offset)
        expected = {place: str(offset) for place, offset in (product.applied | product.skipped).items()}
        if clock is not None and clock.latest is not None:
            expected[CLOCK] = str(clock.latest)
        _compare_hash(self._differences, self._keys.applied(product_id), expected, product.found)
        ranked = tally.counts.get(Place(Channel.REVIEW, None), _NOTHING)
        self._rankings.expect(product_id, ranked, product.found)

    def _is_applied(self, row: _Row, product: _Product) -> bool:
        """Whether Redis has counted an event; notes its place."""
        _, _, _, partition, offset, _, _, letter = row
        place = f"{self._topic if letter is None else self._labels_topic}:{partition}"
        if offset <= applied_offset(product.found, place):
            product.applied[place] = max(offset, product.applied.get(place, -1))
            return True
        if offset < self._claimed.get(place, 0):
            product.skipped[place] = max(offset, product.skipped.get(place, -1))
        return False

    def _applied_in_redis(self, product_id: str) -> dict[str, str]:
        row = self._sql.execute("SELECT applied FROM products WHERE product = ?", (product_id,)).fetchone()
        return dict(json.loads(row[0])) if row else {}

    def _clock_of(self, product_id: str, found: Mapping[str, str]) -> Clock | None:
        if self._clocks is None:
            return None
        return self._clocks.of(
            product_id,
            lambda partition, offset: offset <= applied_offset(found, f"{self._topic}:{partition}"),
        )

    def _compare_label(
        self, product_id: str, review_id: str, label: str, found: str | None, clock: Clock | None
    ) -> None:
        if label:
            self._digest.label(review_id, label)
        if label != (found and _present_label(found, clock)):
            self._differences.compare(self._keys.labels(product_id), review_id, label or None, found)

    def _compare_relabels(self, product_id: str, review_id: str, review: _Review) -> None:
        expected = {code: letter for code, letter in review.relabels.items() if letter}
        for code in sorted(expected.keys() | review.found_relabels.keys()):
            if code in expected:
                self._digest.relabel(review_id, code, expected[code])
            place = relabel_place(Contribution.decode(code), review_id) if code else review_id
            key, found = self._keys.relabels(product_id), review.found_relabels.get(code)
            self._differences.compare(key, place, expected.get(code), found)

    def _compare_counts(self, product_id: str, tally: Tally) -> None:
        rows = self._sql.execute("SELECT place, fields FROM counts WHERE product = ?", (product_id,))
        found: dict[Place, dict[str, str]] = {place_of(text): json.loads(fields) for text, fields in rows}
        updated_us = tally.updated_us
        for place in sorted(tally.counts.keys() | found.keys(), key=lambda place: place_text(*place)):
            stored, counters = found.get(place, {}), tally.counts.get(place, _NOTHING)
            if any(counters.values()):
                self._digest.counts(place, counters, updated_us[place])
            if stored or place.day is None or place.day >= self._oldest_day:
                updated_at = scored_at_of(updated_us[place]) if place in updated_us else None
                key = self._keys.counts(product_id, *place)
                if not stored and self._clocks is not None and self._exists(key):
                    self._unsettled.append(product_id)
                    continue
                _compare_hash(self._differences, key, *_counts_as_stored(counters, updated_at, stored))
            if place.campaign_id is not None and place.day is None and any(counters.values()):
                self._compare_campaign(product_id, place.channel, place.campaign_id)

    def _compare_campaign(self, product_id: str, channel: Channel, campaign_id: str) -> None:
        """Whether the counts of a campaign can be found; once they can, they always can."""
        for key, member in (
            (self._keys.campaigns, campaign_id),
            (self._keys.campaign(campaign_id), campaign_member(channel, product_id)),
        ):
            self._differences.compare(key, member, "0", "0" if self._is_member(key, member) else None)


def _present_label(text: str, clock: Clock | None) -> str:
    """A label as it is written now, "" if it is forgotten; what is no label stays."""
    try:
        label = StoredLabel.decode(text, forgets=clock is not None)
    except ValueError:
        return text
    return "" if clock is not None and clock.forgets(label) else label.encode()


def _compare_hash(
    differences: Differences, key: str, expected: Mapping[str, str], found: Mapping[str, str]
) -> None:
    for name in sorted(expected.keys() | found.keys()):
        differences.compare(key, name, expected.get(name), found.get(name))


def _counts_as_stored(
    counters: Mapping[Counter, int], updated_at: str | None, stored: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """What a counts hash must hold, and what it holds: a zero that is not there is there."""
    expected = {counter.value: _text(counter, counters[counter]) for counter in Counter}
    zeros = {counter.value: _text(counter, 0) for counter in Counter}
    if stored and updated_at is not None:
        expected[UPDATED_AT] = updated_at
    elif UPDATED_AT in stored:  # of a hash that was never counted into: its counters tell
        expected[UPDATED_AT] = stored[UPDATED_AT]
    found = {name: value for name, value in zeros.items() if expected[name] == value} | dict(stored)
    return expected, found


def _text(counter: Counter, value: int) -> str:
    return score_text(value) if counter is Counter.SCORE_SUM else str(value)
