"""A verification covers campaigns and customers: what is false is found, and what only moves is not."""

from datetime import timedelta

import pytest
from scored_events import START, deleted, scored
from stored_view import TODAY, Falsehood, StoredView

from consumers.aggregate.contribution import days_since_1970
from consumers.read.report import Difference, Verdict
from schemas.events import Channel, Label, ScoredReview
from schemas.redis_keys import campaign_member, strong_negative_member

ANNA, BEN = "a" * 32, "b" * 32
DAY = START.date()
FIRST = strong_negative_member("p1", "r1")
TODAYS_NUMBER = str(days_since_1970(TODAY))


def bad(review_id: str, product_id: str, customer: str = ANNA, **fields: object) -> ScoredReview:
    return scored(
        review_id,
        product_id,
        label=Label.NEGATIVE,
        score=0.1,
        customer_hash=customer,
        campaign_id="summer",
        **fields,
    )


EVENTS = [
    bad("r1", "p1"),
    bad("r1", "p2", channel=Channel.AD),
    bad("r2", "p2", customer=BEN),
    scored("r3", "p2", customer_hash=ANNA),
    bad("r4", "p2"),
    deleted("r4", "p2"),
]


@pytest.fixture
def busy_shop(view: StoredView) -> StoredView:
    view.publish_and_apply(*EVENTS)
    return view


FALSEHOODS = [
    Falsehood(
        "a campaign's counter",
        lambda redis, keys: redis.hincrby(keys.counts("p1", Channel.REVIEW, None, "summer"), "reviews", 1),
        lambda keys: keys.counts("p1", Channel.REVIEW, None, "summer"),
        "reviews",
        "1",
        "2",
    ),
    Falsehood(
        "a campaign's day",
        lambda redis, keys: redis.hset(keys.counts("p2", Channel.AD, DAY, "summer"), "negative", 0),
        lambda keys: keys.counts("p2", Channel.AD, DAY, "summer"),
        "negative",
        "1",
        "0",
    ),
    Falsehood(
        "a campaign that nobody answered to",
        lambda redis, keys: redis.hset(keys.counts("p2", Channel.AD, None, "winter"), "reviews", 1),
        lambda keys: keys.counts("p2", Channel.AD, None, "winter"),
        "reviews",
        "0",
        "1",
    ),
    Falsehood(
        "a campaign that is not listed",
        lambda redis, keys: redis.zrem(keys.campaigns, "summer"),
        lambda keys: keys.campaigns,
        "summer",
        "0",
        None,
    ),
    Falsehood(
        "a product that is not listed under its campaign",
        lambda redis, keys: redis.zrem(keys.campaign("summer"), campaign_member(Channel.AD, "p2")),
        lambda keys: keys.campaign("summer"),
        campaign_member(Channel.AD, "p2"),
        "0",
        None,
    ),
    Falsehood(
        "a strong negative on another day",
        lambda redis, keys: redis.zadd(keys.customer(ANNA), {FIRST: int(TODAYS_NUMBER) - 1}),
        lambda keys: keys.customer(ANNA),
        FIRST,
        TODAYS_NUMBER,
        str(int(TODAYS_NUMBER) - 1),
    ),
    Falsehood(
        "a strong negative of nobody",
        lambda redis, keys: redis.delete(keys.customer(BEN)),
        lambda keys: keys.customer(BEN),
        strong_negative_member("p2", "r2"),
        TODAYS_NUMBER,
        None,
    ),
    Falsehood(
        "a strong negative that was never written",
        lambda redis, keys: redis.zadd(
            keys.customer(ANNA), {strong_negative_member("p2", "r3"): int(TODAYS_NUMBER)}
        ),
        lambda keys: keys.customer(ANNA),
        strong_negative_member("p2", "r3"),
        None,
        TODAYS_NUMBER,
    ),
    Falsehood(
        "a customer who is not listed",
        lambda redis, keys: redis.zrem(keys.customers, ANNA),
        lambda keys: keys.customers,
        ANNA,
        TODAYS_NUMBER,
        None,
    ),
    Falsehood(
        "a customer who is listed for one strong negative",
        lambda redis, keys: redis.zadd(keys.customers, {BEN: int(TODAYS_NUMBER)}),
        lambda keys: keys.customers,
        BEN,
        None,
        TODAYS_NUMBER,
    ),
]


def test_a_right_view_with_campaigns_and_customers_is_proved_equal(busy_shop: StoredView) -> None:
    assert busy_shop.redis.zcard(busy_shop.keys.customer(ANNA)) == 2
    assert busy_shop.verify().verdict is Verdict.EQUAL


@pytest.mark.parametrize("falsehood", FALSEHOODS, ids=lambda falsehood: falsehood.name)
def test_a_single_false_thing_is_found(busy_shop: StoredView, falsehood: Falsehood) -> None:
    falsehood.do(busy_shop.redis, busy_shop.keys)

    report = busy_shop.verify()

    wanted = Difference(falsehood.key(busy_shop.keys), falsehood.field, falsehood.expected, falsehood.found)
    assert wanted in report.differences
    assert report.verdict is Verdict.DIFFERENT


def test_customers_of_products_that_move_on_meanwhile_are_no_difference(busy_shop: StoredView) -> None:
    new = [bad("r9", "p1", customer=BEN, minute=1), deleted("r1", "p2", minute=2)]

    def go_on(done: int, total: int) -> None:
        if done == total and new:
            published, new[:] = list(new), []
            busy_shop.apply(published, busy_shop.scored_topic.publish(*published))

    assert busy_shop.verify(progress=go_on).verdict is Verdict.EQUAL
    assert not new


def test_what_is_false_of_a_product_that_moves_on_meanwhile_is_found_by_its_label(
    busy_shop: StoredView,
) -> None:
    new = [scored("r9", "p2", minute=1)]

    def go_on(done: int, total: int) -> None:
        if done == total and new:
            busy_shop.apply(new, busy_shop.scored_topic.publish(*new))
            busy_shop.redis.zrem(busy_shop.keys.customer(BEN), strong_negative_member("p2", "r2"))
            new.clear()

    report = busy_shop.verify(progress=go_on)

    assert [difference.field for difference in report.differences] == [strong_negative_member("p2", "r2")]


def test_strong_negatives_older_than_the_retention_may_be_gone(busy_shop: StoredView) -> None:
    busy_shop.redis.delete(busy_shop.keys.customer(ANNA), busy_shop.keys.customers)

    assert busy_shop.verify(today=TODAY + timedelta(days=90)).verdict is Verdict.DIFFERENT
    assert busy_shop.verify(today=TODAY + timedelta(days=91)).verdict is Verdict.EQUAL
