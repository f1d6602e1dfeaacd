"""The products in Redis, field by field, against a recount."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date

from consumers.aggregate.contribution import score_text
from consumers.read.recount import Recount
from consumers.read.report import Differences
from consumers.read.snapshot import Place, ProductSnapshot, Snapshot
from schemas.redis_keys import UPDATED_AT, Counter, ViewKeys


def compare_products(
    differences: Differences,
    keys: ViewKeys,
    recount: Recount,
    snapshot: Snapshot,
    *,
    oldest_day: date,
) -> int:
    """Compare what is applied and counted, and every label, of each product on either side.

    A hash of zeros equals one that is not there.

    Args:
        differences: takes what is found.
        keys: names of the view's keys.
        recount: each product's events up to where Redis has applied them.
        snapshot: what Redis holds.
        oldest_day: the counts of days before this one may be gone from Redis.

    Returns:
        The number of products.
    """
    fold, skipped = recount.fold, recount.skipped
    counts: defaultdict[str, dict[Place, dict[Counter, int]]] = defaultdict(dict)
    for (product_id, channel, day), counters in fold.counts.items():
        counts[product_id][channel, day] = counters
    products = sorted(fold.applied.keys() | skipped.keys() | snapshot.products.keys())
    for product_id in products:
        found = snapshot.products.get(product_id, ProductSnapshot())
        applied = {**fold.applied.get(product_id, {}), **skipped.get(product_id, {})}
        _compare_hash(
            differences,
            keys.applied(product_id),
            {place: str(offset) for place, offset in applied.items()},
            found.applied,
        )
        labels = fold.labels.get(product_id, {})
        _compare_hash(
            differences,
            keys.labels(product_id),
            {review_id: contribution.encode() for review_id, contribution in labels.items()},
            found.labels,
        )
        for channel, day in sorted(counts[product_id].keys() | found.counts.keys(), key=str):
            stored = found.counts.get((channel, day), {})
            if stored or day is None or day >= oldest_day:
                counters = counts[product_id].get((channel, day), {})
                updated_at = fold.updated_at.get((product_id, channel, day))
                _compare_counts(
                    differences, keys.counts(product_id, channel, day), counters, updated_at, stored
                )
    for key in snapshot.strange_keys:
        differences.compare(key, "", None, "a key that is none of the view's")
    return len(products)


def _compare_hash(
    differences: Differences, key: str, expected: Mapping[str, str], found: Mapping[str, str]
) -> None:
    for name in sorted(expected.keys() | found.keys()):
        differences.compare(key, name, expected.get(name), found.get(name))


def _compare_counts(
    differences: Differences,
    key: str,
    counters: Mapping[Counter, int],
    updated_at: str | None,
    stored: Mapping[str, str],
) -> None:
    expected = {counter.value: _text(counter, counters.get(counter, 0)) for counter in Counter}
    zeros = {counter.value: _text(counter, 0) for counter in Counter}
    if stored and updated_at is not None:
        expected[UPDATED_AT] = updated_at
    elif UPDATED_AT in stored:  # of a hash that was never counted into: its counters tell
        expected[UPDATED_AT] = stored[UPDATED_AT]
    found = {name: value for name, value in zeros.items() if expected[name] == value} | dict(stored)
    _compare_hash(differences, key, expected, found)


def _text(counter: Counter, value: int) -> str:
    return score_text(value) if counter is Counter.SCORE_SUM else str(value)
