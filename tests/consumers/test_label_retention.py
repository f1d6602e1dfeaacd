"""What counts where labels are forgotten after some days: the fold and the tally, against the rule told plainly."""

from collections import Counter as Amounts
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scored_days import MINUTES_A_DAY, counted, minutes_of_many_days, remembered, retentions
from scored_events import START, deleted, scored
from tallies import assert_equal, by_review

from consumers.aggregate.contribution import Contribution
from consumers.aggregate.fold import Fold
from consumers.aggregate.labels import StoredLabel
from consumers.read.clock import Clock
from consumers.read.tally import Tally
from schemas.events import Channel, Intensity, Label, ScoredReview
from schemas.redis_keys import Counter, Place

WEEK = 7
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

review_ids = st.sampled_from(["r1", "r2", "r3"])
upserts = st.builds(
    scored,
    review_ids,
    label=st.sampled_from(Label),
    intensity=st.sampled_from(Intensity),
    score=st.integers(0, 1_000_000).map(lambda micros: micros / 1_000_000),
    channel=st.sampled_from(Channel),
    created_at=st.integers(-2, 14).map(lambda days: START + timedelta(days=days)),
    minute=minutes_of_many_days,
    campaign_id=st.sampled_from([None, "summer"]),
    customer_hash=st.sampled_from([None, "0" * 32, "f" * 32]),
)
histories = st.lists(upserts | st.builds(deleted, review_ids, minute=minutes_of_many_days), max_size=25)


def fold(events: Sequence[ScoredReview], retention: int | None = WEEK) -> Fold:
    folded = Fold(label_retention=retention)
    for offset, event in enumerate(events):
        folded.apply(event, "reviews.scored", 0, offset)
    return folded


def reviews(folded: Fold) -> int:
    return folded.counts["p1", Channel.REVIEW, None][Counter.REVIEWS]


def added_by(event: ScoredReview) -> Contribution:
    contribution = Contribution.of(event)
    assert contribution is not None
    return contribution


def on_day(day: int) -> int:
    return day * MINUTES_A_DAY


@given(histories, retentions)
def test_the_fold_counts_what_nothing_took_back_in_time(
    events: list[ScoredReview], retention: int | None
) -> None:
    folded = fold(events, retention)

    expected: defaultdict[Place, Amounts[Counter]] = defaultdict(Amounts)
    for at in counted(events, retention):
        contribution = added_by(events[at])
        for day in (None, contribution.day):
            for campaign_id in {None, events[at].campaign_id}:
                place = Place(contribution.channel, day, campaign_id)
                expected[place].update(contribution.increments())
    assert {
        Place(*place): +Amounts(counters)
        for (_, *place), counters in folded.counts.items()
        if any(counters.values())
    } == {place: +amounts for place, amounts in expected.items()}
    assert {review_id: label.contribution for review_id, label in folded.labels["p1"].items()} == {
        events[at].review_id: added_by(events[at]) for at in remembered(events, retention)
    }


@given(histories, retentions, st.data())
def test_a_replay_from_anywhere_changes_nothing(
    events: list[ScoredReview], retention: int | None, data: st.DataObject
) -> None:
    once, replayed = fold(events, retention), Fold(label_retention=retention)
    at = 0
    for stop in sorted({*data.draw(st.sets(st.integers(0, len(events)), max_size=4)), len(events)}):
        start = data.draw(st.integers(0, at))
        for offset in range(start, stop):
            replayed.apply(events[offset], "reviews.scored", 0, offset)
        at = stop

    assert vars(replayed) == vars(once)


@given(histories, st.sampled_from([1, 2, 5, 40]))
def test_a_tally_of_the_reviews_equals_a_fold_of_the_events(
    events: list[ScoredReview], retention: int
) -> None:
    reviews = by_review(events)
    times = sorted(
        (moment, scored_us) for of_review in reviews.values() for moment, _, scored_us in of_review
    )

    assert_equal(Tally(Clock(retention, times)), reviews, fold(events, retention))


