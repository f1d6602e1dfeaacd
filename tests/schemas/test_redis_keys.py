from datetime import date

import pytest
from event_strategies import product_ids
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from schemas.events import Channel
from schemas.redis_keys import (
    Place,
    Ranking,
    ViewKeys,
    campaign_member,
    parse_campaign_member,
    parse_strong_negative_member,
    strong_negative_member,
)

KEYS = ViewKeys()
A_DAY = date(2026, 1, 2)

# Pieces of keys are the ids most likely to make two keys equal.
hostile_ids = st.lists(
    st.sampled_from(["{", "}", "{}", ":", "a", "\n", ":channel:support", ":day:2026-01-02", "}:labels"]),
    min_size=1,
    max_size=6,
).map("".join)
hostile_product_ids = (hostile_ids | product_ids).filter(lambda text: not text.startswith("}"))
prefixes = st.text(max_size=20).filter(lambda text: not set(text) & set("{}"))


def slot(key: str) -> int:
    return key_slot(key.encode())


def keys_of(product_id: str, keys: ViewKeys = KEYS) -> list[str]:
    counts = [
        keys.counts(product_id, channel, day, campaign)
        for channel in Channel
        for day in (None, A_DAY)
        for campaign in (None, "}:labels")
    ]
    return [*counts, keys.labels(product_id), keys.negatives(product_id), keys.applied(product_id)]


@given(product_id=hostile_product_ids, prefix=prefixes)
def test_all_keys_of_a_product_live_in_one_slot(product_id: str, prefix: str) -> None:
    assert len({slot(key) for key in keys_of(product_id, ViewKeys(prefix))}) == 1


@given(prefixes)
def test_products_do_not_all_live_in_one_slot(prefix: str) -> None:
    keys = ViewKeys(prefix)
    assert len({slot(keys.product(f"product-{number}")) for number in range(100)}) > 90


@given(name=st.sampled_from(Ranking), prefix=prefixes)
def test_a_ranking_and_its_revisions_live_in_one_slot(name: Ranking, prefix: str) -> None:
    keys = ViewKeys(prefix)
    assert slot(keys.ranking(name)) == slot(keys.ranking_revisions(name))


days = st.none() | st.dates()
campaigns = st.none() | hostile_ids | product_ids
places = st.tuples(hostile_product_ids, st.sampled_from(Channel), days, campaigns)


@given(one=places, other=places)
def test_no_two_products_channels_days_and_campaigns_share_a_key(
    one: tuple[str, Channel, date | None, str | None], other: tuple[str, Channel, date | None, str | None]
) -> None:
    assert (KEYS.counts(*one) == KEYS.counts(*other)) == (one == other)


@given(places)
def test_a_key_of_counts_says_what_it_counts(place: tuple[str, Channel, date | None, str | None]) -> None:
    product_id, *rest = place
    assert KEYS.parse_product_key(KEYS.counts(*place)) == (product_id, Place(*rest))


@given(hostile_product_ids, hostile_ids | product_ids, st.sampled_from(Channel))
def test_members_of_sorted_sets_are_read_back(product_id: str, review_id: str, channel: Channel) -> None:
    assert parse_strong_negative_member(strong_negative_member(product_id, review_id)) == (
        product_id,
        review_id,
    )
    assert parse_campaign_member(campaign_member(channel, product_id)) == (channel, product_id)


@pytest.mark.parametrize("text", ["", "x:a:b", "1:ab:c", "9:a:b", "01:a:b", "1:a"])
def test_what_is_no_strong_negative_of_a_customer_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"strong negative|literal"):
        parse_strong_negative_member(text)


@given(one=hostile_product_ids, other=hostile_product_ids)
def test_no_two_products_share_any_key(one: str, other: str) -> None:
    assert one == other or not set(keys_of(one)) & set(keys_of(other))


@given(hostile_product_ids)
def test_a_products_keys_are_all_different(product_id: str) -> None:
    keys = keys_of(product_id)
    assert len(set(keys)) == len(keys)


@given(product_id=hostile_product_ids, topic=st.from_regex(r"[a-zA-Z0-9._-]{1,249}", fullmatch=True))
def test_no_product_shares_a_key_with_a_ranking_or_with_offsets(product_id: str, topic: str) -> None:
    shared = {KEYS.offsets(topic), KEYS.marks(topic)}
    for name in Ranking:
        shared |= {KEYS.ranking(name), KEYS.ranking_revisions(name)}
    assert not shared & set(keys_of(product_id))


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (KEYS.counts("p", Channel.REVIEW), "reviewstream:product:{p}"),
        (KEYS.counts("p", Channel.SUPPORT), "reviewstream:product:{p}:channel:support"),
        (KEYS.counts("p", Channel.REVIEW, A_DAY), "reviewstream:product:{p}:day:2026-01-02"),
        (KEYS.counts("p", Channel.AD, A_DAY), "reviewstream:product:{p}:channel:ad:day:2026-01-02"),
        (
            KEYS.counts("p", Channel.AD, A_DAY, "50%:{off}"),
            "reviewstream:product:{p}:channel:ad:campaign:50%25%3A%7Boff%7D:day:2026-01-02",
        ),
        (KEYS.campaigns, "reviewstream:campaigns"),
        (KEYS.campaign("a b"), "reviewstream:campaigns:a%20b"),
        (KEYS.customers, "reviewstream:customers"),
        (KEYS.customer("0" * 32), f"reviewstream:customers:{'0' * 32}"),
        (KEYS.labels("p"), "reviewstream:product:{p}:labels"),
        (KEYS.negatives("p"), "reviewstream:product:{p}:negatives"),
        (KEYS.applied("p"), "reviewstream:product:{p}:applied"),
        (KEYS.ranking(Ranking.STRONG_NEGATIVE), "reviewstream:ranking:strong_negative"),
        (KEYS.ranking_revisions(Ranking.REVIEWS), "{reviewstream:ranking:reviews}:revisions"),
        (KEYS.offsets("reviews.scored"), "reviewstream:offsets:reviews.scored"),
        (KEYS.marks("reviews.scored"), "reviewstream:marks:reviews.scored"),
    ],
)
def test_the_names_that_dashboards_read_stay(key: str, name: str) -> None:
    assert key == name
