"""What one review counts as, and what a person's label makes of it, as the README and the ADRs tell it.

It imports nothing of the pipeline. Events are plain dicts, as ``json`` reads them.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CODES = {"review": "r", "support": "s", "ad": "a", "social": "o"}
MEANINGS = {
    "P": ("positive", "strong_positive"),
    "p": ("positive", "weak_positive"),
    "N": ("negative", "strong_negative"),
    "n": ("negative", "weak_negative"),
}


@dataclass(frozen=True)
class Counted:
    """What is counted for one review."""

    channel: str
    letter: str
    """Of ``MEANINGS``."""
    uncertain: bool
    micros: int
    days: int
    """Since 1970-01-01, in UTC."""
    campaign: str | None = None
    clock: int | None = None
    """Where labels are forgotten: the latest day on which an event of its product was scored, this one or one before."""

    @classmethod
    def of(cls, said: dict[str, Any], channel: str, created_at: str, campaign: str | None = None) -> Self:
        """As the model said: the ``sentiment`` of an event, or what a person's label repeats of it."""
        micros = round(said["score"] * 1_000_000)
        letter = letter_of(said["label"], said["intensity"])
        return cls(channel, letter, said["needs_review"], micros, days_of(created_at), campaign)

    def relabelled(self, letter: str | None) -> "Counted":
        """As a person says, who is sure; None leaves it to the model."""
        if letter is None:
            return self
        return replace(self, letter=letter, uncertain=False, micros=1_000_000 if letter in "Pp" else 0)

    @property
    def names(self) -> tuple[str, ...]:
        """The counters that count it."""
        return ("reviews", *MEANINGS[self.letter], *(["uncertain"] if self.uncertain else []))

    @property
    def label(self) -> str:
        """As the ``labels`` hash holds it."""
        channel = CODES.get(self.channel, "?")
        code = f"{channel.upper() if self.uncertain else channel}{self.letter}"
        code += f"{base_36(self.micros).rjust(4, '0')}{base_36(self.days)}"
        delay = 0 if self.clock is None else self.clock - self.days
        code = f"{code}@{delay}" if delay else code
        return code if self.campaign is None else f"{code}#{self.campaign}"

    def place(self, review: str) -> str:
        """The field of the ``relabels`` hash for what a person says of a review of which the model said this."""
        doubt = "u" if self.uncertain else "-"
        return f"{self.channel}|{self.letter}|{doubt}|{self.micros}|{self.days} {review}"


def letter_of(label: str, intensity: str) -> str:
    """Of ``MEANINGS``."""
    return label[0].upper() if intensity == "strong" else label[0]


def days_of(instant: str) -> int:
    """Since 1970-01-01, in UTC."""
    return (datetime.fromisoformat(instant) - EPOCH) // timedelta(days=1)


def base_36(number: int) -> str:
    """Digits 0 to 9, a to z; the sign first."""
    if number < 0:
        return f"-{base_36(-number)}"
    rest, digit = divmod(number, 36)
    return (base_36(rest) if rest else "") + "0123456789abcdefghijklmnopqrstuvwxyz"[digit]
