"""The counting rules, against a naive recount and in the cases that are easy to get wrong."""

from collections import Counter as Tally
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st
from scored_events import START, deleted, scored

from consumers.aggregate.contribution import Contribution
from consumers.aggregate.fold import CountsKey, Fold
from consumers.aggregate.labels import StoredLabel
from schemas.events import Channel, Intensity, Label, ScoredReview
from schemas.redis_keys import Counter, Ranking

TOPIC = "reviews.scored"
DAY = START.date()


def fold(*events: ScoredReview, negatives_kept: int = 100) -> Fold:
    folded = Fold(negatives_kept)
    for offset, event in enumerate(events):
        folded.apply(event, TOPIC, 0, offset)
    return folded


def nonzero(counts: dict[CountsKey, dict[Counter, int]]) -> dict[CountsKey, dict[Counter, int]]:
    return {
        key: {counter: value for counter, value in counters.items() if value}
        for key, counters in counts.items()
        if any(counters.values())
    }


def added_by(event: ScoredReview) -> Contribution:
    contribution = Contribution.of(event)
    assert contribution is not None
    return contribution


def negative(review_id: str) -> ScoredReview:
    return scored(review_id, label=Label.NEGATIVE, score=0.1)


class Stored(NamedTuple):
    partition: int
    offset: int
    event: ScoredReview


products = st.sampled_from(["p1", "p2", "p3"])
review_ids = st.sampled_from(["r1", "r2", "r3"])
upserts = st.builds(
    scored,
    review_ids,
    products,
    label=st.sampled_from(Label),
    intensity=st.sampled_from(Intensity),
    score=st.integers(0, 1_000_000).map(lambda micros: micros / 1_000_000),
    needs_review=st.booleans(),
    channel=st.sampled_from(Channel),
    created_at=st.integers(-40, 40).map(lambda hours: START + timedelta(hours=hours)),
    campaign_id=st.sampled_from([None, "summer", "winter"]),
    customer_hash=st.sampled_from([None, "0" * 32, "f" * 32]),
)
events = st.one_of(upserts, upserts, st.builds(deleted, review_ids, products))


@st.composite
def topics_and_deliveries(draw: st.DrawFn) -> tuple[list[Stored], list[Stored]]:
    """A topic of two partitions, and how it is delivered: in order, with returns to any earlier place."""
    topic: list[Stored] = []
    for event in draw(st.lists(events, max_size=30)):
        partition = int(event.product_id == "p3")
        topic.append(Stored(partition, sum(stored.partition == partition for stored in topic), event))
    deliveries: list[Stored] = []
    position = 0
    while position < len(topic):
        until = draw(st.integers(position + 1, len(topic)))
        deliveries += topic[position:until]
        position = draw(st.integers(0, until)) if draw(st.booleans()) else until
        if len(deliveries) > 200:
            deliveries += topic[position:]
            break
    return topic, deliveries


def recount(topic: Sequence[Stored]) -> dict[CountsKey, dict[Counter, int]]:
    """What the last event of each review says, and nothing else."""
    last = {(stored.event.product_id, stored.event.review_id): stored.event for stored in topic}
    counts: dict[CountsKey, Tally[Counter]] = {}
    for (product_id, _), event in last.items():
        contribution = Contribution.of(event)
        if contribution is not None:
            for day in (None, contribution.day):
                key = (product_id, contribution.channel, day)
                counts.setdefault(key, Tally()).update(contribution.increments())
                if event.campaign_id is not None:
                    counts.setdefault((*key, event.campaign_id), Tally()).update(contribution.increments())
    return nonzero({key: dict(counters) for key, counters in counts.items()})


def strong_negatives(topic: Sequence[Stored]) -> set[tuple[str, str, str]]:
    """Customer, product and review of each last event that is a strong negative."""
    last = {(stored.event.product_id, stored.event.review_id): stored.event for stored in topic}
    return {
        (event.customer_hash, *review)
        for review, event in last.items()
        if event.customer_hash and event.sentiment and added_by(event).strong_negative
    }


@given(topics_and_deliveries())
def test_any_delivery_with_replays_counts_the_last_word_on_each_review(
    case: tuple[list[Stored], list[Stored]],
) -> None:
    topic, deliveries = case
    folded = Fold()

    for partition, offset, event in deliveries:
        folded.apply(event, TOPIC, partition, offset)

    assert nonzero(folded.counts) == recount(topic)
    assert {
        (customer, *review) for customer, reviews in folded.customers.items() for review in reviews
    } == strong_negatives(topic)


@given(topics_and_deliveries())
def test_replays_change_nothing_at_all(case: tuple[list[Stored], list[Stored]]) -> None:
    topic, deliveries = case
    once, replayed = Fold(), Fold()

    for partition, offset, event in topic:
        once.apply(event, TOPIC, partition, offset)
    for partition, offset, event in deliveries:
        replayed.apply(event, TOPIC, partition, offset)

    assert vars(replayed) == vars(once)


def test_a_correction_moves_a_review_from_its_old_channel_and_day_to_the_new() -> None:
    folded = fold(
        scored(channel=Channel.SUPPORT, created_at=START - timedelta(days=1)),
        scored(label=Label.NEGATIVE, score=0.2),
    )

    assert nonzero(folded.counts) == {
        ("p1", Channel.REVIEW, day): {
            Counter.REVIEWS: 1,
            Counter.NEGATIVE: 1,
            Counter.STRONG_NEGATIVE: 1,
            Counter.SCORE_SUM: 200_000,
        }
        for day in (None, DAY)
    }


