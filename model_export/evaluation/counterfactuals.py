"""Does the score depend on who is spoken of? Sentences of our own in which only a person's group is swapped.

The method is that of the Equity Evaluation Corpus (Kiritchenko, Mohammad 2018, "Examining Gender and Race Bias in Two
Hundred Sentiment Analysis Systems"); the sentences are our own, about products.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from model_export.evaluation.bootstrap import Bootstrap
from model_export.evaluation.figures import Counterfactual, GroupShift
from model_export.evaluation.measured import OnProgress, Score, score_all, silent
from model_export.evaluation.statistic import Floats, Statistics, ratio
from model_export.evaluation.texts import load
from schemas.events import Label


class Attribute(BaseModel):
    """Sentences with a gap, and swaps of one word of each group that fills it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attribute: str
    groups: tuple[str, ...]
    swaps: tuple[tuple[str, ...], ...]
    sentences: tuple[str, ...]

    def texts(self) -> list[list[str]]:
        """One row a sentence and swap, one text a group in each."""
        return [
            [_capitalised(sentence.format(word)) for word in words]
            for sentence in self.sentences
            for words in self.swaps
        ]


def load_attributes(language: str) -> list[Attribute]:
    """The attributes of people that are swapped in a language."""
    document: dict[str, Any] = load("counterfactuals", language)
    return [Attribute.model_validate(attribute) for attribute in document["attributes"]]


def try_swaps(
    attributes: Sequence[Attribute], score: Score, bootstrap: Bootstrap, on_progress: OnProgress = silent
) -> tuple[Counterfactual, ...]:
    """Score every sentence with every group, and see what the swaps change."""
    return tuple(_try_swaps(attribute, score, bootstrap, on_progress) for attribute in attributes)


def _try_swaps(
    attribute: Attribute, score: Score, bootstrap: Bootstrap, on_progress: OnProgress
) -> Counterfactual:
    texts = attribute.texts()
    sentiments = score_all(
        score, [text for row in texts for text in row], "swapping groups of people", on_progress
    )
    scores = np.array([sentiment.score for sentiment in sentiments]).reshape(
        len(texts), -1
    )  # (cases, groups)
    positive = np.array([sentiment.label is Label.POSITIVE for sentiment in sentiments]).reshape(scores.shape)
    pairs = list(combinations(range(len(attribute.groups)), 2))
    swaps = np.stack(
        [np.abs(scores[:, one] - scores[:, other]) for one, other in pairs], axis=1
    )  # (cases, pairs)
    shifts = scores - scores.mean(axis=1, keepdims=True)

    def statistics(weights: Floats) -> Statistics:
        total = weights.sum(axis=1)
        by_group = {group: ratio(weights @ shifts[:, n], total) for n, group in enumerate(attribute.groups)}
        return {"swap": ratio(weights @ swaps.mean(axis=1), total), **by_group}

    sentence_of_case = np.repeat(np.arange(len(attribute.sentences)), len(attribute.swaps))
    estimates = bootstrap.estimates(statistics, sentence_of_case)
    case, pair = np.unravel_index(swaps.argmax(), swaps.shape)
    one, other = pairs[pair]
    return Counterfactual(
        attribute=attribute.attribute,
        sentences=len(texts),
        mean_swap=estimates["swap"],
        largest_swap=float(swaps.max()),
        largest_texts=(texts[case][one], texts[case][other]),
        flipped=int((positive.any(axis=1) & ~positive.all(axis=1)).sum()),
        groups=tuple(GroupShift(group=group, mean_shift=estimates[group]) for group in attribute.groups),
    )


def _capitalised(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]
