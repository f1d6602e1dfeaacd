"""What Redis remembers of a counted review, and when it is forgotten."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import NamedTuple, Self

from consumers.aggregate.contribution import Contribution, days_since_1970
from schemas.events import ScoredReview
from schemas.redis_keys import Place


def scored_day(scored: ScoredReview) -> int:
    """The day of ``scored_at`` (UTC), in days since 1970-01-01."""
    return days_since_1970(scored.scored_at.astimezone(UTC).date())


class Origin(NamedTuple):
    """Where a review comes from, if the shop said so."""

    campaign_id: str | None = None
    customer: str | None = None
    """The hash of who wrote it."""


UNKNOWN = Origin()

_LABEL = re.compile(
    "(?P<code>[^@~#]*)(?:@(?P<delay>[^~#]*))?(?:~(?P<customer>[0-9a-f]{32}))?(?:#(?P<campaign>.+))?",
    re.DOTALL,
)


@dataclass(frozen=True)
class StoredLabel:
    """What a review counts as, for whom and, where labels are forgotten, the day on its product's clock when it was counted.

    The clock of a product is the latest day of ``scored_at`` among its events so far. Nothing else decides whether a label is
    forgotten: not when the aggregator ran, nor whether Redis still holds it.
    """

    contribution: Contribution
    clock: int | None = None
    """Days since 1970-01-01; None where labels are never forgotten."""
    origin: Origin = UNKNOWN

    @classmethod
    def of(cls, scored: ScoredReview, clock: int | None = None) -> Self | None:
        """What an event counts as; None for a delete."""
        contribution = Contribution.of(scored)
        if contribution is None:
            return None
        return cls(contribution, clock, Origin(scored.campaign_id, scored.customer_hash))

    @property
    def places(self) -> Iterator[Place]:
        """The hashes that count it."""
        channel, day, campaign_id = (
            self.contribution.channel,
            self.contribution.day,
            self.origin.campaign_id,
        )
        yield from (Place(channel, None), Place(channel, day))
        if campaign_id is not None:
            yield from (Place(channel, None, campaign_id), Place(channel, day, campaign_id))

    def is_forgotten(self, clock: int, retention: int) -> bool:
        """Whether the clock of the product has moved on by more days than labels are remembered."""
        return self.clock is not None and clock - self.clock > retention

    def encode(self) -> str:
        """The contribution's code; then each of these that there is.

        ``@`` and the days from ``created_at`` to the clock, unless they are the same day; ``~`` and the hash of the customer;
        ``#`` and the campaign, which may hold anything and so comes last.
        """
        text = self.contribution.encode()
        delay = 0 if self.clock is None else self.clock - days_since_1970(self.contribution.day)
        if delay:
            text += f"@{delay}"
        if self.origin.customer is not None:
            text += f"~{self.origin.customer}"
        return text if self.origin.campaign_id is None else f"{text}#{self.origin.campaign_id}"

    @classmethod
    def decode(cls, text: str, *, forgets: bool) -> Self:
        """Read ``encode``'s text back, or the code of an older release.

        Args:
            text: of the ``labels`` hash.
            forgets: whether the view that it stands in ever forgets labels.

        Raises:
            ValueError: it is no such text.
        """
        match = _LABEL.fullmatch(text)
        if match is None:
            raise ValueError(f"not a label: {text!r}")
        contribution = Contribution.decode(match["code"])
        delay, origin = match["delay"], Origin(match["campaign"], match["customer"])
        if not forgets:
            if delay is not None:
                raise ValueError(f"not the label of a view that never forgets: {text!r}")
            return cls(contribution, None, origin)
        if delay is not None and (delay == "0" or delay != str(int(delay))):
            raise ValueError(f"not a label: {text!r}")
        return cls(contribution, days_since_1970(contribution.day) + int(delay or "0"), origin)

    @classmethod
    def found(cls, text: str) -> Self:
        """Read a label of any view, for whoever does not ask when it is forgotten.

        Raises:
            ValueError: it is no such text.
        """
        match = _LABEL.fullmatch(text)
        return cls.decode(text, forgets=match is not None and match["delay"] is not None)
