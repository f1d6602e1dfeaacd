"""What Redis holds of every product, each product at one instant, however many aggregators are at work."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from itertools import islice

from redis import Redis

from consumers.aggregate.labels import StoredLabel
from consumers.aggregate.relabel import parse_relabel_place
from consumers.read.store import Store
from schemas.events import Channel
from schemas.redis_keys import Place, ViewKeys

PRODUCTS_AT_A_TIME = 20
"""Products are read in transactions of this many: Redis answers nobody else meanwhile."""

LABELS_AT_A_TIME = 10_000
"""Labels of one product that may come in one answer, about 1 MB; more are read in parts."""

_ATTEMPTS = 3
"""To read a product's labels in parts while nothing of it changes; then they are read at once, at whatever size."""

_SCAN_COUNT = 1000
_KEYS_A_STEP = 10_000
_PRODUCTS_A_STEP = 200


def take_snapshot(
    redis: Redis, keys: ViewKeys, store: Store, *, labels_at_a_time: int = LABELS_AT_A_TIME
) -> None:
    """Put every product that Redis holds from before this call until its end into the store.

    What an interrupted call has read is kept; a product that is read later is as right as one that was read before.

    Args:
        redis: a client with ``decode_responses``.
        keys: names of the view's keys.
        store: takes products, labels, counts, and keys that look like a product's but are none of the view.
        labels_at_a_time: of a product with more labels, these are read in parts.
    """
    if not store.note("scanned", default=False):
        _scan(redis, keys, store)
    snapshot = _Snapshot(redis, keys, store, labels_at_a_time)
    while waiting := store.sql.execute(
        "SELECT DISTINCT product FROM keys_seen WHERE product > ? ORDER BY product LIMIT ?",
        (store.note("snapshot_to", ""), _PRODUCTS_A_STEP),
    ).fetchall():
        product_ids = [product_id for (product_id,) in waiting]
        with store.step():
            for start in range(0, len(product_ids), PRODUCTS_AT_A_TIME):
                snapshot.read(product_ids[start : start + PRODUCTS_AT_A_TIME])
            store.set_note("snapshot_to", product_ids[-1])


def place_text(channel: Channel, day: date | None, campaign_id: str | None = None) -> str:
    """A place as the store names it."""
    text = f"{channel}:{day.isoformat() if day else ''}"
    return text if campaign_id is None else f"{text}:{campaign_id}"


def place_of(text: str) -> Place:
    """What ``place_text`` made a text of."""
    channel, _, rest = text.partition(":")
    day, _, campaign_id = rest.partition(":")
    return Place(Channel(channel), date.fromisoformat(day) if day else None, campaign_id or None)


def _scan(redis: Redis, keys: ViewKeys, store: Store) -> None:
    """Note the keys of all products; SCAN may tell of a key twice, and starts over after an interruption."""
    found = redis.scan_iter(match=keys.products, count=_SCAN_COUNT)
    while batch := list(islice(found, _KEYS_A_STEP)):
        parsed = {key: keys.parse_product_key(key) for key in batch}
        seen = [(read[0], place_text(*read[1]) if read[1] else "") for read in parsed.values() if read]
        with store.step():
            store.sql.executemany("INSERT INTO keys_seen VALUES (?, ?)", seen)
            store.sql.executemany(
                "INSERT OR IGNORE INTO strange_keys VALUES (?)", [(key,) for key in batch if not parsed[key]]
            )
    with store.step():
        store.set_note("scanned", value=True)


@dataclass(frozen=True)
class _Read:
    applied: Mapping[str, str]
    relabels: Mapping[str, str]
    counts: Mapping[Place, Mapping[str, str]]


