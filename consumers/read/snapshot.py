"""What Redis holds of every product, each product at one instant, however many aggregators are at work."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any

from redis import Redis

from consumers.aggregate.contribution import Contribution
from schemas.events import Channel
from schemas.redis_keys import ViewKeys

Place = tuple[Channel, date | None]
"""A channel and a day of ``created_at`` (UTC); None for all days."""

PRODUCTS_AT_A_TIME = 20
"""Products are read in transactions of this many: Redis answers nobody else meanwhile."""

_SCAN_COUNT = 1000


@dataclass(frozen=True)
class ProductSnapshot:
    """All that the counting of one product touches, read in one Redis transaction."""

    applied: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[Place, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Snapshot:
    """Every product under the prefix, and keys that look like a product's but are none of the view."""

    products: Mapping[str, ProductSnapshot]
    strange_keys: tuple[str, ...]


def take_snapshot(redis: Redis, keys: ViewKeys) -> Snapshot:
    """Read every product that Redis holds from before this call until its end.

    All of the view comes into memory.

    Args:
        redis: a client with ``decode_responses``.
        keys: names of the view's keys.
    """
    places: defaultdict[str, set[Place]] = defaultdict(set)
    strange_keys = []
    start = f"{keys.prefix}product:{{"
    for key in redis.scan_iter(match=f"{_literally(start)}*", count=_SCAN_COUNT):
        parsed = _parse(keys, key, start)
        if parsed is None:
            strange_keys.append(key)
        else:
            product_id, place = parsed
            places[product_id].update({place} if place else ())
    products = {}
    for batch in _batches(places.items(), PRODUCTS_AT_A_TIME):
        products.update(_read(redis, keys, dict(batch)))
    return Snapshot(products, tuple(sorted(strange_keys)))


def _read(redis: Redis, keys: ViewKeys, places: Mapping[str, set[Place]]) -> dict[str, ProductSnapshot]:
    """Read products at one instant. A day that appeared since the scan shows in the labels: then read again."""
    done: dict[str, ProductSnapshot] = {}
    waiting = {
        product_id: found | {(channel, None) for channel in Channel} for product_id, found in places.items()
    }
    while waiting:
        pipeline = redis.pipeline(transaction=True)
        for product_id, wanted in waiting.items():
            pipeline.hgetall(keys.applied(product_id))
            pipeline.hgetall(keys.labels(product_id))
            for channel, day in wanted:
                pipeline.hgetall(keys.counts(product_id, channel, day))
        answers = iter(pipeline.execute())
        for product_id, wanted in list(waiting.items()):
            applied, labels = next(answers), next(answers)
            counts = {place: next(answers) for place in wanted}
            if labelled := _places_of(labels) - wanted:
                waiting[product_id] = wanted | labelled
            else:
                done[product_id] = ProductSnapshot(applied, labels, counts)
                del waiting[product_id]
    return done


def _places_of(labels: Mapping[str, str]) -> set[Place]:
    places: set[Place] = set()
    for code in labels.values():
        try:
            contribution = Contribution.decode(code)
        except ValueError:
            continue  # shows as a difference when it is compared
        places.add((contribution.channel, contribution.day))
    return places


_COUNTS_SUFFIX = re.compile(r"(?::channel:(?P<channel>[a-z]+))?(?::day:(?P<day>[0-9-]+))?")
_OTHER_SUFFIXES = {":labels", ":negatives", ":applied"}


def _parse(keys: ViewKeys, key: str, start: str) -> tuple[str, Place | None] | None:
    """The product of a key and the place that it counts, if any; None for a key that is none of the view."""
    # No suffix has a brace, so the last one closes the product id, which may have braces of its own.
    product_id, _, suffix = key.removeprefix(start).rpartition("}")
    if suffix in _OTHER_SUFFIXES:
        return product_id, None
    match = _COUNTS_SUFFIX.fullmatch(suffix)
    if match is None:
        return None
    try:
        channel = Channel(match["channel"] or Channel.REVIEW)
        day = date.fromisoformat(match["day"]) if match["day"] else None
    except ValueError:
        return None
    return (product_id, (channel, day)) if keys.counts(product_id, channel, day) == key else None


def _literally(text: str) -> str:
    """A glob pattern that matches just this text."""
    return re.sub(r"([*?\[\]\\^])", r"\\\1", text)


def _batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
