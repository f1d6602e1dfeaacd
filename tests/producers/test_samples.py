"""The demo's sample data says what the demo needs to show."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from importlib.resources import files
from typing import Any

import pytest

from producers.samples import Sample, samples
from schemas.codec import decode_review
from schemas.dead_letters import DeadLetterReason
from schemas.errors import InvalidEvent
from schemas.events import Channel, Op, ReviewEvent

NOW = datetime(2030, 3, 1, 12, tzinfo=UTC)
FIELDS = {
    *("review_id", "product_id", "op", "text", "rating", "language", "channel"),
    *("campaign_id", "customer_id"),
}


def lines(name: str) -> list[dict[str, Any]]:
    with files("producers.samples").joinpath(name).open(encoding="utf-8") as found:
        return [json.loads(line) for line in found]


def reason_of(sample: Sample) -> DeadLetterReason | None:
    try:
        decode_review(sample.value)
    except InvalidEvent as error:
        return error.reason
    return None


@pytest.fixture(scope="module")
def events() -> list[ReviewEvent]:
    return [decode_review(sample.value) for sample in samples(NOW) if reason_of(sample) is None]


def test_every_line_of_the_reviews_is_a_valid_event_and_has_no_fields_of_its_own(
    events: list[ReviewEvent],
) -> None:
    reviews = lines("reviews.jsonl")

    assert len(events) == len(reviews)
    assert all(set(line) == {"age_hours", "event"} for line in reviews)
    assert all(set(line["event"]) <= FIELDS for line in reviews)


@pytest.mark.parametrize("name", ["reviews.jsonl", "broken.jsonl"])
def test_each_file_is_in_order_of_time(name: str) -> None:
    ages = [line["age_hours"] for line in lines(name)]

    assert ages == sorted(ages, reverse=True)


def test_samples_are_in_order_of_time_over_about_six_weeks() -> None:
    ages = [sample.age_hours for sample in samples(NOW)]

    assert ages == sorted(ages, reverse=True)
    assert 900 < ages[0] - ages[-1] < 1008


def test_there_are_twelve_products_with_enough_texts_to_rank_them(events: list[ReviewEvent]) -> None:
    texts = Counter(event.product_id for event in events)

    assert len(texts) == 12
    assert min(texts.values()) >= 25
    assert texts.total() >= 300


def test_all_channels_speak_and_reviews_are_most_of_it(events: list[ReviewEvent]) -> None:
    channels = Counter(event.channel for event in events)

    assert set(channels) == set(Channel)
    assert 0.6 < channels[Channel.REVIEW] / channels.total() < 0.9


def test_stars_come_with_reviews_and_with_nothing_else(events: list[ReviewEvent]) -> None:
    with_stars = {event.channel for event in events if event.rating is not None}
    reviews_without = [
        event
        for event in events
        if event.channel is Channel.REVIEW and event.op is Op.UPSERT and event.rating is None
    ]

    assert with_stars == {Channel.REVIEW}
    assert not reviews_without


def test_corrections_change_the_text_and_the_stars_of_an_earlier_review_of_the_same_product(
    events: list[ReviewEvent],
) -> None:
    latest: dict[str, ReviewEvent] = {}
    corrections = 0
    for event in events:
        earlier = latest.get(event.review_id)
        if earlier is not None and event.op is Op.UPSERT:
            corrections += 1
            assert event.product_id == earlier.product_id
            assert event.text != earlier.text
            assert event.rating != earlier.rating
        latest[event.review_id] = event

    assert corrections == 8


def test_deletes_take_back_an_earlier_review_of_the_same_product_for_good(events: list[ReviewEvent]) -> None:
    deletes = [(position, event) for position, event in enumerate(events) if event.op is Op.DELETE]

    assert len(deletes) == 2
    for position, delete in deletes:
        of_this_review = [at for at, event in enumerate(events) if event.review_id == delete.review_id]
        assert of_this_review[-1] == position
        assert len(of_this_review) > 1
        assert events[of_this_review[0]].product_id == delete.product_id


def test_no_text_is_used_twice(events: list[ReviewEvent]) -> None:
    texts = [event.text for event in events if event.text is not None]

    assert len(texts) == len(set(texts))


def test_the_headlamp_got_worse_in_the_last_week(events: list[ReviewEvent]) -> None:
    batch_shipped = NOW - timedelta(days=7)
    before: list[float] = []
    after: list[float] = []
    for event in events:
        assert event.created_at is not None
        if event.product_id == "headlamp-x2" and event.rating is not None:
            (before if event.created_at < batch_shipped else after).append(event.rating)

    assert sum(before) / len(before) > 4
    assert sum(after) / len(after) < 2


def test_every_ad_comment_answers_to_a_campaign_and_some_customers_are_unhappy_again_and_again(
    events: list[ReviewEvent],
) -> None:
    campaigns = {event.campaign_id for event in events if event.channel is Channel.AD}
    unhappy = Counter(event.customer_id for event in events if event.customer_id and event.rating == 1)

    assert campaigns == {"spring-outdoors", "home-comfort"}
    assert [count >= 3 for _, count in unhappy.most_common(3)] == [True, True, False]


def test_created_at_is_now_less_the_age_in_utc() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=-8)))

    newest = samples(elsewhere)[-1]
    assert newest.value is not None
    created_at = json.loads(newest.value)["created_at"]

    assert created_at == (NOW - timedelta(hours=newest.age_hours)).isoformat(timespec="milliseconds")


def test_the_key_is_the_product(events: list[ReviewEvent]) -> None:
    keys = [sample.key for sample in samples(NOW) if reason_of(sample) is None]

    assert keys == [event.product_id.encode() for event in events]


def test_broken_records_are_broken_each_in_its_own_way() -> None:
    reasons = [reason for sample in samples(NOW) if (reason := reason_of(sample))]

    assert reasons == [
        DeadLetterReason.NULL_VALUE,
        DeadLetterReason.EMPTY_VALUE,
        DeadLetterReason.INVALID_UTF8,
        DeadLetterReason.INVALID_JSON,
        DeadLetterReason.NOT_AN_OBJECT,
        DeadLetterReason.MISSING_FIELD,
        DeadLetterReason.UNKNOWN_OP,
        DeadLetterReason.UNKNOWN_SCHEMA_VERSION,
        DeadLetterReason.INVALID_FIELD,
        DeadLetterReason.TEXT_TOO_LONG,
        DeadLetterReason.LONE_SURROGATE,
    ]


def test_one_broken_record_has_no_key() -> None:
    assert [sample.key for sample in samples(NOW) if reason_of(sample)].count(None) == 1
