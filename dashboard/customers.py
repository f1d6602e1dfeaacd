"""Customers at risk: several strong negatives of one customer within some days."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from redis.asyncio import Redis

from consumers.aggregate.contribution import day_of, days_since_1970
from dashboard.counts import CountsReader, StrongNegative
from dashboard.periods import SKEW
from dashboard.problems import Problem
from schemas.redis_keys import ViewKeys, parse_strong_negative_member

MAX_LOOKED_AT = 5_000
"""Customers with two strong negatives or more who are looked at, those who wrote last first."""

MAX_REVIEWS = 50
"""Strong negatives of one customer that are counted; who has more, as the guests of a shop that gives them all one id, has so many."""

SHORT = 8
"""Digits of a hash that people are shown: among 10,000 customers, two share them once in a hundred lists."""


@dataclass(frozen=True)
class CustomerReview:
    """One strong negative; its text, if it is one of its product's latest."""

    product_id: str
    review_id: str
    day: date
    written: StrongNegative | None


@dataclass(frozen=True)
class AtRisk:
    """A customer by hash, and what they wrote within the window, latest first."""

    customer: str
    reviews: Sequence[CustomerReview]

    @property
    def short(self) -> str:
        """As people are shown it."""
        return self.customer[:SHORT]

    @property
    def latest(self) -> date:
        return self.reviews[0].day


class CustomerReader:
    """Reads who is at risk.

    Args:
        redis: a client with ``decode_responses``.
        keys: names of the view's keys.
        counts: reads what customers wrote.
        least: strong negatives that put a customer at risk.
        days: within so many days.
    """

    def __init__(self, redis: Redis, keys: ViewKeys, counts: CountsReader, *, least: int, days: int) -> None:
        self.least = least
        self.days = days
        self._redis = redis
        self._keys = keys
        self._counts = counts

    async def at_risk(self, today: date, limit: int) -> tuple[list[AtRisk], int]:
        """Those with most strong negatives first, then who wrote last; and how many there are in all."""
        first, last = today - timedelta(days=self.days - 1), today + SKEW
        since = days_since_1970(first)
        listed = await self._redis.zrange(
            self._keys.customers, "+inf", str(since), desc=True, byscore=True, offset=0, num=MAX_LOOKED_AT
        )
        pipeline = self._redis.pipeline(transaction=False)
        for customer in listed:
            pipeline.zrange(
                self._keys.customer(str(customer)),
                str(days_since_1970(last)),
                str(since),
                desc=True,
                byscore=True,
                offset=0,
                num=MAX_REVIEWS,
                withscores=True,
            )
        found = [
            AtRisk(str(customer), [_review(str(member), day) for member, day in members])
            for customer, members in zip(listed, await pipeline.execute(), strict=True)
            if len(members) >= self.least
        ]
        found.sort(key=lambda one: (-len(one.reviews), -one.latest.toordinal(), one.customer))
        return await self._with_texts(found[:limit]), len(found)

    async def _with_texts(self, found: Sequence[AtRisk]) -> list[AtRisk]:
        named = {(review.product_id, review.review_id) for one in found for review in one.reviews}
        picked = await self._counts.picked(
            sorted({product_id for product_id, _ in named}),
            lambda product_id, fields: (product_id, fields["review_id"]) in named,
        )
        texts = {(product_id, written.review_id): written for product_id, written in picked}
        return [
            replace(
                one,
                reviews=[
                    replace(review, written=texts.get((review.product_id, review.review_id)))
                    for review in one.reviews
                ],
            )
            for one in found
        ]


AGENTS_ONLY = Problem(
    "customers-for-agents",
    403,
    "For agents",
    "Your token lets you read counts; what single customers wrote is for agents.",
)


def _review(member: str, day: float) -> CustomerReview:
    product_id, review_id = parse_strong_negative_member(member)
    return CustomerReview(product_id, review_id, day_of(int(day)), None)