def test_a_correction_in_time_replaces_and_a_late_one_counts_as_another_review() -> None:
    first, other = scored("r1"), scored("r2", minute=on_day(WEEK))

    in_time = fold([first, other, scored("r1", label=Label.NEGATIVE, minute=on_day(WEEK))])
    late = fold([first, other, scored("r1", label=Label.NEGATIVE, minute=on_day(WEEK + 1))])

    assert (reviews(in_time), reviews(late)) == (2, 3)


def test_a_delete_in_time_takes_back_and_a_late_one_leaves_the_review_counted() -> None:
    in_time = fold([scored("r1"), deleted("r1", minute=on_day(WEEK))])
    late = fold([scored("r1"), deleted("r1", minute=on_day(WEEK + 1))])

    assert (reviews(in_time), reviews(late)) == (0, 1)


def test_a_late_delete_takes_the_text_from_the_list_of_negatives_nevertheless() -> None:
    negative = scored("r1", label=Label.NEGATIVE, score=0.1)
    again = scored("r1", label=Label.NEGATIVE, score=0.1, minute=on_day(WEEK + 1))

    listed = fold([negative, again])
    deleted_late = fold([negative, again, deleted("r1", minute=on_day(2 * WEEK + 2))])

    assert (listed.negatives["p1"], deleted_late.negatives["p1"]) == (["r1", "r1"], [])


def test_any_event_of_the_product_turns_its_clock_also_a_delete_of_nothing() -> None:
    folded = fold([scored("r1"), deleted("unknown", minute=on_day(WEEK + 1))])

    assert folded.labels["p1"] == {}
    assert reviews(folded) == 1


def test_events_of_another_product_forget_nothing() -> None:
    folded = fold([scored("r1", "p1"), scored("r1", "p2", minute=on_day(WEEK + 1)), deleted("r1", "p1")])

    assert reviews(folded) == 0


def test_a_clock_that_was_once_too_fast_forgets_what_lay_before_and_not_what_comes() -> None:
    too_fast = scored("r2", minute=on_day(1000))

    folded = fold([scored("r1"), too_fast, scored("r3"), deleted("r1"), deleted("r3")])

    assert reviews(folded) == 2  # r1, whose delete found it forgotten, and r2


def test_what_created_at_says_forgets_nothing() -> None:
    archived = scored("r1", created_at=START - timedelta(days=4000))
    far_ahead = scored("r2", created_at=START + timedelta(days=4000))

    folded = fold([archived, far_ahead, deleted("r1"), deleted("r2")])

    assert reviews(folded) == 0


@given(upserts, st.integers(-1000, 30_000))
def test_every_label_reads_back_as_what_was_stored(event: ScoredReview, clock: int) -> None:
    label = StoredLabel(added_by(event), clock)

    assert StoredLabel.decode(label.encode(), forgets=True) == label


def test_a_label_that_was_counted_on_the_day_of_its_review_takes_no_byte_more() -> None:
    contribution = added_by(scored(score=0.934512, created_at=START))
    today = (START - EPOCH) // timedelta(days=1)

    assert StoredLabel(contribution, today).encode() == contribution.encode()
    assert StoredLabel(contribution, today + 12).encode() == f"{contribution.encode()}@12"


@pytest.mark.parametrize(
    "text", ["rPk12ofvk@", "rPk12ofvk@0", "rPk12ofvk@+1", "rPk12ofvk@01", "rPk12ofvk@1@1"]
)
def test_what_is_no_label_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- whatever it says, verify shows it as a difference
        StoredLabel.decode(text, forgets=True)


def test_a_view_that_never_forgets_has_no_days_in_its_labels() -> None:
    with pytest.raises(ValueError, match="never forgets"):
        StoredLabel.decode("rPk12ofvk@1", forgets=False)
