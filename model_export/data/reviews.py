"""Labelled reviews for training and measuring: what a row of a source becomes, and what is refused of it."""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from model_export.data.labels import (
    INTENSITY,
    POLARITY,
    LabelNames,
    UnknownValue,
    intensity_of_stars,
    polarity_of_stars,
    stars,
)
from model_export.data.sources import BadRow, Row, rows
from schemas.errors import TrainingDataError

EMPTY_TEXT = "no text"
BAD_STARS = "stars that are no number from 1 to 5"
UNKNOWN_LABEL = "a label of unknown meaning"


@dataclass(frozen=True, slots=True)
class LabelledReview:
    """One review with what is known of it; a head whose label is ``None`` is masked out of the loss."""

    text: str
    polarity: float | None
    """1.0 positive, 0.0 negative; between them a teacher's probability."""
    intensity: float | None
    """1.0 for an extreme rating (1 or 5 stars), 0.0 for a moderate one (2 or 4)."""
    domain: str = "unknown"
    source: str = "unknown"
    product_id: str | None = None
    language: str | None = None
    place: str = field(default="", compare=False)
    """Where it was read, for people: ``reviews.csv:17``."""


@dataclass(frozen=True)
class Columns:
    """Which column holds which field; by default they are named as in the events that a shop publishes."""

    text: str = "text"
    label: str = "label"
    rating: str = "rating"
    intensity: str = "intensity"
    """Strong or weak, where something else than the stars tells it."""
    product_id: str = "product_id"
    domain: str = "domain"
    language: str = "language"
    source: str = "source"


@dataclass(frozen=True)
class Reading:
    """How sources are read."""

    columns: Columns = Columns()
    polarity_names: LabelNames = POLARITY
    encoding: str | None = None
    skip_bad_rows: bool = False
    """Leave out what cannot be used, and count it; otherwise it ends the reading."""
    keep_unlabelled: bool = False
    """Keep rows without a label, of which a teacher will say what it thinks; no column of labels is needed then."""


@dataclass
class Tally:
    """What was met while reading: rows, those that teach nothing, and those that cannot be used, by kind."""

    rows: int = 0
    unlabelled: int = 0
    bad: Counter[str] = field(default_factory=Counter)
    examples: dict[str, BadRow] = field(default_factory=dict)
    columns: dict[str, None] = field(default_factory=dict)
    """Names of the columns, in the order in which they were met."""

    def add_bad(self, row: BadRow) -> None:
        self.bad[row.kind] += 1
        self.examples.setdefault(row.kind, row)


def read_labelled(
    source: str | Path,
    reading: Reading = Reading(),
    tally: Tally | None = None,
) -> list[LabelledReview]:
    """Read every labelled review of ``source``; rows that carry no label for either head are left out, unless asked for.

    Args:
        source: as ``model_export.data.sources.rows`` takes it.
        reading: columns, names of labels, encoding.
        tally: what is counted on the way is added here.

    Raises:
        TrainingDataError: the source cannot be read, a column is missing, rows cannot be used, or none has a label.
    """
    met = Tally()
    reviews = list(_reviews(source, reading, met))
    _require_columns(source, reading, met)
    if met.bad and not reading.skip_bad_rows:
        raise TrainingDataError(_complaint(source, met))
    if not reviews:
        raise TrainingDataError(
            f"{source}: no row has a label or a rating, of {met.rows:,} read; nothing to learn from"
        )
    if tally is not None:
        _add(met, tally)
    return reviews


def parse_row(row: Row, reading: Reading = Reading()) -> LabelledReview | BadRow | None:
    """Turn a row into a labelled review, into what is wrong with it, or into ``None`` where it teaches nothing."""
    columns, values = reading.columns, row.fields
    text = values.get(columns.text)
    if not isinstance(text, str) or not text.strip():
        return BadRow(row.place, EMPTY_TEXT)
    try:
        rating = stars(values.get(columns.rating))
    except UnknownValue as unknown:
        return BadRow(row.place, BAD_STARS, str(unknown))
    try:
        label = reading.polarity_names.probability(values.get(columns.label))
        strength = INTENSITY.probability(values.get(columns.intensity))
    except UnknownValue as unknown:
        return BadRow(row.place, UNKNOWN_LABEL, str(unknown))
    polarity = label if label is not None else polarity_of_stars(rating)
    intensity = strength if strength is not None else intensity_of_stars(rating)
    if polarity is None and intensity is None and not reading.keep_unlabelled:
        return None
    return LabelledReview(
        text=text.encode("utf-8", "replace").decode(),  # half of a surrogate pair is no character
        polarity=polarity,
        intensity=intensity,
        domain=_name(values.get(columns.domain)) or "unknown",
        source=_name(values.get(columns.source)) or "unknown",
        product_id=_name(values.get(columns.product_id)),
        language=_name(values.get(columns.language) or values.get("lang")),
        place=row.place,
    )


