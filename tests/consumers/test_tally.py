"""Counting review by review gives what counting event by event gives."""

from datetime import timedelta
from itertools import count

from hypothesis import given
from hypothesis import strategies as st
from scored_events import START, deleted, scored
from tallies import assert_equal, by_review

from consumers.aggregate.fold import Fold
from consumers.read.tally import TalliedEvent, Tally
from schemas.events import Channel, Intensity, Label, ScoredReview

MINUTE_US = 60_000_000
START_US = int(START.timestamp()) * 1_000_000

review_ids = st.sampled_from(["r1", "r2", "r3"])
minutes = st.integers(0, 50)
upserts = st.builds(
    scored,
    review_ids,
    label=st.sampled_from(Label),
    intensity=st.sampled_from(Intensity),
    score=st.integers(0, 1_000_000).map(lambda micros: micros / 1_000_000),
    needs_review=st.booleans(),
    channel=st.sampled_from(Channel),
    created_at=st.integers(-2, 2).map(lambda days: START + timedelta(days=days)),
    minute=minutes,
    campaign_id=st.sampled_from([None, "summer", "winter"]),
    customer_hash=st.sampled_from([None, "0" * 32, "f" * 32]),
)
deletes = st.builds(deleted, review_ids, minute=minutes)


@given(st.lists(upserts | deletes, max_size=25))
def test_a_tally_of_the_reviews_equals_a_fold_of_the_events(events: list[ScoredReview]) -> None:
    fold = Fold()
    for offset, event in enumerate(events):
        fold.apply(event, "reviews.scored", 0, offset)

    assert_equal(Tally(), by_review(events), fold)


def test_the_last_event_of_all_reviews_says_when_a_hash_was_changed() -> None:
    tally, offsets = Tally(), count()
    code = "rPk12ofvk"

    def at(minute: int) -> TalliedEvent:
        return (1, 0, next(offsets)), code, START_US + minute * MINUTE_US

    earlier, later = at(5), at(3)
    tally.review([later])
    tally.review([earlier])

    assert set(tally.updated_us.values()) == {START_US + 3 * MINUTE_US}
