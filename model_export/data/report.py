"""What was read, rewritten and left out, with counts: the same figures as lines for people and as JSON."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum

import numpy as np

from model_export.data.cleaning import MARKUP_STEPS, Step, clean
from model_export.data.reviews import LabelledReview, Tally


class Fate(StrEnum):
    """What becomes of a review that was read."""

    TRAINING = "training"
    DEV = "dev"
    HELD_OUT = "held-out"
    TOO_SHORT = "too short"
    TOO_LONG = "too long"
    CONTRADICTION = "contradicting labels"
    SAME_TEXT = "same text as another"
    NEAR_TEXT = "nearly the same text as another"
    LEAK = "shares text or product with a dev or held-out review"


REPORT_EVERY = 1000
"""Texts between two reports of progress."""

PARTS = (Fate.TRAINING, Fate.DEV, Fate.HELD_OUT)


@dataclass(frozen=True)
class PartFigures:
    """What one part of the reviews holds."""

    reviews: int
    positive: int
    negative: int
    with_intensity: int
    products: int
    domains: dict[str, int]


@dataclass(frozen=True)
class DataReport:
    """Counts of a data set on its way to training. They are written beside the checkpoint."""

    rows: int
    without_label: int
    """Rows that teach neither head: no label and no rating, or three stars."""
    bad_rows: dict[str, int]
    """Rows that cannot be used, by what is wrong with them; only where these may be left out."""
    rewritten: dict[str, int]
    """Texts that hold something which a step of cleaning rewrites, training and serving alike; the texts stay."""
    left_out: dict[str, int]
    """Training reviews that were left out, by reason."""
    contradictions: int
    """Families of texts whose reviews are labelled positive and negative."""
    length: dict[str, int]
    """Characters of a text: quantiles of what was read."""
    parts: dict[str, PartFigures]
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    def lines(self) -> list[tuple[str, str]]:
        """What and how many, for a table of two columns; an empty number makes a heading."""
        return [
            ("rows read", f"{self.rows:,}"),
            ("without a label", f"{self.without_label:,}"),
            *_counts("left out, cannot be used", self.bad_rows),
            ("", ""),
            *_counts("rewritten by the tokenizer", self.rewritten),
            ("", ""),
            *_counts("left out of training", self.left_out),
            ("", ""),
            (
                "characters: " + ", ".join(self.length),
                ", ".join(f"{value:,}" for value in self.length.values()),
            ),
            *(
                (
                    f"{name}: positive, negative, of known intensity",
                    f"{part.reviews:,}: {part.positive:,}, {part.negative:,}, {part.with_intensity:,}",
                )
                for name, part in self.parts.items()
            ),
            *((note, "") for note in self.notes),
        ]


def report_of(
    tally: Tally,
    reviews: Sequence[LabelledReview],
    fates: Iterable[Fate],
    rewritten: dict[str, int],
    contradictions: int,
    notes: Iterable[str] = (),
) -> DataReport:
    """The report of ``reviews`` with what became of each."""
    fates = list(fates)
    of_fate = Counter(fates)
    lengths = np.array([len(review.text) for review in reviews])
    return DataReport(
        rows=tally.rows,
        without_label=tally.unlabelled,
        bad_rows=dict(tally.bad),
        rewritten=rewritten,
        left_out={fate.value: of_fate[fate] for fate in Fate if fate not in PARTS},
        contradictions=contradictions,
        length={name: int(np.quantile(lengths, share)) for name, share in _QUANTILES.items()},
        parts={
            part.value: _figures(
                [review for review, fate in zip(reviews, fates, strict=True) if fate is part]
            )
            for part in PARTS
            if of_fate[part]
        },
        notes=list(notes),
    )


_QUANTILES = {"least": 0.0, "1 %": 0.01, "median": 0.5, "99 %": 0.99, "most": 1.0}


def count_rewritten(
    texts: Iterable[str], steps: Sequence[Step], on_progress: Callable[[int], object] = lambda _: None
) -> dict[str, int]:
    """How many texts each step changes, the steps before it done."""
    counts = {step.value: 0 for step in steps or MARKUP_STEPS}
    for number, text in enumerate(texts, start=1):
        before = text
        for step in steps or MARKUP_STEPS:
            after = clean(before, (step,))
            counts[step.value] += after != before
            before = after
        if number % REPORT_EVERY == 0:
            on_progress(number)
    return counts


def _figures(reviews: Sequence[LabelledReview]) -> PartFigures:
    known = [review.polarity for review in reviews if review.polarity is not None]
    positive = sum(polarity >= 0.5 for polarity in known)
    return PartFigures(
        reviews=len(reviews),
        positive=positive,
        negative=len(known) - positive,
        with_intensity=sum(review.intensity is not None for review in reviews),
        products=len({review.product_id for review in reviews} - {None}),
        domains=dict(Counter(review.domain for review in reviews).most_common()),
    )


def _counts(what: str, counts: dict[str, int]) -> list[tuple[str, str]]:
    return [(f"{what}: {kind}", f"{count:,}") for kind, count in counts.items()]
