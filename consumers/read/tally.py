"""The counting rules for events that come review by review: what ``Fold`` counts, without its memory.

The counts of a product are the sum of what its reviews count last, so no event has to meet another review's. Where labels
are forgotten, others matter by the product's clock alone. A property test holds this to ``Fold``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from consumers.aggregate.contribution import Contribution, days_since_1970
from consumers.aggregate.labels import StoredLabel
from consumers.aggregate.relabel import as_people_say
from consumers.read.clock import Clock, Moment
from schemas.redis_keys import Counter, Place

TalliedEvent = tuple[Moment, str, int]
"""When it counts, the label of what it adds ("" for a delete), and ``scored_at`` in microseconds since 1970."""


class Tallied(NamedTuple):
    """What is left of a review in the end."""

    label: str
    """That is remembered, "" for none."""
    customers: Mapping[str, int]
    """Hash of each customer of whom it is a strong negative -> day of ``created_at``, in days since 1970-01-01."""


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

    def review(self, events: Iterable[TalliedEvent], said: Mapping[str, str] | None = None) -> Tallied:
        """Count all events of one review.

        Args:
            events: what the model said, in its order.
            said: code of what the model said -> letter of what a person says instead.
        """
        clock, current = self._clock, None
        customers: dict[str, int] = {}
        for moment, text, scored_us in events:
            if clock and current and clock.forgets(current, moment):
                self._add(current, current.contribution)
                current = None
            new = _label(text, clock.at(moment) if clock else None)
            for label, counts in ((current, False), (new, True)):
                if label is not None:
                    self._touch(label, moment, scored_us)
                    _note_customer(
                        customers, label, as_people_say(label.contribution, said or {}), counts=counts
                    )
            current = new
        if current is None:
            return Tallied("", customers)
        self._add(current, as_people_say(current.contribution, said or {}))
        return Tallied("" if clock and clock.forgets(current) else current.encode(), customers)

    @property
    def updated_us(self) -> Mapping[Place, int]:
        """``scored_at`` of the last event that changed each hash, in microseconds since 1970."""
        return {place: scored_us for place, (_, scored_us) in self._touched.items()}

    def _add(self, label: StoredLabel, counted: Contribution) -> None:
        for place in label.places:
            counters = self.counts[place]
            for counter, amount in counted.increments().items():
                counters[counter] += amount

    def _touch(self, label: StoredLabel, moment: Moment, scored_us: int) -> None:
        for place in label.places:
            self.counts.setdefault(place, dict.fromkeys(Counter, 0))
            self._touched[place] = max(self._touched.get(place, (moment, scored_us)), (moment, scored_us))


def _label(text: str, clock: int | None) -> StoredLabel | None:
    return replace(StoredLabel.decode(text, forgets=False), clock=clock) if text else None


def _note_customer(
    customers: dict[str, int], label: StoredLabel, counted: Contribution, *, counts: bool
) -> None:
    """Take a label in, or back; one that is forgotten stays in, as it stays counted."""
    customer = label.origin.customer
    if customer is not None and counted.strong_negative:
        customers.pop(customer, None)
        if counts:
            customers[customer] = days_since_1970(counted.day)
