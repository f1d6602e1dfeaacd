"""The counting rules in plain Python: what Redis must hold once some events of ``reviews.scored`` are applied.

It shares no code with the script that counts inside Redis, so that each can be checked against the other.
"""

from collections import defaultdict
from datetime import date

from consumers.aggregate.contribution import Contribution, Meaning, days_since_1970
from consumers.aggregate.labels import Origin, StoredLabel, scored_day
from consumers.aggregate.negatives import is_uncertain
from consumers.aggregate.relabel import meaning_of
from schemas.events import Channel, ScoredReview
from schemas.labels import ReviewLabel
from schemas.redis_keys import Counter, Ranking

CountsKey = tuple[str, Channel, date | None] | tuple[str, Channel, date | None, str]
"""Product, channel and a day of ``created_at`` (UTC), None for all days; and the campaign, if it is what one brought."""

_RANKED_BY = {
    Ranking.REVIEWS: Counter.REVIEWS,
    Ranking.POSITIVE: Counter.POSITIVE,
    Ranking.NEGATIVE: Counter.NEGATIVE,
    Ranking.STRONG_NEGATIVE: Counter.STRONG_NEGATIVE,
}


class Fold:
    """Applies scored reviews one by one; events at or below an applied offset of their product change nothing.

    Memory grows with the products and with the review ids that are counted, not with the events.
    """

    def __init__(
        self, negatives_kept: int = 100, label_retention: int | None = None, uncertain_kept: int = 0
    ) -> None:
        self._negatives_kept = negatives_kept
        self._uncertain_kept = uncertain_kept
        self._label_retention = label_retention
        self.counts: dict[CountsKey, dict[Counter, int]] = {}
        """Every counter of each hash; ``score_sum`` in micro-units."""
        self.updated_at: dict[CountsKey, str] = {}
        """``scored_at`` of the last event that changed the hash."""
        self.labels: defaultdict[str, dict[str, StoredLabel]] = defaultdict(dict)
        """Of each product: review id -> what the model said of it, as long as that is remembered."""
        self.relabels: defaultdict[str, dict[tuple[str, Contribution], Meaning]] = defaultdict(dict)
        """Of each product: review id and what the model said -> what a person says instead."""
        self.customers: dict[str, dict[tuple[str, str], int]] = {}
        """Of the hash of each customer who has any: product and review of each strong negative -> day of ``created_at`` since 1970-01-01."""
        self.clocks: dict[str, int] = {}
        """Of each product, where labels are forgotten: the latest day of ``scored_at``, in days since 1970-01-01."""
        self.applied: defaultdict[str, dict[str, int]] = defaultdict(dict)
        """Of each product: ``<topic>:<partition>`` -> last applied offset."""
        self.negatives: defaultdict[str, list[str]] = defaultdict(list)
        """Of each product: review ids of the latest strong negatives, newest first."""
        self.uncertain: defaultdict[str, list[str]] = defaultdict(list)
        """Of each product: review ids of the latest uncertain reviews, newest first."""

    def apply(self, scored: ScoredReview, topic: str, partition: int, offset: int) -> None:
        """Count the event that stands at this place in ``topic``."""
        if not self._is_new(scored.product_id, f"{topic}:{partition}", offset):
            return
        self._turn_clock(scored)
        labels = self.labels[scored.product_id]
        old = labels.pop(scored.review_id, None)
        if old is not None:
            self._add(scored, old, -1)
        label = StoredLabel.of(scored, self.clocks.get(scored.product_id))
        new = None if label is None else label.contribution
        if new is None or (old is not None and old.contribution.strong_negative):
            _take_out(self.negatives[scored.product_id], scored.review_id)
        if new is None or (old is not None and old.contribution.needs_review):
            _take_out(self.uncertain[scored.product_id], scored.review_id)
        if label is not None and new is not None:
            labels[scored.review_id] = label
            self._add(scored, label, +1)
            if new.strong_negative:
                _put_first(self.negatives[scored.product_id], scored.review_id, self._negatives_kept)
            elif is_uncertain(scored):
                _put_first(self.uncertain[scored.product_id], scored.review_id, self._uncertain_kept)

    def relabel(self, event: ReviewLabel, topic: str, partition: int, offset: int) -> None:
        """Count what a person says, in place of what it says the model said; it stands at this place in ``topic``.

        Only where labels are never forgotten.
        """
        if not self._is_new(event.product_id, f"{topic}:{partition}", offset):
            return
        product_id, review_id, judged = event.product_id, event.review_id, Contribution.judged(event.scored)
        label = self.labels[product_id].get(review_id)
        stands = label is not None and label.contribution == judged
        before = self._as_counted(product_id, review_id, judged)
        meaning = meaning_of(event)
        if meaning is None:
            self.relabels[product_id].pop((review_id, judged), None)
        else:
            self.relabels[product_id][review_id, judged] = meaning
        if label is not None and stands:
            self._count(product_id, review_id, label.origin, before, -1)
            after = self._as_counted(product_id, review_id, judged)
            self._count(product_id, review_id, label.origin, after, +1)

    def ranking(self, name: Ranking) -> dict[str, int]:
        """Product -> absolute count; a product stays with 0 when its last review is taken back."""
        return {
            product_id: counters[_RANKED_BY[name]]
            for (product_id, *place), counters in self.counts.items()
            if place == [Channel.REVIEW, None]
        }

    def _turn_clock(self, scored: ScoredReview) -> None:
        """Let the event's day forget what lies too far back."""
        retention, product_id = self._label_retention, scored.product_id
        if retention is None:
            return
        clock = self.clocks[product_id] = max(
            scored_day(scored), self.clocks.get(product_id, scored_day(scored))
        )
        self.labels[product_id] = {
            review_id: label
            for review_id, label in self.labels[product_id].items()
            if not label.is_forgotten(clock, retention)
        }

    def _is_new(self, product_id: str, place: str, offset: int) -> bool:
        applied = self.applied[product_id]
        if offset <= applied.get(place, -1):
            return False
        applied[place] = offset
        return True

    def _as_counted(self, product_id: str, review_id: str, said: Contribution) -> Contribution:
        return said.relabelled(self.relabels[product_id].get((review_id, said)))

    def _add(self, scored: ScoredReview, label: StoredLabel, sign: int) -> None:
        counted = self._as_counted(scored.product_id, scored.review_id, label.contribution)
        for key in self._count(scored.product_id, scored.review_id, label.origin, counted, sign):
            self.updated_at[key] = scored.scored_at.isoformat()

    def _count(
        self, product_id: str, review_id: str, origin: Origin, contribution: Contribution, sign: int
    ) -> list[CountsKey]:
        """Count it, and return the hashes that it is counted in."""
        if origin.customer is not None and contribution.strong_negative:
            of_customer = self.customers.pop(origin.customer, {})
            of_customer.pop((product_id, review_id), None)
            if sign > 0:
                of_customer[product_id, review_id] = days_since_1970(contribution.day)
            if of_customer:
                self.customers[origin.customer] = of_customer
        keys: list[CountsKey] = [(product_id, contribution.channel, day) for day in (None, contribution.day)]
        if origin.campaign_id is not None:
            keys += [(*key, origin.campaign_id) for key in keys]
        for key in keys:
            counters = self.counts.setdefault(key, dict.fromkeys(Counter, 0))
            for counter, amount in contribution.increments().items():
                counters[counter] += sign * amount
        return keys


def _put_first(latest: list[str], review_id: str, kept: int) -> None:
    latest.insert(0, review_id)
    del latest[kept:]


def _take_out(latest: list[str], review_id: str) -> None:
    latest[:] = [one for one in latest if one != review_id]
