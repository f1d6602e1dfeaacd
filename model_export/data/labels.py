"""Values of a row to labels: what shops write for positive, negative and stars, and what is refused."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any

from schemas.errors import ConfigurationError

EXTREME_STARS = frozenset({1.0, 5.0})
NEUTRAL_STARS = 3.0

_TRUE = frozenset({"1", "true", "yes"})
_FALSE = frozenset({"0", "false", "no"})
_ABSENT = frozenset({"", "none", "null"})
_STARS = re.compile(
    r"([0-9]+(?:[.,][0-9]+)?)\s*(?:stars?|/\s*5(?:\.0)?|out of 5(?: stars?)?)?", re.IGNORECASE
)
"""A number of stars as people write it: 4, 4.5, "4 stars", "4/5", "4.0 out of 5 stars"."""


class UnknownValue(ValueError):  # noqa: N818 -- it names the value, which is data
    """A value that is neither a label nor a sign that there is none."""


@dataclass(frozen=True)
class LabelNames:
    """What the values of a label column mean, compared as text without case; a value of none of them is refused.

    A number between 0 and 1 is a probability of the positive class, as a teacher model gives it.
    """

    positive: frozenset[str]
    negative: frozenset[str]
    unlabelled: frozenset[str]
    """Values of rows that take no side; an empty one always is."""

    def probability(self, value: Any) -> float | None:
        """1.0 positive, 0.0 negative, None for a row without label.

        Raises:
            UnknownValue: the value is none of the names.
        """
        name = _as_text(value)
        if name in self.positive:
            return 1.0
        if name in self.negative:
            return 0.0
        if name in self.unlabelled or name in _ABSENT:
            return None
        if isinstance(value, float) and 0 < value < 1:
            return value
        raise UnknownValue(repr(value))


POLARITY = LabelNames(
    _TRUE | {"positive", "pos"}, _FALSE | {"negative", "neg"}, frozenset({"neutral", "mixed"})
)
INTENSITY = LabelNames(_TRUE | {"strong"}, _FALSE | {"weak"}, frozenset())


def polarity_names(
    positive: Iterable[str] = (), negative: Iterable[str] = (), unlabelled: Iterable[str] = ()
) -> LabelNames:
    """The usual names of polarity, with those of ``positive`` and ``negative`` instead, if given.

    Args:
        positive: of rows labelled positive.
        negative: of rows labelled negative.
        unlabelled: of rows that take no side, besides the usual ones.

    Raises:
        ConfigurationError: only one of the classes is named.
    """
    classes = [frozenset(map(_as_text, names)) for names in (positive, negative)]
    if any(classes) != all(classes):
        raise ConfigurationError("--positive-label and --negative-label go together: name both classes")
    if not any(classes):
        classes = [POLARITY.positive, POLARITY.negative]
    silent = POLARITY.unlabelled | frozenset(map(_as_text, unlabelled))
    return LabelNames(classes[0] - silent, classes[1] - silent, silent)


def stars(value: Any) -> float | None:
    """1.0 to 5.0, or None where there is no rating.

    Raises:
        UnknownValue: no number from 1 to 5.
    """
    if value is None or (isinstance(value, str) and value.strip().casefold() in _ABSENT):
        return None
    if isinstance(value, str):
        written = _STARS.fullmatch(value.strip())
        number = float(written[1].replace(",", ".")) if written else math.nan
    elif isinstance(value, Real | Decimal) and not isinstance(value, bool):
        number = float(value)
    else:
        number = math.nan
    if not 1 <= number <= 5:  # the way round that refuses NaN
        raise UnknownValue(repr(value))
    return number


def polarity_of_stars(rating: float | None) -> float | None:
    """1.0 above three stars, 0.0 below; three take no side."""
    return None if rating is None or rating == NEUTRAL_STARS else float(rating > NEUTRAL_STARS)


def intensity_of_stars(rating: float | None) -> float | None:
    """1.0 for an extreme rating, 0.0 for a moderate one; three stars say nothing of strength."""
    return None if rating is None or rating == NEUTRAL_STARS else float(rating in EXTREME_STARS)


def _as_text(value: Any) -> str:
    """As names are compared: whole numbers without a fraction, text without case and outer space."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str("" if value is None else value).strip().casefold()
    return text.removesuffix(".0") if text[:-2].lstrip("-").isdigit() else text
