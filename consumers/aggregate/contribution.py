"""What one review adds to the counts of its product, and the compact code by which Redis remembers it."""

from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta
from functools import lru_cache
from typing import Self

from schemas.events import SCORE_DECIMALS, Channel, Intensity, Label, ScoredReview, Sentiment
from schemas.labels import JudgedReview
from schemas.redis_keys import Counter

MICROS = 10**SCORE_DECIMALS
"""Micro-units of a score of 1: sums of scores are sums of integers, so no order of adding changes them."""

Meaning = tuple[Label, Intensity]
"""What a label says."""

_EPOCH = date(1970, 1, 1)

_CHANNELS = {Channel.REVIEW: "r", Channel.SUPPORT: "s", Channel.AD: "a", Channel.SOCIAL: "o"}
_LETTERS = {
    (Label.POSITIVE, Intensity.STRONG): "P",
    (Label.POSITIVE, Intensity.WEAK): "p",
    (Label.NEGATIVE, Intensity.STRONG): "N",
    (Label.NEGATIVE, Intensity.WEAK): "n",
}
_CHANNEL_MEANINGS = {code: channel for channel, code in _CHANNELS.items()}
_MEANINGS = {letter: meaning for meaning, letter in _LETTERS.items()}
_UNCERTAIN = {True: "u", False: "-"}

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_PAIRS = [first + second for first in _DIGITS for second in _DIGITS]
"""Every number below 36 * 36 as two digits to base 36."""

_COUNTED_AS = {
    (Label.POSITIVE, Intensity.STRONG): (Counter.POSITIVE, Counter.STRONG_POSITIVE),
    (Label.POSITIVE, Intensity.WEAK): (Counter.POSITIVE, Counter.WEAK_POSITIVE),
    (Label.NEGATIVE, Intensity.STRONG): (Counter.NEGATIVE, Counter.STRONG_NEGATIVE),
    (Label.NEGATIVE, Intensity.WEAK): (Counter.NEGATIVE, Counter.WEAK_NEGATIVE),
}


