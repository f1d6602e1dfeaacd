"""Events on many days, and what counts where labels are forgotten: told plainly, and as slow as that is."""

from collections.abc import Sequence
from datetime import UTC

from hypothesis import strategies as st

from schemas.events import ScoredReview

MINUTES_A_DAY = 1440
minutes_of_many_days = st.integers(0, 12).flatmap(
    lambda day: st.integers(day * MINUTES_A_DAY, (day + 1) * MINUTES_A_DAY - 1)
)
"""When an event is scored; it may be before the event that stands ahead of it."""

retentions = st.sampled_from([None, 1, 2, 5, 40])


def clock(events: Sequence[ScoredReview], at: int) -> int:
    """The latest day of all events of a product up to this one."""
    return max(event.scored_at.astimezone(UTC).date().toordinal() for event in events[: at + 1])


def counted(events: Sequence[ScoredReview], retention: int | None) -> set[int]:
    """Which events of one product count in the end.

    Each upsert does, unless another event of its review follows while it is remembered.
    """
    return {
        at
        for at, event in enumerate(events)
        if event.sentiment
        and not any(
            later.review_id == event.review_id and remembers(events, at, retention, until)
            for until, later in enumerate(events[at + 1 :], at + 1)
        )
    }


def remembered(events: Sequence[ScoredReview], retention: int | None) -> set[int]:
    """Which of them a later event would still take back."""
    return {at for at in counted(events, retention) if remembers(events, at, retention, len(events) - 1)}


def remembers(events: Sequence[ScoredReview], at: int, retention: int | None, until: int) -> bool:
    return retention is None or clock(events, until) - clock(events, at) <= retention
