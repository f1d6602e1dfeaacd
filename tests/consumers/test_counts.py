"""Counts and rankings as read from a real Valkey."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from consumers.read.counts import Counts, read_counts, share, top
from schemas.events import Channel
from schemas.redis_keys import Counter, Ranking, ViewKeys

STORED = {
    "reviews": 4,
    "positive": 3,
    "negative": 1,
    "strong_positive": 2,
    "weak_positive": 1,
    "strong_negative": 0,
    "weak_negative": 1,
    "uncertain": 1,
    "score_sum": "2.600001",
    "updated_at": "2026-03-01T12:00:00+00:00",
}
READ = Counts(
    reviews=4,
    positive=3,
    negative=1,
    strong_positive=2,
    weak_positive=1,
    strong_negative=0,
    weak_negative=1,
    uncertain=1,
    score_sum=Decimal("2.600001"),
    updated_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
)


@pytest.fixture
def keys(redis_prefix: str) -> ViewKeys:
    return ViewKeys(redis_prefix)


def test_a_product_is_read_in_every_channel(redis: Redis, keys: ViewKeys) -> None:
    redis.hset(keys.counts("p1", Channel.REVIEW), mapping=STORED)
    redis.hset(keys.counts("p1", Channel.AD), mapping={"reviews": 1, "negative": 1})

    [product] = read_counts(redis, keys, ["p1"])

    assert product.product_id == "p1"
    assert product.channels == {
        Channel.REVIEW: READ,
        Channel.SUPPORT: Counts(),
        Channel.AD: Counts(reviews=1, negative=1),
        Channel.SOCIAL: Counts(),
    }


def test_products_come_in_the_order_asked_for_and_unknown_ones_are_absent(
    redis: Redis, keys: ViewKeys
) -> None:
    redis.hset(keys.counts("p1", Channel.REVIEW), mapping=STORED)
    redis.hset(keys.counts("p2", Channel.SUPPORT), mapping=STORED)

    found = read_counts(redis, keys, ["p2", "unknown", "p1"])

    assert [product.product_id for product in found] == ["p2", "p1"]


def test_one_day_is_read_alone(redis: Redis, keys: ViewKeys) -> None:
    day = date(2026, 3, 1)
    redis.hset(keys.counts("p1", Channel.REVIEW), mapping=STORED | {"reviews": 100})
    redis.hset(keys.counts("p1", Channel.REVIEW, day), mapping=STORED)

    [product] = read_counts(redis, keys, ["p1"], day)

    assert product.channels[Channel.REVIEW] == READ


def test_nothing_asked_is_nothing_read(redis: Redis, keys: ViewKeys) -> None:
    assert read_counts(redis, keys, []) == []


def test_a_ranking_starts_with_the_highest_and_leaves_out_zeros(redis: Redis, keys: ViewKeys) -> None:
    redis.zadd(keys.ranking(Ranking.NEGATIVE), {"p1": 3, "p2": 12, "p3": 0, "p4": 7})

    assert top(redis, keys, Ranking.NEGATIVE, 10) == [("p2", 12), ("p4", 7), ("p1", 3)]
    assert top(redis, keys, Ranking.NEGATIVE, 2) == [("p2", 12), ("p4", 7)]


def test_the_mean_score_is_that_of_all_reviews() -> None:
    assert READ.mean_score == pytest.approx(0.65000025)


def test_nothing_is_said_of_a_product_without_reviews() -> None:
    assert Counts().mean_score is None
    assert Counts().share(Counter.POSITIVE) is None


def test_a_share_comes_with_its_sample_size_and_interval() -> None:
    found = READ.share(Counter.POSITIVE)

    assert found is not None
    assert (found.value, found.n) == (0.75, 4)
    # scipy.stats.binomtest(3, 4).proportion_ci(method="wilson") says 0.3006 .. 0.9544.
    assert (found.low, found.high) == (pytest.approx(0.3006, abs=1e-4), pytest.approx(0.9544, abs=1e-4))


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share_and_stays_within_0_and_1(case: tuple[int, int]) -> None:
    part, n = case

    found = share(part, n)

    assert found is not None
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_more_reviews_say_more() -> None:
    few, many = share(8, 10), share(800, 1000)

    assert few is not None
    assert many is not None
    assert many.high - many.low < few.high - few.low
