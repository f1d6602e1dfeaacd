"""The counting rules for events that come review by review: what ``Fold`` counts, without its memory.

The counts of a product are the sum of what its reviews count last, so no event has to meet another review's. Where labels
are forgotten, others matter by the product's clock alone. A property test holds this to ``Fold``.
"""

from collections.abc import Iterable, Mapping

from consumers.aggregate.contribution import Contribution
from consumers.aggregate.labels import StoredLabel
from consumers.aggregate.relabel import as_people_say
from consumers.read.clock import Clock, Moment
from schemas.redis_keys import Counter, Place

TalliedEvent = tuple[Moment, str, int]
"""When it counts, the code of what it adds ("" for a delete), and ``scored_at`` in microseconds since 1970."""


class Tally:
    """One product. Memory grows with its channels and days, not with its reviews.

    Args:
        clock: of the product, where labels are forgotten.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock
        self.counts: dict[Place, dict[Counter, int]] = {}
        """Every counter of each hash that was ever counted into; ``score_sum`` in micro-units."""
        self._touched: dict[Place, tuple[Moment, int]] = {}

    def review(self, events: Iterable[TalliedEvent], said: Mapping[str, str] | None = None) -> str:
        """Count all events of one review.

        Args:
            events: what the model said, in its order.
            said: code of what the model said -> letter of what a person says instead.

        Returns:
            The label that is remembered in the end, "" for none.
        """
        clock, current = self._clock, None
        for moment, code, scored_us in events:
            if clock and current and clock.forgets(current, moment):
                self._add(current.contribution)
                current = None
            new = (
                StoredLabel(Contribution.decode(code), clock.at(moment) if clock else None) if code else None
            )
            for label in (current, new):
                if label is not None:
                    self._touch(label.contribution, moment, scored_us)
            current = new
        if current is None:
            return ""
        self._add(as_people_say(current.contribution, said or {}))
        return "" if clock and clock.forgets(current) else current.encode()

    @property
    def updated_us(self) -> Mapping[Place, int]:
        """``scored_at`` of the last event that changed each hash, in microseconds since 1970."""
        return {place: scored_us for place, (_, scored_us) in self._touched.items()}

    def _add(self, contribution: Contribution) -> None:
        for place in _places(contribution):
            counters = self.counts[place]
            for counter, amount in contribution.increments().items():
                counters[counter] += amount

    def _touch(self, contribution: Contribution, moment: Moment, scored_us: int) -> None:
        for place in _places(contribution):
            self.counts.setdefault(place, dict.fromkeys(Counter, 0))
            self._touched[place] = max(self._touched.get(place, (moment, scored_us)), (moment, scored_us))


def _places(contribution: Contribution) -> tuple[Place, Place]:
    return Place(contribution.channel, None), Place(contribution.channel, contribution.day)
