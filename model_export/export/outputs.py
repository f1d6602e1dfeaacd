"""What the outputs of an existing classifier stand for: negative and positive, or one to five stars."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.errors import BundleError

GENERIC = re.compile(r"label_\d+")
"""What transformers calls outputs that nobody named."""

WORDS = {
    "very negative": 1,
    "negative": 2,
    "neg": 2,
    "neutral": 3,
    "neu": 3,
    "mixed": 3,
    "positive": 4,
    "pos": 4,
    "very positive": 5,
}
"""Places on the scale of five stars, for what people call their outputs."""


@dataclass(frozen=True)
class Outputs:
    """Indices of the outputs by what they stand for; what stands in the middle is in none of them."""

    negative: tuple[int, ...]
    positive: tuple[int, ...]
    extreme: tuple[int, ...] = ()
    """Of one and five stars; empty where the classifier does not grade."""
    moderate: tuple[int, ...] = ()
    """Of two and four stars."""


def read_outputs(names: Sequence[str]) -> Outputs:
    """From the outputs' names, in their order: two or three of polarity, or five of stars.

    Known are stars ("1 star", "5 stars", "4"), words ("negative", "very positive", "NEU") and the generic names of
    transformers ("LABEL_0"), which are taken to go from worst to best.

    Raises:
        BundleError: it is another number of outputs, or a name says nothing; ``--outputs`` can say it then.
    """
    if len(names) not in (2, 3, 5):
        raise BundleError(
            f"a classifier of two, three or five outputs is needed, not of {len(names)}: {', '.join(names)}"
        )
    plain = [" ".join(re.split(r"[\s_-]+", name.strip().lower())) for name in names]
    if all(GENERIC.fullmatch(name.replace(" ", "_")) for name in plain):
        return _by_rank(range(len(names)))
    places = [_place(name) for name in plain]
    known = [place for place in places if place is not None]
    if len(set(known)) < len(names) or (len(names) < 5 and not _has_two_sides(known)):
        raise BundleError(
            f"which outputs are good and which bad does not follow from their names: {', '.join(names)}; "
            "say it in their order, as in --outputs negative,positive or --outputs 1,2,3,4,5"
        )
    return _by_rank([sorted(known).index(place) for place in known])


def _place(name: str) -> int | None:
    stars = re.fullmatch(r"([1-5])( ?stars?)?", name)
    return int(stars[1]) if stars else WORDS.get(name)


def _has_two_sides(places: Sequence[int]) -> bool:
    middle = [place for place in places if place == 3]
    return min(places) < 3 < max(places) and len(middle) == len(places) - 2


def _by_rank(ranks: Sequence[int]) -> Outputs:
    """From the rank of each output, 0 the worst."""
    at = {rank: output for output, rank in enumerate(ranks)}
    if len(at) < 5:
        return Outputs(negative=(at[0],), positive=(at[len(at) - 1],))
    return Outputs(
        negative=(at[0], at[1]), positive=(at[3], at[4]), extreme=(at[0], at[4]), moderate=(at[1], at[3])
    )
