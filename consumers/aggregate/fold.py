"""The counting rules in plain Python: what Redis must hold once some events of ``reviews.scored`` are applied.

It shares no code with the script that counts inside Redis, so that each can be checked against the other.
"""

from collections import defaultdict
from datetime import date

from consumers.aggregate.contribution import Contribution
from consumers.aggregate.labels import StoredLabel, scored_day
from schemas.events import Channel, ScoredReview
from schemas.redis_keys import Counter, Ranking

CountsKey = tuple[str, Channel, date | None]
"""Product, channel and a day of ``created_at`` (UTC); None for all days."""

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

    def __init__(self, negatives_kept: int = 100, label_retention: int | None = None) -> None:
        self._negatives_kept = negatives_kept
        self._label_retention = label_retention
        self.counts: dict[CountsKey, dict[Counter, int]] = {}
        """Every counter of each hash; ``score_sum`` in micro-units."""
        self.updated_at: dict[CountsKey, str] = {}
        """``scored_at`` of the last event that changed the hash."""
        self.labels: defaultdict[str, dict[str, StoredLabel]] = defaultdict(dict)
        """Of each product: review id -> what is counted for it, as long as that is remembered."""
        self.clocks: dict[str, int] = {}
        """Of each product, where labels are forgotten: the latest day of ``scored_at``, in days since 1970-01-01."""
        self.applied: defaultdict[str, dict[str, int]] = defaultdict(dict)
        """Of each product: ``<topic>:<partition>`` -> last applied offset."""
        self.negatives: defaultdict[str, list[str]] = defaultdict(list)
        """Of each product: review ids of the latest strong negatives, newest first."""

    def apply(self, scored: ScoredReview, topic: str, partition: int, offset: int) -> None:
        """Count the event that stands at this place in ``topic``."""
        applied = self.applied[scored.product_id]
        place = f"{topic}:{partition}"
        if offset <= applied.get(place, -1):
            return
        applied[place] = offset

        self._turn_clock(scored)
        labels = self.labels[scored.product_id]
        old = labels.pop(scored.review_id, None)
        if old is not None:
            self._add(scored, old.contribution, -1)
        new = Contribution.of(scored)
        if new is None or (old is not None and old.contribution.strong_negative):
            self._forget_negative(scored)
        if new is not None:
            labels[scored.review_id] = StoredLabel(new, self.clocks.get(scored.product_id))
            self._add(scored, new, +1)
            if new.strong_negative:
                self._remember_negative(scored)

    def ranking(self, name: Ranking) -> dict[str, int]:
        """Product -> absolute count; a product stays with 0 when its last review is taken back."""
        return {
            product_id: counters[_RANKED_BY[name]]
            for (product_id, channel, day), counters in self.counts.items()
            if channel is Channel.REVIEW and day is None
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

    def _add(self, scored: ScoredReview, contribution: Contribution, sign: int) -> None:
        for day in (None, contribution.day):
            key = (scored.product_id, contribution.channel, day)
            counters = self.counts.setdefault(key, dict.fromkeys(Counter, 0))
            for counter, amount in contribution.increments().items():
                counters[counter] += sign * amount
            self.updated_at[key] = scored.scored_at.isoformat()

    def _remember_negative(self, scored: ScoredReview) -> None:
        negatives = self.negatives[scored.product_id]
        negatives.insert(0, scored.review_id)
        del negatives[self._negatives_kept :]

    def _forget_negative(self, scored: ScoredReview) -> None:
        negatives = self.negatives[scored.product_id]
        negatives[:] = [review_id for review_id in negatives if review_id != scored.review_id]
