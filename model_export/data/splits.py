"""Reviews into training, held-out and test parts by product, with the classes in proportion, and the proof of it."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from model_export.data.reviews import LabelledReview
from schemas.errors import TrainingDataError

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

SMALLEST_CLASS = 10
"""Reviews of a class below which nothing can be learned or measured: one of ten is already 10 %."""

MOST_DOMAINS = 30
"""Parts are also in proportion by domain, as long as there are no more than so many."""


def groups_of(reviews: Sequence[LabelledReview], families: Ints) -> Ints:
    """A number for each review: equal for those of one product, or of one family of texts, or linked by both.

    Args:
        reviews: any.
        families: of their texts, as ``near_texts`` gives them: int64 (reviews,).
    """
    count = len(reviews)
    everyone = np.arange(count)
    ends = np.concatenate([_first_with_same(families.tolist()), _first_with_same(products_of(reviews))])
    links = coo_array((np.ones(2 * count), (np.tile(everyone, 2), ends)), shape=(count, count))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)


def folds(reviews: Sequence[LabelledReview], groups: Ints, count: int, seed: int) -> Ints:
    """Which of ``count`` folds each review is in: int64 (reviews,). No group is in two; each has its share of the classes.

    Reviews that stand alone in their group are dealt out one by one, the others by group; the latter takes time with the
    number of groups, and in most shops most products have one review.

    Raises:
        TrainingDataError: a class has too few reviews, or too few products, for so many folds.
    """
    strata = _strata(reviews)
    _, member_of, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    alone = sizes[member_of] == 1
    alone &= np.bincount(strata[alone], minlength=strata.max(initial=0) + 1)[strata] >= count
    fold = np.zeros(len(reviews), dtype=np.int64)
    if alone.any():
        singly = StratifiedKFold(count, shuffle=True, random_state=seed)
        _deal(fold, np.flatnonzero(alone), singly.split(strata[alone], strata[alone]))
    if not alone.all():
        fold[~alone] = _by_group(strata[~alone], groups[~alone], count, seed)
    positive = np.array([(review.polarity or 0.0) >= 0.5 for review in reviews])
    negative = np.array([review.polarity is not None and review.polarity < 0.5 for review in reviews])
    for number in range(count):
        if not (positive[fold == number].any() and negative[fold == number].any()):
            raise TrainingDataError(
                f"too few reviews or products for {count} parts: {positive.sum():,} positive and {negative.sum():,} "
                f"negative reviews in {len(sizes):,} groups by product; add reviews, or ask for fewer or larger parts"
            )
    return fold


def held_out_rows(reviews: Sequence[LabelledReview], groups: Ints, share: float, seed: int) -> Flags:
    """Which reviews to hold out, about ``share`` of them. Bool (reviews,).

    One fold of as many as make that share: the one nearest to it in size, since a product with very many reviews can make
    its fold a large one.

    Raises:
        TrainingDataError: as ``folds`` does.
    """
    count = max(2, round(1 / share))
    fold = folds(reviews, groups, count, seed)
    sizes = np.bincount(fold, minlength=count)
    nearest = int(np.argmin(np.abs(sizes - share * len(reviews))))
    return np.asarray(fold == nearest, dtype=np.bool_)


def require_both_classes(reviews: Sequence[LabelledReview], what: str) -> None:
    """Refuse a part from which polarity cannot be learned or measured.

    Raises:
        TrainingDataError: fewer than ``SMALLEST_CLASS`` reviews of a class.
    """
    known = [review.polarity for review in reviews if review.polarity is not None]
    positive = sum(polarity >= 0.5 for polarity in known)
    negative = len(known) - positive
    if min(positive, negative) >= SMALLEST_CLASS:
        return
    counts = f"{positive:,} positive and {negative:,} negative reviews"
    if known and not (positive and negative):
        raise TrainingDataError(f"{what}: one class only: {counts}; a classifier needs both")
    raise TrainingDataError(f"{what}: too few rows: {counts}; at least {SMALLEST_CLASS} of each are needed")


def shared_rows(one: Sequence[object], other: Sequence[object]) -> Flags:
    """Which of ``one`` have a value that ``other`` has too; None is no value. Bool (one,)."""
    values = set(other) - {None}
    return np.fromiter((value in values for value in one), dtype=np.bool_, count=len(one))


@dataclass(frozen=True)
class Leak:
    """What two parts share, which makes figures measured on one of them look better than they are."""

    kind: Literal["text", "product"]
    one: str
    other: str
    description: str


def leaks(parts: Mapping[str, Sequence[LabelledReview]], families: Mapping[str, Ints]) -> Iterator[Leak]:
    """What stands in two parts: a text, word by word or nearly, or a product.

    Args:
        parts: reviews by the name of their part.
        families: of their texts, numbered alike in all parts: int64 (reviews,) each.
    """
    for one, other in combinations(parts, 2):
        kinds: dict[Literal["text", "product"], tuple[Sequence[object], Sequence[object]]] = {
            "text": (families[one].tolist(), families[other].tolist()),
            "product": (products_of(parts[one]), products_of(parts[other])),
        }
        for kind, (ours, theirs) in kinds.items():
            rows = np.flatnonzero(shared_rows(ours, theirs))
            if len(rows):
                first, example = rows[0], theirs.index(ours[rows[0]])
                yield Leak(
                    kind,
                    one,
                    other,
                    f"{len(rows):,} of {len(ours):,} {one} reviews have the {kind} of a {other} review, for example "
                    f"{parts[one][first].place} that of {parts[other][example].place}",
                )


def products_of(reviews: Sequence[LabelledReview]) -> list[str | None]:
    """The product of each review, None where it is not known."""
    return [review.product_id for review in reviews]


def _first_with_same(values: Sequence[object]) -> list[int]:
    """Position of the first of an equal value; None is equal to nothing."""
    first: dict[object, int] = {}
    return [
        position if value is None else first.setdefault(value, position)
        for position, value in enumerate(values)
    ]


def _strata(reviews: Sequence[LabelledReview]) -> Ints:
    """What parts hold in proportion, as numbers from 0: the polarity, and the domain where there are few."""
    domains = {review.domain for review in reviews}
    by_domain = len(domains) <= MOST_DOMAINS
    names = [
        (
            None if review.polarity is None else review.polarity >= 0.5,
            review.domain if by_domain else None,
        )
        for review in reviews
    ]
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], dtype=np.int64)


def _by_group(strata: Ints, groups: Ints, count: int, seed: int) -> Ints:
    _, member_of = np.unique(groups, return_inverse=True)
    if np.bincount(strata).max() < count or member_of.max() + 1 < count:
        turns = np.random.default_rng(seed).permutation(count)  # a handful: no proportion to speak of
        return np.asarray(turns[member_of % count], dtype=np.int64)
    fold = np.zeros(len(strata), dtype=np.int64)
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of classes with fewer members than folds
        _deal(fold, np.arange(len(strata)), splitter.split(strata, strata, groups))
    return fold


def _deal(fold: Ints, rows: Ints, split: Iterator[tuple[Ints, Ints]]) -> None:
    for number, (_, inside) in enumerate(split):
        fold[rows[inside]] = number
