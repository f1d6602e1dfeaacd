"""The way of labelled reviews to training: read, filter, part by product, prove that no part leaks into another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model_export.data.cleaning import Cleaning, clean
from model_export.data.duplicates import near_texts, same_texts
from model_export.data.report import PARTS, DataReport, Fate, count_rewritten, report_of
from model_export.data.reviews import LabelledReview, Reading, Tally, read_labelled
from model_export.data.splits import (
    Leak,
    groups_of,
    held_out_rows,
    leaks,
    products_of,
    require_both_classes,
    shared_rows,
)
from schemas.errors import TrainingDataError
from schemas.events import MAX_TEXT_CHARACTERS

Ints = npt.NDArray[np.int64]
Fates = npt.NDArray[np.object_]
Watch = Callable[[str, int, int], object]
"""Told what is being done, how much of it is done, and of how much."""

Source = str | Path


class OnLeak(StrEnum):
    """What to do where a given dev or held-out file shares texts or products with the training data."""

    FAIL = "fail"
    DROP = "drop"
    DROP_TEXTS = "drop-texts"


@dataclass(frozen=True)
class Choices:
    """What is left out of training, and how parts are made."""

    cleaning: Cleaning = Cleaning.MARKUP
    shortest: int = 1
    """Characters of a text, after cleaning: an empty text says nothing."""
    longest: int = MAX_TEXT_CHARACTERS
    """Characters of a text: longer ones would be refused when serving."""
    drop_duplicates: bool = True
    dev_share: float = 0.1
    held_out_share: float = 0.1
    on_leak: OnLeak = OnLeak.FAIL
    seed: int = 7


@dataclass(frozen=True)
class Given:
    """Where reviews are read from. Without dev and held-out sources, the training data is parted."""

    training: Sequence[Source]
    dev: Sequence[Source] = ()
    held_out: Sequence[Source] = ()
    unlabelled: Sequence[Source] = ()
    """More to train on, for a teacher to label; a text that stands in both is taken from the labelled ones."""


@dataclass(frozen=True)
class Prepared:
    """Every review that was read, what became of it, and the counts."""

    reviews: list[LabelledReview]
    fates: Fates
    """A ``Fate`` each: object (reviews,)."""
    groups: Ints
    """Equal for reviews that one part must hold together: int64 (reviews,)."""
    report: DataReport
    parted: bool
    """Whether dev and held-out parts were taken from the training data."""

    def part(self, fate: Fate) -> list[LabelledReview]:
        return _of_fate(self.reviews, self.fates, fate)


def prepare(
    given: Given,
    reading: Reading = Reading(),  # noqa: B008 -- frozen
    choices: Choices = Choices(),
    watch: Watch = lambda what, done, total: None,  # noqa: ARG005 -- nobody watches
) -> Prepared:
    """Labelled reviews, filtered and parted, with a report.

    No text is changed: texts come to serving as they are, and what ``choices.cleaning`` rewrites is rewritten by the
    tokenizer, there as here. Dev and held-out files stay whole, apart from rows that cannot be used.

    Raises:
        TrainingDataError: sources cannot be used, a part lacks a class, or a part leaks into another.
    """
    reviews, fates, tally = _read(given, reading, watch)
    texts = [review.text for review in reviews]
    for part in PARTS[: 1 if not (given.dev or given.held_out) else None]:
        if (fates == part).any():
            require_both_classes(_of_fate(reviews, fates, part), f"{part} reviews")
    rewritten = count_rewritten(
        texts, choices.cleaning.steps, lambda done: watch("looking for markup", done, len(texts))
    )
    families = near_texts(texts, lambda done: watch("comparing texts", done, len(texts)))
    groups = groups_of(reviews, families)
    _leave_out_lengths(fates, texts, choices)
    _leave_out_leaks(fates, reviews, families, choices.on_leak)
    contradictions = _leave_out_contradictions(fates, reviews, families)
    if choices.drop_duplicates:
        _leave_out_duplicates(fates, texts, families)
    parted = not (given.dev or given.held_out)
    if parted:
        _part(fates, reviews, groups, choices)
    require_both_classes(_of_fate(reviews, fates, Fate.TRAINING), "training reviews that are left")
    notes = _prove(fates, reviews, families, choices.on_leak)
    return Prepared(
        reviews, fates, groups, report_of(tally, reviews, fates, rewritten, contradictions, notes), parted
    )


def _read(given: Given, reading: Reading, watch: Watch) -> tuple[list[LabelledReview], Fates, Tally]:
    reviews: list[LabelledReview] = []
    fates: list[Fate] = []
    tally = Tally()
    every_row = replace(reading, keep_unlabelled=True)
    sources = [
        (part, source, how)
        for part, sources, how in (
            (Fate.TRAINING, given.training, reading),
            (Fate.TRAINING, given.unlabelled, every_row),
            (Fate.DEV, given.dev, reading),
            (Fate.HELD_OUT, given.held_out, reading),
        )
        for source in sources
    ]
    for number, (part, source, how) in enumerate(sources):
        watch(f"reading {source}", number, len(sources))
        read = read_labelled(source, how, tally)
        reviews += read
        fates += [part] * len(read)
    return reviews, np.array([*fates, None], dtype=object)[:-1], tally


def _leave_out_lengths(fates: Fates, texts: Sequence[str], choices: Choices) -> None:
    for row in np.flatnonzero(fates == Fate.TRAINING).tolist():
        if len(texts[row]) > choices.longest:
            fates[row] = Fate.TOO_LONG
        elif len(clean(texts[row], choices.cleaning.steps).strip()) < choices.shortest:
            fates[row] = Fate.TOO_SHORT


def _leave_out_leaks(
    fates: Fates, reviews: Sequence[LabelledReview], families: Ints, on_leak: OnLeak
) -> None:
    """Training reviews that share a text or a product with a given part; ``_prove`` refuses what is left."""
    if on_leak is OnLeak.FAIL:
        return
    training = np.flatnonzero(fates == Fate.TRAINING)
    measured = np.flatnonzero((fates == Fate.DEV) | (fates == Fate.HELD_OUT))
    leaking = shared_rows(families[training].tolist(), families[measured].tolist())
    if on_leak is OnLeak.DROP:
        products = products_of(reviews)
        leaking |= shared_rows([products[row] for row in training], [products[row] for row in measured])
    fates[training[leaking]] = Fate.LEAK


def _leave_out_contradictions(fates: Fates, reviews: Sequence[LabelledReview], families: Ints) -> int:
    """All training reviews of a family that is labelled both ways: nobody knows which label is right."""
    training = np.flatnonzero(fates == Fate.TRAINING).tolist()
    of_family = families.tolist()
    classes: dict[int, set[bool]] = {}
    for row in training:
        polarity = reviews[row].polarity
        if polarity is not None:
            classes.setdefault(of_family[row], set()).add(polarity >= 0.5)
    both = {family for family, found in classes.items() if len(found) > 1}
    for row in training:
        if of_family[row] in both:
            fates[row] = Fate.CONTRADICTION
    return len(both)


def _leave_out_duplicates(fates: Fates, texts: Sequence[str], families: Ints) -> None:
    """All but the first training review of a family."""
    training = np.flatnonzero(fates == Fate.TRAINING)
    _, first = np.unique(families[training], return_index=True)
    repeated = np.delete(training, first)
    same = same_texts(texts)
    seen = set(same[training[first]].tolist())
    for row in repeated:
        fates[row] = Fate.SAME_TEXT if int(same[row]) in seen else Fate.NEAR_TEXT
        seen.add(int(same[row]))


def _part(fates: Fates, reviews: Sequence[LabelledReview], groups: Ints, choices: Choices) -> None:
    """Take dev and held-out parts from the training reviews, products and families of texts kept together."""
    taken = 0.0
    for part, share in ((Fate.HELD_OUT, choices.held_out_share), (Fate.DEV, choices.dev_share)):
        if not share:
            continue
        rows = np.flatnonzero(fates == Fate.TRAINING)
        left = _of_fate(reviews, fates, Fate.TRAINING)
        fates[rows[held_out_rows(left, groups[rows], share / (1 - taken), choices.seed)]] = part
        require_both_classes(_of_fate(reviews, fates, part), f"{part} reviews, {share:.0%} of all")
        taken += share


def _prove(fates: Fates, reviews: Sequence[LabelledReview], families: Ints, on_leak: OnLeak) -> list[str]:
    """Refuse leaks that were not allowed; those that were, in words."""
    found = list(
        leaks(
            {part.value: _of_fate(reviews, fates, part) for part in PARTS},
            {part.value: families[fates == part] for part in PARTS},
        )
    )
    refused = [leak for leak in found if not _is_allowed(leak, on_leak)]
    if refused:
        raise TrainingDataError(
            "parts leak into each other, so figures would look better than they are: "
            + "; ".join(leak.description for leak in refused)
            + ". Part the data by product, or let --on-leak drop leave such reviews out of training (drop-texts: "
            "only those with the text of another)"
        )
    return [leak.description for leak in found]


def _is_allowed(leak: Leak, on_leak: OnLeak) -> bool:
    if on_leak is OnLeak.FAIL:
        return False
    between_given_parts = leak.one != Fate.TRAINING  # both stay whole, so people are only told
    return between_given_parts or (on_leak is OnLeak.DROP_TEXTS and leak.kind == "product")


def _of_fate(reviews: Sequence[LabelledReview], fates: Fates, fate: Fate) -> list[LabelledReview]:
    return [reviews[row] for row in np.flatnonzero(fates == fate).tolist()]
