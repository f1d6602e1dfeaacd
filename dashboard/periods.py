"""Spans of whole days in UTC, as the counts are kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

MAX_DAYS = 400
"""Days that one answer may span: as long as the counts of a day are kept by default."""

SKEW = timedelta(days=1)
"""How far ahead a day may lie: somewhere on Earth it is tomorrow already."""

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """The days from ``first`` to ``last``, both included."""

    first: date
    last: date

    @classmethod
    def until(cls, last: date, days: int) -> "Period":
        """So many days that end with ``last``."""
        return cls(last - (days - 1) * _DAY, last)

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __iter__(self) -> Iterator[date]:
        return (self.first + number * _DAY for number in range(len(self)))

    @property
    def before(self) -> "Period":
        """As many days, just before these."""
        return Period.until(self.first - _DAY, len(self))


def chosen_period(first: date | None, last: date | None, *, today: date, days: int) -> Period:
    """The period that was asked for; what is left out ends it today, or makes it ``days`` long.

    Raises:
        ValueError: it runs backwards, lies in the future, or is too long; the message is for people.
    """
    last = last or (today if first is None else max(first, today))
    try:
        first = first or Period.until(last, days).first
    except OverflowError:
        raise ValueError("a period cannot begin before the year 1") from None
    if first > last:
        raise ValueError(f"the period ends on {last}, before it begins on {first}")
    if last - today > SKEW:
        raise ValueError(f"{last} lies in the future: today is {today} (UTC)")
    period = Period(first, last)
    if len(period) > MAX_DAYS:
        raise ValueError(f"the period has {len(period):,} days; at most {MAX_DAYS} can be asked for at once")
    return period
