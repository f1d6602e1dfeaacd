"""The counting rules for events that come review by review: what ``Fold`` counts, without its memory.

The counts of a product are the sum of what its reviews count last, so no event has to meet another review's. A
property test holds this to ``Fold``.
"""

from collections.abc import Iterable, Mapping

from consumers.aggregate.contribution import Contribution
from schemas.redis_keys import Counter, Place

Moment = tuple[int, int, int]
"""Merged record time in milliseconds, partition, offset: the order in which events count."""

TalliedEvent = tuple[Moment, str, int]
"""When it counts, the code of what it adds ("" for a delete), and ``scored_at`` in microseconds since 1970."""


class Tally:
    """One product. Memory grows with its channels and days, not with its reviews."""

    def __init__(self) -> None:
        self.counts: dict[Place, dict[Counter, int]] = {}
        """Every counter of each hash that was ever counted into; ``score_sum`` in micro-units."""
        self._touched: dict[Place, tuple[Moment, int]] = {}

    def review(self, events: Iterable[TalliedEvent]) -> str:
        """Count all events of one review, in their order; returns the code of what is counted in the end, "" for nothing."""
        code, current = "", None
        for moment, new_code, scored_us in events:
            for contribution in (current, new := Contribution.decode(new_code) if new_code else None):
                if contribution is not None:
                    self._touch(contribution, moment, scored_us)
            code, current = new_code, new
        if current is not None:
            for place in _places(current):
                counters = self.counts[place]
                for counter, amount in current.increments().items():
                    counters[counter] += amount
        return code

    @property
    def updated_us(self) -> Mapping[Place, int]:
        """``scored_at`` of the last event that changed each hash, in microseconds since 1970."""
        return {place: scored_us for place, (_, scored_us) in self._touched.items()}

    def _touch(self, contribution: Contribution, moment: Moment, scored_us: int) -> None:
        for place in _places(contribution):
            self.counts.setdefault(place, dict.fromkeys(Counter, 0))
            self._touched[place] = max(self._touched.get(place, (moment, scored_us)), (moment, scored_us))


def _places(contribution: Contribution) -> tuple[Place, Place]:
    return Place(contribution.channel, None), Place(contribution.channel, contribution.day)