@dataclass(frozen=True, slots=True)
class Contribution:
    """One review as it is counted: where, and as what."""

    channel: Channel
    label: Label
    intensity: Intensity
    needs_review: bool
    score_micros: int
    day: date

    @classmethod
    def of(cls, scored: ScoredReview) -> Self | None:
        """What the event adds; None for a delete, which only takes back. The day is that of ``created_at`` in UTC."""
        return None if scored.sentiment is None else cls._said(scored, scored.sentiment)

    @classmethod
    def judged(cls, scored: JudgedReview) -> Self:
        """What the model said, as a person's label repeats it."""
        return cls._said(scored, scored)

    @classmethod
    def _said(cls, scored: ScoredReview | JudgedReview, said: Sentiment | JudgedReview) -> Self:
        return cls(
            channel=scored.channel,
            label=said.label,
            intensity=said.intensity,
            needs_review=said.needs_review,
            score_micros=round(said.score * MICROS),
            day=scored.created_at.astimezone(UTC).date(),
        )

    def relabelled(self, meaning: "Meaning | None") -> "Contribution":
        """As a person says, who is sure: a score of 1 or 0, and nobody needs to look again. None leaves it to the model."""
        if meaning is None:
            return self
        label, intensity = meaning
        score_micros = MICROS if label is Label.POSITIVE else 0
        return replace(self, label=label, intensity=intensity, needs_review=False, score_micros=score_micros)

    @property
    def strong_negative(self) -> bool:
        """Whether customer service wants to see it."""
        return self.label is Label.NEGATIVE and self.intensity is Intensity.STRONG

    def increments(self) -> dict[Counter, int]:
        """What it adds to each counter that it touches; ``score_sum`` in micro-units."""
        polarity, strength = _COUNTED_AS[self.label, self.intensity]
        added = {Counter.REVIEWS: 1, polarity: 1, strength: 1, Counter.SCORE_SUM: self.score_micros}
        return added | {Counter.UNCERTAIN: 1} if self.needs_review else added

    def encode(self) -> str:
        """Nine characters, such as ``rPk128fvk``: Redis holds one for every review, so each byte counts.

        Channel (r, s, a, o: review, support, ad, social; a capital is uncertain), polarity and strength (P, p, N, n:
        capital is strong), four digits to base 36 of micro-units of the score, days since 1970-01-01 to base 36.
        """
        channel, letter = _CHANNELS[self.channel], _LETTERS[self.label, self.intensity]
        if self.needs_review:
            channel = channel.upper()
        first, last = divmod(self.score_micros, len(_PAIRS))
        return f"{channel}{letter}{_PAIRS[first]}{_PAIRS[last]}{_day_code(self.day)}"

    @classmethod
    def decode(cls, code: str) -> Self:
        """Read ``encode``'s text back, or the older ``review|P|-|934512|20576``.

        Raises:
            ValueError: it is no such text.
        """
        try:
            contribution = cls._decode_older(code) if "|" in code else cls._decode(code)
        except (ValueError, KeyError, OverflowError):
            raise ValueError(f"not the code of a counted review: {code!r}") from None
        if code != contribution.encode() and code != contribution.encode_older():
            raise ValueError(f"not the code of a counted review: {code!r}")
        return contribution

    @classmethod
    def _decode(cls, code: str) -> Self:
        channel, letter, micros, days = code[:1], code[1:2], code[2:6], code[6:]
        label, intensity = _MEANINGS[letter]
        return cls(
            channel=_CHANNEL_MEANINGS[channel.lower()],
            label=label,
            intensity=intensity,
            needs_review=channel.isupper(),
            score_micros=int(micros, 36),
            day=day_of(int(days, 36)),
        )

    @classmethod
    def _decode_older(cls, code: str) -> Self:
        channel, letter, uncertain, micros, days = code.split("|")
        label, intensity = _MEANINGS[letter]
        return cls(
            channel=Channel(channel),
            label=label,
            intensity=intensity,
            needs_review=uncertain == _UNCERTAIN[True],
            score_micros=int(micros),
            day=day_of(int(days)),
        )

    def encode_older(self) -> str:
        """The code as the first release wrote it: five fields, such as ``review|P|-|934512|20576``."""
        letter, days = _LETTERS[self.label, self.intensity], days_since_1970(self.day)
        return f"{self.channel}|{letter}|{_UNCERTAIN[self.needs_review]}|{self.score_micros}|{days}"


def days_since_1970(day: date) -> int:
    """The number of a day."""
    return (day - _EPOCH).days


def day_of(number: int) -> date:
    """The day that has this number."""
    return _EPOCH + timedelta(days=number)


@lru_cache(1024)
def _day_code(day: date) -> str:
    return _base_36(days_since_1970(day))


def encode_meaning(meaning: Meaning) -> str:
    """One letter, as in ``Contribution.encode``."""
    return _LETTERS[meaning]


def decode_meaning(letter: str) -> Meaning:
    """Read ``encode_meaning``'s letter back.

    Raises:
        ValueError: it is none.
    """
    if letter not in _MEANINGS:
        raise ValueError(f"not the letter of a label: {letter!r}")
    return _MEANINGS[letter]


def _base_36(number: int) -> str:
    digits, rest = "", abs(number)
    while rest or not digits:
        rest, digit = divmod(rest, 36)
        digits = _DIGITS[digit] + digits
    return f"-{digits}" if number < 0 else digits


def score_text(micros: int) -> str:
    """Micro-units as Redis holds them in ``score_sum``: a decimal number with exactly six digits after the point."""
    sign = "-" if micros < 0 else ""
    whole, fraction = divmod(abs(micros), MICROS)
    return f"{sign}{whole}.{fraction:0{SCORE_DECIMALS}d}"
