"""The counting rules in plain Python: what Redis must hold once some events of ``reviews.scored`` are applied.

It shares no code with the script that counts inside Redis, so that each can be checked against the other.
"""

from collections import defaultdict
from datetime import date

from consumers.aggregate.contribution import Contribution
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

    def __init__(self, negatives_kept: int = 100) -> None:
        self._negatives_kept = negatives_kept
        self.counts: dict[CountsKey, dict[Counter, int]] = {}
        """Every counter of each hash; ``score_sum`` in micro-units."""
        self.updated_at: dict[CountsKey, str] = {}
        """``scored_at`` of the last event that changed the hash."""
        self.labels: defaultdict[str, dict[str, Contribution]] = defaultdict(dict)
        """Of each product: review id -> what is counted for it."""
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

        labels = self.labels[scored.product_id]
        old = labels.pop(scored.review_id, None)
        if old is not None:
            self._add(scored, old, -1)
            self._forget_negative(scored)
        new = Contribution.of(scored)
        if new is not None:
            labels[scored.review_id] = new
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
        if scored.review_id in negatives:
            negatives.remove(scored.review_id)
