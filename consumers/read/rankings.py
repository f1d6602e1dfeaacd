"""The rankings in Redis against a recount, although they follow the counts a moment later."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from redis import Redis

from consumers.read.report import MAX_LISTED, Differences
from consumers.read.store import Store
from schemas.redis_keys import Counter, Ranking, ViewKeys

LOOKS = 5
PAUSE_S = 0.5
"""Looks at rankings that disagree, and the time between two: they follow the counts within milliseconds, unless
the aggregator was killed just then; its successor writes them again."""

PRODUCTS_AT_A_TIME = 500
"""Products are read in transactions of this many, six short commands each: Redis answers nobody else meanwhile."""

_SCAN_COUNT = 1000

_TABLE = """
CREATE TABLE ranks (
    product TEXT PRIMARY KEY, expected TEXT NOT NULL, applied TEXT NOT NULL, first TEXT, latest TEXT, wrong TEXT
) WITHOUT ROWID
"""
_NOWHERE = json.dumps([0] * len(Ranking))


@dataclass(frozen=True)
class _Ranked:
    """A product's ranked counters and its places in the rankings, read at one instant."""

    applied: Mapping[str, str]
    counted: tuple[int, ...]
    ranked: tuple[float, ...]


class Rankings:
    """How each product must be ranked, kept in the store until all are found right."""

    def __init__(self, store: Store) -> None:
        self._sql = store.sql
        self._sql.execute("DROP TABLE IF EXISTS ranks")
        self._sql.execute(_TABLE)

    def expect(self, product_id: str, counters: Mapping[Counter, int], applied: Mapping[str, str]) -> None:
        """Take note of a product of the snapshot or the recount, with its counts and what was applied in the snapshot."""
        ranked = [counters[Counter(ranking.value)] for ranking in Ranking]
        self._insert([(product_id, json.dumps(ranked), _canonical(applied))])

    def compare(
        self, differences: Differences, redis: Redis, keys: ViewKeys, *, pause: Callable[[float], object]
    ) -> tuple[str, ...]:
        """Compare the rankings as they are now; a product that is in none counts as 0.

        A product that no event reached since the snapshot must be ranked as in the recount; any other as Redis counts
        it now, which is what the recount has proved up to the snapshot.

        Returns:
            Products whose rankings still disagreed at the last look, but which were changing: nothing is proved of them.
            The first ``MAX_LISTED``.
        """
        self._expect_members(redis, keys)
        for look in range(LOOKS):
            if look:
                pause(PAUSE_S)
            if not self._look(redis, keys):
                break
        unsettled: list[str] = []
        for product_id, first, latest, wrong in self._sql.execute(
            "SELECT product, first, latest, wrong FROM ranks ORDER BY product"
        ):
            if first != latest:
                unsettled += [product_id][: MAX_LISTED - len(unsettled)]
                continue
            for name, right, value in json.loads(wrong):
                differences.compare(keys.ranking(Ranking(name)), product_id, str(right), f"{value:.17g}")
        return tuple(unsettled)

    def _insert(self, rows: Iterable[tuple[str, str, str]]) -> None:
        self._sql.executemany(
            "INSERT OR IGNORE INTO ranks (product, expected, applied) VALUES (?, ?, ?)", rows
        )

    def _expect_members(self, redis: Redis, keys: ViewKeys) -> None:
        for ranking in Ranking:
            members = redis.zscan_iter(keys.ranking(ranking), count=_SCAN_COUNT)
            self._insert((product_id, _NOWHERE, "{}") for product_id, _ in members)

    def _look(self, redis: Redis, keys: ViewKeys) -> bool:
        """Look at all that were not right yet; whether any is wrong."""
        after, any_wrong = "", False
        while batch := self._sql.execute(
            "SELECT product, expected, applied, first FROM ranks WHERE product > ? ORDER BY product LIMIT ?",
            (after, PRODUCTS_AT_A_TIME),
        ).fetchall():
            after = batch[-1][0]
            read = _read(redis, keys, [row[0] for row in batch])
            for product_id, expected, applied, first in batch:
                now = read[product_id]
                now_applied = _canonical(now.applied)
                right = json.loads(expected) if now_applied == applied else now.counted
                wrong = [
                    entry for entry in zip(Ranking, right, now.ranked, strict=True) if entry[1] != entry[2]
                ]
                if wrong:
                    any_wrong = True
                    self._sql.execute(
                        "UPDATE ranks SET first = ?, latest = ?, wrong = ? WHERE product = ?",
                        (first or now_applied, now_applied, json.dumps(wrong), product_id),
                    )
                else:
                    self._sql.execute("DELETE FROM ranks WHERE product = ?", (product_id,))
        return any_wrong


def _canonical(applied: Mapping[str, str]) -> str:
    return json.dumps(applied, sort_keys=True)


def _read(redis: Redis, keys: ViewKeys, product_ids: Iterable[str]) -> dict[str, _Ranked]:
    wanted = list(product_ids)
    pipeline = redis.pipeline(transaction=True)
    for product_id in wanted:
        pipeline.hgetall(keys.applied(product_id))
        pipeline.hmget(keys.product(product_id), [Counter(ranking.value) for ranking in Ranking])
        for ranking in Ranking:
            pipeline.zscore(keys.ranking(ranking), product_id)
    answers = iter(pipeline.execute())
    return {
        product_id: _Ranked(
            next(answers),
            tuple(int(value or 0) for value in next(answers)),
            tuple(next(answers) or 0.0 for _ in Ranking),
        )
        for product_id in wanted
    }
