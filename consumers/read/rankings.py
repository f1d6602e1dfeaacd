"""The rankings in Redis against a recount, although they follow the counts a moment later."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from redis import Redis

from consumers.aggregate.fold import Fold
from consumers.read.report import Differences
from consumers.read.snapshot import ProductSnapshot, Snapshot
from schemas.redis_keys import Counter, Ranking, ViewKeys

LOOKS = 5
PAUSE_S = 0.5
"""Looks at rankings that disagree, and the time between two: they follow the counts within milliseconds, unless
the aggregator was killed just then; its successor writes them again."""

PRODUCTS_AT_A_TIME = 500
"""Products are read in transactions of this many, six short commands each: Redis answers nobody else meanwhile."""


@dataclass(frozen=True)
class _Ranked:
    """A product's ranked counters and its places in the rankings, read at one instant."""

    applied: Mapping[str, str]
    counted: Mapping[Ranking, int]
    ranked: Mapping[Ranking, float]


def compare_rankings(
    differences: Differences,
    redis: Redis,
    keys: ViewKeys,
    fold: Fold,
    snapshot: Snapshot,
    *,
    pause: Callable[[float], object],
) -> tuple[str, ...]:
    """Compare the rankings as they are now; a product that is in none counts as 0.

    A product that no event reached since the snapshot must be ranked as in the recount; any other as Redis counts
    it now, which is what the recount has proved up to the snapshot.

    Returns:
        Products whose rankings still disagreed at the last look, but which were changing: nothing is proved of them.
    """
    expected = {ranking: fold.ranking(ranking) for ranking in Ranking}
    waiting = _members(redis, keys).union(snapshot.products, *expected.values())
    first_applied: dict[str, Mapping[str, str]] = {}
    wrong: dict[str, list[tuple[Ranking, int, float]]] = {}
    latest: dict[str, _Ranked] = {}
    for look in range(LOOKS):
        if look:
            pause(PAUSE_S)
        latest = _read(redis, keys, waiting)
        wrong = {}
        for product_id, now in latest.items():
            first_applied.setdefault(product_id, now.applied)
            untouched = now.applied == snapshot.products.get(product_id, ProductSnapshot()).applied
            for ranking in Ranking:
                right = expected[ranking].get(product_id, 0) if untouched else now.counted[ranking]
                if now.ranked[ranking] != right:
                    wrong.setdefault(product_id, []).append((ranking, right, now.ranked[ranking]))
        waiting = set(wrong)
        if not waiting:
            break
    unsettled = {
        product_id for product_id in wrong if latest[product_id].applied != first_applied[product_id]
    }
    for product_id in sorted(wrong.keys() - unsettled):
        for ranking, right, value in wrong[product_id]:
            differences.compare(keys.ranking(ranking), product_id, str(right), f"{value:.17g}")
    return tuple(sorted(unsettled))


def _members(redis: Redis, keys: ViewKeys) -> set[str]:
    pipeline = redis.pipeline(transaction=False)
    for ranking in Ranking:
        pipeline.zrange(keys.ranking(ranking), 0, -1)
    return set().union(*pipeline.execute())


def _read(redis: Redis, keys: ViewKeys, product_ids: Iterable[str]) -> dict[str, _Ranked]:
    read = {}
    remaining = iter(product_ids)
    while batch := list(islice(remaining, PRODUCTS_AT_A_TIME)):
        pipeline = redis.pipeline(transaction=True)
        for product_id in batch:
            pipeline.hgetall(keys.applied(product_id))
            pipeline.hmget(keys.product(product_id), [Counter(ranking.value) for ranking in Ranking])
            for ranking in Ranking:
                pipeline.zscore(keys.ranking(ranking), product_id)
        answers = iter(pipeline.execute())
        for product_id in batch:
            applied, counters = next(answers), next(answers)
            read[product_id] = _Ranked(
                applied,
                {ranking: int(value or 0) for ranking, value in zip(Ranking, counters, strict=True)},
                {ranking: next(answers) or 0.0 for ranking in Ranking},
            )
    return read