class _Snapshot:
    """Reads products and stores them."""

    def __init__(self, redis: Redis, keys: ViewKeys, store: Store, labels_at_a_time: int) -> None:
        self._redis = redis
        self._keys = keys
        self._sql = store.sql
        self._labels_at_a_time = labels_at_a_time

    def read(self, product_ids: Iterable[str]) -> None:
        """Store these products as they are now."""
        places = {product_id: self._places_seen(product_id) for product_id in product_ids}
        pipeline = self._redis.pipeline(transaction=False)
        for product_id in places:
            pipeline.hlen(self._keys.labels(product_id))
        large = {
            product_id
            for product_id, labels in zip(places, pipeline.execute(), strict=True)
            if labels > self._labels_at_a_time
        }
        small = {product_id: wanted for product_id, wanted in places.items() if product_id not in large}
        if small:
            self._read_at_once(small)
        for product_id in large:
            self._read_in_parts(product_id, places[product_id])

    def _places_seen(self, product_id: str) -> set[Place]:
        rows = self._sql.execute(
            "SELECT DISTINCT place FROM keys_seen WHERE product = ? AND place <> ''", (product_id,)
        )
        return {place_of(text) for (text,) in rows} | {Place(channel, None) for channel in Channel}

    def _read_at_once(self, places: Mapping[str, set[Place]]) -> None:
        """Read products at one instant. A day that appeared since the scan shows in the labels: then read again."""
        waiting = dict(places)
        while waiting:
            pipeline = self._redis.pipeline(transaction=True)
            for product_id, wanted in waiting.items():
                pipeline.hgetall(self._keys.applied(product_id))
                pipeline.hgetall(self._keys.labels(product_id))
                pipeline.hgetall(self._keys.relabels(product_id))
                for place in wanted:
                    pipeline.hgetall(self._keys.counts(product_id, *place))
            answers = iter(pipeline.execute())
            for product_id, wanted in list(waiting.items()):
                applied, labels, relabels = next(answers), next(answers), next(answers)
                counts = {place: next(answers) for place in wanted}
                if labelled := _places_of(labels) - wanted:
                    waiting[product_id] = wanted | labelled
                else:
                    self._store_labels(product_id, labels)
                    self._store(product_id, _Read(applied, relabels, counts))
                    del waiting[product_id]

    def _read_in_parts(self, product_id: str, places: set[Place]) -> None:
        """Labels change only together with what is applied: if that is the same before and after, they are of one instant."""
        for _ in range(_ATTEMPTS):
            before = self._redis.hgetall(self._keys.applied(product_id))
            wanted = set(places)
            part: dict[str, str] = {}
            for review_id, code in self._redis.hscan_iter(self._keys.labels(product_id), count=_SCAN_COUNT):
                part[review_id] = code
                if len(part) >= self._labels_at_a_time:
                    wanted |= _places_of(part)
                    self._store_labels(product_id, part)
                    part = {}
            wanted |= _places_of(part)
            self._store_labels(product_id, part)
            pipeline = self._redis.pipeline(transaction=True)
            pipeline.hgetall(self._keys.applied(product_id))
            pipeline.hgetall(self._keys.relabels(product_id))
            for place in wanted:
                pipeline.hgetall(self._keys.counts(product_id, *place))
            applied, relabels, *counts = pipeline.execute()
            if applied == before:
                self._store(product_id, _Read(applied, relabels, dict(zip(wanted, counts, strict=True))))
                return
            self._sql.execute("DELETE FROM labels WHERE product = ?", (product_id,))
        self._read_at_once({product_id: places})

    def _store(self, product_id: str, read: _Read) -> None:
        self._sql.execute(
            "INSERT INTO products VALUES (?, ?)", (product_id, json.dumps(read.applied, sort_keys=True))
        )
        self._sql.executemany(
            "INSERT OR REPLACE INTO relabels VALUES (?, ?, ?, ?)",
            [(product_id, *_subject_of(place), letter) for place, letter in read.relabels.items()],
        )
        self._sql.executemany(
            "INSERT INTO counts VALUES (?, ?, ?)",
            [
                (product_id, place_text(*place), json.dumps(fields))
                for place, fields in read.counts.items()
                if fields
            ],
        )

    def _store_labels(self, product_id: str, labels: Mapping[str, str]) -> None:
        self._sql.executemany(
            "INSERT OR REPLACE INTO labels VALUES (?, ?, ?)",
            [(product_id, review_id, code) for review_id, code in labels.items()],
        )


def _subject_of(place: str) -> tuple[str, str]:
    """The review and the code of what the model said; of a strange field, the field and nothing."""
    try:
        said, review_id = parse_relabel_place(place)
    except ValueError:
        return place, ""
    return review_id, said.encode()


def _places_of(labels: Mapping[str, str]) -> set[Place]:
    places: set[Place] = set()
    for text in labels.values():
        with suppress(ValueError):  # shows as a difference when it is compared
            places.update(StoredLabel.found(text).places)
    return places