def read_rated(path: Path) -> list[tuple[str, float]]:
    """Texts with a human rating of their sentiment, about -1 to 1, from rows of ``text`` and ``intensity``.

    Raises:
        TrainingDataError: a row lacks one of them.
    """
    rated = []
    for row in rows(path):
        if isinstance(row, BadRow):
            raise TrainingDataError(f"{row.place}: {row.kind}: {row.detail}")
        text, rating = row.fields.get("text"), _finite(row.fields.get("intensity"))
        if rating is None or not isinstance(text, str):
            raise TrainingDataError(f"{row.place}: fields 'text' and 'intensity' (a number) are needed")
        rated.append((text, rating))
    return rated


def _reviews(source: str | Path, reading: Reading, tally: Tally) -> Iterator[LabelledReview]:
    for row in rows(source, reading.encoding):
        tally.rows += 1
        if isinstance(row, Row):
            tally.columns.update(dict.fromkeys(row.fields))
        review = parse_row(row, reading) if isinstance(row, Row) else row
        if isinstance(review, BadRow):
            tally.add_bad(review)
        elif review is None:
            tally.unlabelled += 1
        else:
            yield review


def _require_columns(source: str | Path, reading: Reading, tally: Tally) -> None:
    """Refuse a source that lacks a column that is needed or was named, and show which it has."""
    if not tally.columns:
        return
    columns, default = reading.columns, Columns()
    named = {
        name.name: getattr(columns, name.name)
        for name in fields(columns)
        if getattr(columns, name.name) != getattr(default, name.name)
    } | {"text": columns.text}
    if reading.keep_unlabelled:
        named = {"text": columns.text}
    have = ", ".join(tally.columns)
    for name, column in named.items():
        if column not in tally.columns:
            option = name.removesuffix("_id")
            raise TrainingDataError(
                f"{source}: no column {column!r}; there are: {have}; name the right one with --{option}-column"
            )
    labels = {columns.label, columns.rating, columns.intensity}
    if not reading.keep_unlabelled and not labels & tally.columns.keys():
        raise TrainingDataError(
            f"{source}: no column {columns.label!r} or {columns.rating!r}; there are: {have}; name the one that "
            "holds labels with --label-column, or stars with --rating-column"
        )


def _complaint(source: str | Path, tally: Tally) -> str:
    kinds = "; ".join(
        f"{kind}: {count:,} (first {_example(tally.examples[kind])})"
        for kind, count in tally.bad.most_common()
    )
    remedies = "".join(f" {_REMEDIES[kind]}" for kind in tally.bad if kind in _REMEDIES)
    return (
        f"{source}: {tally.bad.total():,} of {tally.rows:,} rows cannot be used: {kinds}. Mend them, or leave them "
        f"out with --skip-bad-rows.{remedies}"
    )


_REMEDIES = {
    UNKNOWN_LABEL: "Say what labels mean with --positive-label, --negative-label and --no-label; stars have "
    "a --rating-column of their own.",
    BAD_STARS: "Where stars are not known, leave the cell empty or the field null.",
}


def _example(row: BadRow) -> str:
    return f"{row.place}: {row.detail}" if row.detail else row.place


def _add(met: Tally, tally: Tally) -> None:
    tally.rows += met.rows
    tally.unlabelled += met.unlabelled
    tally.bad.update(met.bad)
    tally.columns.update(met.columns)
    tally.examples = met.examples | tally.examples


def _name(value: Any) -> str | None:
    """A short text that many rows share: one object for all of them."""
    return sys.intern(str(value)) if value not in (None, "") else None


def _finite(value: Any) -> float | None:
    # Raters leave their scale at times, hence the wide bounds.
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if -10 <= number <= 10 else None