def test_what_is_taken_back_leaves_zeros_and_the_time_of_taking() -> None:
    folded = fold(scored(minute=1), deleted(minute=2))

    for day in (None, DAY):
        assert folded.counts["p1", Channel.REVIEW, day] == dict.fromkeys(Counter, 0)
        assert folded.updated_at["p1", Channel.REVIEW, day] == "2026-03-01T12:02:00+00:00"


def test_a_hash_that_an_event_did_not_touch_keeps_its_time() -> None:
    yesterday = START - timedelta(days=1)

    folded = fold(scored("r1", created_at=yesterday, minute=1), scored("r2", minute=2))

    assert folded.updated_at["p1", Channel.REVIEW, yesterday.date()] == "2026-03-01T12:01:00+00:00"
    assert folded.updated_at["p1", Channel.REVIEW, None] == "2026-03-01T12:02:00+00:00"


def test_a_delete_of_an_unknown_review_is_applied_and_counts_nothing() -> None:
    folded = fold(deleted("unknown"))

    assert folded.counts == {}
    assert folded.applied == {"p1": {"reviews.scored:0": 0}}


def test_the_same_review_id_of_another_product_is_another_review() -> None:
    folded = fold(scored("r1", "p1"), scored("r1", "p2"))

    assert folded.counts["p1", Channel.REVIEW, None][Counter.REVIEWS] == 1
    assert folded.counts["p2", Channel.REVIEW, None][Counter.REVIEWS] == 1


def test_a_delete_before_the_review_does_not_hold_it_back() -> None:
    folded = fold(deleted("r1"), scored("r1"))

    assert folded.counts["p1", Channel.REVIEW, None][Counter.REVIEWS] == 1


def test_a_second_delete_takes_nothing_more_back() -> None:
    folded = fold(scored("r1"), scored("r2"), deleted("r1"), deleted("r1"))

    assert folded.counts["p1", Channel.REVIEW, None][Counter.REVIEWS] == 1


def test_a_review_that_comes_after_its_delete_counts_again() -> None:
    folded = fold(scored("r1"), deleted("r1"), scored("r1", label=Label.NEGATIVE))

    assert folded.counts["p1", Channel.REVIEW, None][Counter.NEGATIVE] == 1


def test_the_order_in_the_topic_decides_not_the_times_that_events_carry() -> None:
    newer = scored("r1", label=Label.POSITIVE, created_at=START, minute=9)
    older = scored("r1", label=Label.NEGATIVE, created_at=START - timedelta(days=1), minute=1)

    folded = fold(newer, older)

    assert folded.labels["p1"] == {"r1": StoredLabel(added_by(older))}


def test_a_review_that_changes_its_product_without_a_delete_is_counted_under_both() -> None:
    folded = fold(scored("r1", "old"), scored("r1", "new"))

    assert {folded.counts[product, Channel.REVIEW, None][Counter.REVIEWS] for product in ("old", "new")} == {
        1
    }


def test_a_delete_under_the_old_product_completes_the_change() -> None:
    folded = fold(scored("r1", "old"), scored("r1", "new"), deleted("r1", "old"))

    assert folded.counts["old", Channel.REVIEW, None][Counter.REVIEWS] == 0
    assert folded.counts["new", Channel.REVIEW, None][Counter.REVIEWS] == 1


def test_each_partition_has_its_own_applied_offset() -> None:
    folded = Fold()

    folded.apply(scored("r1"), TOPIC, 0, 7)
    folded.apply(scored("r2"), TOPIC, 1, 3)

    assert folded.applied["p1"] == {"reviews.scored:0": 7, "reviews.scored:1": 3}
    assert set(folded.labels["p1"]) == {"r1", "r2"}


def test_many_scores_sum_without_rounding() -> None:
    folded = fold(*(scored(f"r{number}", score=0.1) for number in range(1000)))

    assert folded.counts["p1", Channel.REVIEW, None][Counter.SCORE_SUM] == 100_000_000


def test_rankings_hold_channel_review_only_and_keep_zeros() -> None:
    folded = fold(
        scored("r1", "praised"),
        scored("r2", "panned", label=Label.NEGATIVE),
        scored("r3", "supported", channel=Channel.SUPPORT),
        scored("r4", "gone"),
        deleted("r4", "gone"),
    )

    assert folded.ranking(Ranking.REVIEWS) == {"praised": 1, "panned": 1, "gone": 0}
    assert folded.ranking(Ranking.STRONG_NEGATIVE) == {"praised": 0, "panned": 1, "gone": 0}


def test_the_latest_strong_negatives_stand_first_up_to_the_cap() -> None:
    folded = fold(*(negative(f"r{number}") for number in range(4)), negatives_kept=3)

    assert folded.negatives["p1"] == ["r3", "r2", "r1"]


def test_a_corrected_or_deleted_strong_negative_leaves_the_list() -> None:
    folded = fold(negative("r1"), negative("r2"), negative("r3"), scored("r1"), deleted("r2"))

    assert folded.negatives["p1"] == ["r3"]


def test_a_strong_negative_that_stays_one_moves_to_the_front() -> None:
    folded = fold(negative("r1"), negative("r2"), negative("r1"))

    assert folded.negatives["p1"] == ["r1", "r2"]


def test_weak_negatives_are_not_listed() -> None:
    folded = fold(scored(label=Label.NEGATIVE, intensity=Intensity.WEAK))

    assert folded.negatives["p1"] == []


def test_days_are_counted_in_every_channel() -> None:
    folded = fold(scored(channel=Channel.SOCIAL))

    assert set(folded.counts) == {("p1", Channel.SOCIAL, None), ("p1", Channel.SOCIAL, date(2026, 3, 1))}
