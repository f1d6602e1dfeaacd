"""Labelled reviews for training and measuring, read from JSON Lines (optionally gzipped)."""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors import TrainingDataError

EXTREME_STARS = frozenset({1.0, 5.0})
NEUTRAL_STARS = 3.0


@dataclass(frozen=True)
class LabelledReview:
    """One review with what is known of it; a head whose label is ``None`` is masked out of the loss."""

    text: str
    polarity: float | None
    """1.0 positive, 0.0 negative."""
    intensity: float | None
    """1.0 for an extreme rating (1 or 5 stars), 0.0 for a moderate one (2 or 4)."""
    domain: str = "unknown"
    source: str = "unknown"
    product_id: str | None = None
    language: str | None = None


def read_labelled(path: Path) -> list[LabelledReview]:
    """Read every labelled review of ``path``; rows that carry no label for either head are left out.

    Raises:
        TrainingDataError: a line is not a JSON object with a ``text``, or the file holds no label at all.
    """
    rows = [review for review in map(parse_row, _numbered_rows(path)) if review is not None]
    if not any(row.polarity is not None for row in rows):
        raise TrainingDataError(f"{path}: no row has a label or a rating; nothing to learn polarity from")
    return rows


def parse_row(row: tuple[str, dict[str, Any]]) -> LabelledReview | None:
    """Turn one (place, row) pair into a labelled review, or ``None`` where it teaches nothing."""
    place, fields = row
    text = fields.get("text")
    if not isinstance(text, str) or not text.strip():
        raise TrainingDataError(f"{place}: field 'text' is missing or empty")
    rating = _number(place, fields, "rating", low=1, high=5)
    label = _number(place, fields, "label", low=0, high=1)
    polarity = label if label is not None else _polarity_of_stars(rating)
    if polarity is None:
        return None
    return LabelledReview(
        text=text,
        polarity=polarity,
        intensity=_intensity_of_stars(rating),
        domain=str(fields.get("domain") or "unknown"),
        source=str(fields.get("source") or "unknown"),
        product_id=_name(fields, "product_id"),
        language=_name(fields, "language") or _name(fields, "lang"),
    )


def read_rated(path: Path) -> list[tuple[str, float]]:
    """Texts with a human rating of their sentiment, about -1 to 1, from rows of ``text`` and ``intensity``.

    Raises:
        TrainingDataError: a row lacks one of them.
    """
    rated = []
    for place, fields in _numbered_rows(path):
        rating = _number(place, fields, "intensity", low=-10, high=10)  # raters leave their scale at times
        if rating is None or not isinstance(fields.get("text"), str):
            raise TrainingDataError(f"{place}: fields 'text' and 'intensity' are needed")
        rated.append((fields["text"], rating))
    return rated


def without_texts_of(
    rows: Iterable[LabelledReview], held_out: Iterable[LabelledReview]
) -> list[LabelledReview]:
    """Drop repeated texts and any text that a held-out split contains (case and spacing ignored)."""
    seen = {_fingerprint(review.text) for review in held_out}
    kept = []
    for review in rows:
        fingerprint = _fingerprint(review.text)
        if fingerprint not in seen:
            seen.add(fingerprint)
            kept.append(review)
    return kept


def _fingerprint(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _polarity_of_stars(rating: float | None) -> float | None:
    if rating is None or rating == NEUTRAL_STARS:
        return None
    return float(rating > NEUTRAL_STARS)


def _intensity_of_stars(rating: float | None) -> float | None:
    if rating is None or rating == NEUTRAL_STARS:
        return None
    return float(rating in EXTREME_STARS)


def _name(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    return None if value in (None, "") else str(value)


def _number(place: str, fields: dict[str, Any], name: str, *, low: float, high: float) -> float | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise TrainingDataError(
            f"{place}: field {name!r} must be a number from {low} to {high}, not {value!r}"
        )
    return float(value)


def _numbered_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                place = f"{path}:{number}"
                try:
                    fields = json.loads(line)
                except json.JSONDecodeError as error:
                    raise TrainingDataError(f"{place}: not JSON: {error}") from error
                if not isinstance(fields, dict):
                    raise TrainingDataError(f"{place}: not a JSON object")
                yield place, fields
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise TrainingDataError(f"{path}: cannot be read: {error}") from error
