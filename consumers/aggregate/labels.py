"""What Redis remembers of a counted review, and when it is forgotten."""

from dataclasses import dataclass
from datetime import UTC
from typing import Self

from consumers.aggregate.contribution import Contribution, days_since_1970
from schemas.events import ScoredReview


def scored_day(scored: ScoredReview) -> int:
    """The day of ``scored_at`` (UTC), in days since 1970-01-01."""
    return days_since_1970(scored.scored_at.astimezone(UTC).date())


@dataclass(frozen=True)
class StoredLabel:
    """What a review counts as and, where labels are forgotten, the day on its product's clock when it was counted.

    The clock of a product is the latest day of ``scored_at`` among its events so far. Nothing else decides whether a label is
    forgotten: not when the aggregator ran, nor whether Redis still holds it.
    """

    contribution: Contribution
    clock: int | None = None
    """Days since 1970-01-01; None where labels are never forgotten."""

    def is_forgotten(self, clock: int, retention: int) -> bool:
        """Whether the clock of the product has moved on by more days than labels are remembered."""
        return self.clock is not None and clock - self.clock > retention

    def encode(self) -> str:
        """The contribution's code; then ``@`` and the days from ``created_at`` to the clock, unless they are the same day."""
        code = self.contribution.encode()
        delay = 0 if self.clock is None else self.clock - days_since_1970(self.contribution.day)
        return f"{code}@{delay}" if delay else code

    @classmethod
    def decode(cls, text: str, *, forgets: bool) -> Self:
        """Read ``encode``'s text back, or the code of an older release.

        Args:
            text: of the ``labels`` hash.
            forgets: whether the view that it stands in ever forgets labels.

        Raises:
            ValueError: it is no such text.
        """
        code, at, delay = text.partition("@")
        contribution = Contribution.decode(code)
        if not forgets:
            if at:
                raise ValueError(f"not the label of a view that never forgets: {text!r}")
            return cls(contribution)
        if at and (delay == "0" or delay != str(int(delay))):
            raise ValueError(f"not a label: {text!r}")
        return cls(contribution, days_since_1970(contribution.day) + int(delay or "0"))
