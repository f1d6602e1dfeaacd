"""Events review by review, as a tally takes them, and whether it counts what the fold counts of the same events."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from consumers.aggregate.fold import Fold
from consumers.aggregate.labels import StoredLabel
from consumers.read.recount import scored_at_of
from consumers.read.tally import TalliedEvent, Tally
from schemas.events import ScoredReview
from schemas.redis_keys import Place

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def by_review(events: Sequence[ScoredReview]) -> Mapping[str, list[TalliedEvent]]:
    """The events of each review, which stand one after the other in partition 0."""
    reviews: defaultdict[str, list[TalliedEvent]] = defaultdict(list)
    for offset, event in enumerate(events):
        added = StoredLabel.of(event)
        scored_us = (event.scored_at - _EPOCH) // timedelta(microseconds=1)
        reviews[event.review_id].append(((7, 0, offset), added.encode() if added else "", scored_us))
    return reviews


def assert_equal(tally: Tally, reviews: Mapping[str, list[TalliedEvent]], fold: Fold) -> None:
    """Let the tally count all reviews, and compare labels, counts and when each hash was changed."""
    tallied = {review_id: tally.review(of_review) for review_id, of_review in reviews.items()}

    assert {review_id: label for review_id, (label, _) in tallied.items() if label} == {
        review_id: label.encode() for review_id, label in fold.labels["p1"].items()
    }
    assert {
        (customer, review_id): day
        for review_id, (_, found) in tallied.items()
        for customer, day in found.items()
    } == {
        (customer, review_id): day
        for customer, found in fold.customers.items()
        for (_, review_id), day in found.items()
    }
    assert tally.counts == {Place(*place): counters for (_, *place), counters in fold.counts.items()}
    assert {place: scored_at_of(at) for place, at in tally.updated_us.items()} == {
        Place(*place): at for (_, *place), at in fold.updated_at.items()
    }
