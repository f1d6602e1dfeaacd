"""The counts of products and the rankings, as Redis holds them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from math import sqrt

from redis import Redis

from schemas.events import Channel
from schemas.redis_keys import UPDATED_AT, Counter, Ranking, ViewKeys

Z_95 = 1.959964
"""Standard deviations that hold 95 % of a normal distribution."""


@dataclass(frozen=True)
class Share:
    """A share of ``n`` reviews, and where the true share lies with 95 % confidence."""

    value: float
    low: float
    high: float
    n: int


def share(part: int, n: int) -> Share | None:
    """``part`` of ``n`` with its Wilson score interval, which stays honest for few reviews; None for none.

    Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference".
    """
    if n == 0:
        return None
    value = part / n
    spread = Z_95**2 / n
    centre = (value + spread / 2) / (1 + spread)
    margin = Z_95 * sqrt(value * (1 - value) / n + spread / (4 * n)) / (1 + spread)
    # In exact arithmetic the share lies within its interval; at 0 and 1 rounding would put it just outside.
    return Share(value, min(value, max(0.0, centre - margin)), max(value, min(1.0, centre + margin)), n)


@dataclass(frozen=True)
class Counts:
    """One counts hash; ``updated_at`` is None if nothing was ever counted."""

    reviews: int = 0
    positive: int = 0
    negative: int = 0
    strong_positive: int = 0
    weak_positive: int = 0
    strong_negative: int = 0
    weak_negative: int = 0
    uncertain: int = 0
    score_sum: Decimal = Decimal(0)
    updated_at: datetime | None = None

    @classmethod
    def of(cls, stored: Mapping[str, str]) -> "Counts":
        """Read the fields of the hash; those that are missing are 0."""
        counters = {
            counter.value: int(stored.get(counter, 0))
            for counter in Counter
            if counter is not Counter.SCORE_SUM
        }
        updated_at = stored.get(UPDATED_AT)
        return cls(
            **counters,
            score_sum=Decimal(stored.get(Counter.SCORE_SUM, 0)),
            updated_at=None if updated_at is None else datetime.fromisoformat(updated_at),
        )

    @property
    def mean_score(self) -> float | None:
        """Mean probability of being positive; None without reviews."""
        return float(self.score_sum / self.reviews) if self.reviews else None

    def share(self, counter: Counter) -> Share | None:
        """The share of the reviews that a counter holds; None without reviews."""
        return share(getattr(self, counter), self.reviews)


@dataclass(frozen=True)
class ProductCounts:
    """The counts of one product in every channel."""

    product_id: str
    channels: Mapping[Channel, Counts]


def read_counts(
    redis: Redis, keys: ViewKeys, product_ids: Sequence[str], day: date | None = None
) -> list[ProductCounts]:
    """The counts of those of ``product_ids`` that are known, in this order, in one round trip.

    Args:
        redis: a client with ``decode_responses``.
        keys: names of the view's keys.
        product_ids: of whatever products.
        day: only reviews created on this day (UTC); all by default.
    """
    pipeline = redis.pipeline(transaction=False)
    for product_id in product_ids:
        for channel in Channel:
            pipeline.hgetall(keys.counts(product_id, channel, day))
    stored = iter(pipeline.execute())
    read = {product_id: {channel: next(stored) for channel in Channel} for product_id in product_ids}
    return [
        ProductCounts(product_id, {channel: Counts.of(hashed) for channel, hashed in channels.items()})
        for product_id, channels in read.items()
        if any(channels.values())
    ]


def top(redis: Redis, keys: ViewKeys, ranking: Ranking, limit: int) -> list[tuple[str, int]]:
    """The products with the highest counts in channel ``review``, and these counts; none that is 0."""
    pipeline = redis.pipeline(transaction=False)
    pipeline.zrange(
        keys.ranking(ranking), "+inf", "(0", desc=True, byscore=True, offset=0, num=limit, withscores=True
    )
    return [(product_id, int(value)) for product_id, value in pipeline.execute()[0]]
