"""Counts of days, written into Redis as the aggregator leaves them."""

from collections.abc import Mapping
from datetime import date

from redis import Redis

from schemas.events import Channel
from schemas.redis_keys import Ranking, ViewKeys


def put_days(
    redis: Redis,
    keys: ViewKeys,
    product_id: str,
    days: Mapping[date, tuple[int, int]],
    channel: Channel = Channel.REVIEW,
) -> None:
    """Reviews, and the strong negatives among them, of each day; everything else of the day is positive."""
    redis.hset(keys.counts(product_id, channel), "reviews", 1)
    for day, (reviews, strong_negative) in days.items():
        fields = {
            "reviews": reviews,
            "positive": reviews - strong_negative,
            "strong_negative": strong_negative,
        }
        redis.hset(keys.counts(product_id, channel, day), mapping=fields)
    redis.hincrby(keys.ranking_revisions(Ranking.REVIEWS), product_id, 1)
