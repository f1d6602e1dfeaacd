"""Crops: a few sentences of a long review as a short training text of their own."""

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from model_export.data.reviews import LabelledReview

LONGEST_CROP = 3
"""Sentences of a crop."""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def crops(
    reviews: Sequence[LabelledReview], each: int, seed: int, *, unlabelled: bool = False
) -> list[LabelledReview]:
    """At most ``each`` crops of every review of more than ``LONGEST_CROP`` sentences, with its polarity.

    Reviews as shops get them are long; a network that saw only those is too sure of itself on a single sentence.
    Many sentences of a positive review are neutral, so crops teach it to give those a moderate score. What a
    crop says of the intensity is unknown.

    Args:
        reviews: long and short ones.
        each: crops of a long one.
        seed: of what is drawn.
        unlabelled: take also reviews of unknown polarity, for a teacher to label their crops.
    """
    generator = random.Random(seed)
    drawn = []
    for review in reviews:
        sentences = _SENTENCE_END.split(review.text)
        if (review.polarity is None and not unlabelled) or len(sentences) <= LONGEST_CROP:
            continue
        for _ in range(each):
            length = generator.randint(1, LONGEST_CROP)
            start = generator.randint(0, len(sentences) - length)
            text = " ".join(sentences[start : start + length])
            if any(map(str.isalpha, text)):
                drawn.append(replace(review, text=text, intensity=None))
    return drawn
