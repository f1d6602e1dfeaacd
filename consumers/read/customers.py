"""The strong negatives of customers in Redis against a recount.

A customer's come from many products, and Redis is read product by product while aggregators work. So each that disagrees is
looked at again, at one instant with what is applied of its product.
"""

import json
from collections.abc import Iterable, Mapping
from itertools import islice

from redis import Redis

from consumers.aggregate.contribution import days_since_1970
from consumers.aggregate.labels import StoredLabel
from consumers.aggregate.relabel import as_people_say, relabel_place
from consumers.read.report import MAX_LISTED, Differences
from consumers.read.store import Store
from schemas.redis_keys import RISK_FROM, ViewKeys, parse_strong_negative_member, strong_negative_member

CUSTOMERS_AT_A_TIME = 200
MEMBERS_AT_ONCE = 500
"""Of one customer in one answer; somebody who has more, as the guests of a shop that gives them all one id, is read in parts."""

_SCAN_COUNT = 1000

_COLUMNS = "(customer TEXT, product TEXT, review TEXT, day INT NOT NULL, PRIMARY KEY (customer, product, review)) WITHOUT ROWID"

# What either side has and the other has not, or has on another day; with the day of the recount.
_DISAGREEING = """
SELECT customer, product, review, day FROM expected_negatives e WHERE day >= :oldest AND NOT EXISTS (
    SELECT 1 FROM found_negatives f
    WHERE f.customer = e.customer AND f.product = e.product AND f.review = e.review AND f.day = e.day)
UNION ALL SELECT customer, product, review, NULL FROM found_negatives f WHERE day >= :oldest AND NOT EXISTS (
    SELECT 1 FROM expected_negatives e
    WHERE e.customer = f.customer AND e.product = f.product AND e.review = f.review)
ORDER BY 1, 2, 3
"""


class Customers:
    """What each customer must have, kept in the store until all is found right.

    Args:
        store: takes it, and has the snapshot.
        keys: names of the view's keys.
        oldest_day: days since 1970-01-01; what is older may be gone from Redis.
    """

    def __init__(self, store: Store, keys: ViewKeys, oldest_day: int) -> None:
        self._sql = store.sql
        self._keys = keys
        self._oldest_day = oldest_day
        for table in ("expected_negatives", "found_negatives"):
            self._sql.execute(f"DROP TABLE IF EXISTS {table}")
            self._sql.execute(f"CREATE TABLE {table} {_COLUMNS}")

    def expect(self, product_id: str, review_id: str, customers: Mapping[str, int]) -> None:
        """Take note of a review of the recount: of which customers it is a strong negative, and its day since 1970-01-01."""
        self._insert("expected_negatives", product_id, review_id, customers)

    def compare(self, differences: Differences, redis: Redis, *, forgets: bool) -> tuple[str, ...]:
        """Compare with Redis as it is now.

        A review of a product that no event reached since the snapshot must stand as in the recount; any other as its label
        says now, which is what the recount has proved up to the snapshot.

        Args:
            differences: takes what is found.
            redis: a client with ``decode_responses``.
            forgets: whether the view forgets labels; then a product that has moved on may have forgotten what stays counted.

        Returns:
            Products that have moved on, and of whose customers nothing is proved. The first ``MAX_LISTED``.
        """
        self._read(differences, redis)
        unsettled: dict[str, None] = {}
        for customer, product_id, review_id, day in self._sql.execute(
            _DISAGREEING, {"oldest": self._oldest_day}
        ).fetchall():
            member = strong_negative_member(product_id, review_id)
            pipeline = redis.pipeline(transaction=True)
            pipeline.hgetall(self._keys.applied(product_id))
            pipeline.hget(self._keys.labels(product_id), review_id)
            pipeline.hgetall(self._keys.relabels(product_id))
            pipeline.zscore(self._keys.customer(customer), member)
            applied, label, relabels, found = pipeline.execute()
            if applied == self._applied(product_id):
                right = day
            elif forgets:
                unsettled[product_id] = None
                continue
            else:
                right = _strong_negative_day(customer, review_id, label, relabels)
            if right is None or right >= self._oldest_day:
                self._compare(differences, self._keys.customer(customer), member, right, found)
        return tuple(islice(unsettled, MAX_LISTED))

    def _read(self, differences: Differences, redis: Redis) -> None:
        """Store what Redis has of all customers, each at one instant, and see that those with several are listed."""
        start = f"{self._keys.customers}:"
        keys = redis.scan_iter(match=self._keys.all_across_products[1], count=_SCAN_COUNT)
        of_keys = (key.removeprefix(start) for key in keys if key.startswith(start))
        listed = (customer for customer, _ in redis.zscan_iter(self._keys.customers, count=_SCAN_COUNT))
        while batch := list(islice(of_keys, CUSTOMERS_AT_A_TIME)):
            self._read_some(differences, redis, batch)
        while batch := list(islice(listed, CUSTOMERS_AT_A_TIME)):
            without = [one for one in batch if not redis.zcard(self._keys.customer(one))]
            self._read_some(differences, redis, without)

    def _read_some(self, differences: Differences, redis: Redis, customers: Iterable[str]) -> None:
        wanted = list(customers)
        pipeline = redis.pipeline(transaction=True)
        for customer in wanted:
            key = self._keys.customer(customer)
            pipeline.zcard(key)
            pipeline.zrevrange(key, 0, MEMBERS_AT_ONCE - 1, withscores=True)
            pipeline.zscore(self._keys.customers, customer)
        answers = iter(pipeline.execute())
        for customer in wanted:
            count, members, listed = next(answers), next(answers), next(answers)
            key = self._keys.customer(customer)
            latest = members[0][1] if members else None
            right = latest if count >= RISK_FROM else None
            if max(latest or 0, listed or 0) >= self._oldest_day:
                self._compare(differences, self._keys.customers, customer, right, listed)
            if count > MEMBERS_AT_ONCE:
                members = redis.zscan_iter(key, count=_SCAN_COUNT)
            for member, day in members:
                try:
                    product_id, review_id = parse_strong_negative_member(member)
                except ValueError:
                    self._compare(differences, key, member, None, day)
                else:
                    self._insert("found_negatives", product_id, review_id, {customer: int(day)})

    def _insert(self, table: str, product_id: str, review_id: str, customers: Mapping[str, int]) -> None:
        self._sql.executemany(
            f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?)",  # noqa: S608 -- a name of our own
            [(customer, product_id, review_id, day) for customer, day in customers.items()],
        )

    def _applied(self, product_id: str) -> dict[str, str]:
        row = self._sql.execute("SELECT applied FROM products WHERE product = ?", (product_id,)).fetchone()
        return dict(json.loads(row[0])) if row else {}

    def _compare(
        self, differences: Differences, key: str, member: str, right: float | None, found: float | None
    ) -> None:
        expected, stored = (None if value is None else f"{value:.17g}" for value in (right, found))
        differences.compare(key, member, expected, stored)


def _strong_negative_day(
    customer: str, review_id: str, text: str | None, relabels: Mapping[str, str]
) -> int | None:
    """The day on which a review is a strong negative of a customer, as Redis counts it; None if it is none."""
    try:
        label = StoredLabel.found(text or "")
    except ValueError:
        return None
    letter = relabels.get(relabel_place(label.contribution, review_id))
    counted = as_people_say(label.contribution, {label.contribution.encode(): letter} if letter else {})
    is_theirs = label.origin.customer == customer and counted.strong_negative
    return days_since_1970(counted.day) if is_theirs else None
