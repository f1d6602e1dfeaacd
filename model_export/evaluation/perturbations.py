"""The measured reviews themselves, changed in ways that leave the meaning: what the changes cost.

Probes of our own are few and short; these are as many and as long as real reviews are.
"""

import random
import re
from collections.abc import Callable, Mapping

import numpy as np

from model_export.evaluation.bootstrap import Bootstrap
from model_export.evaluation.figures import Perturbation
from model_export.evaluation.measured import Measured, OnProgress, Score, score_all, silent
from model_export.evaluation.statistic import Floats, Statistics, ratio

SAMPLE = 500
"""Reviews that are changed: each change is scored anew, and half a point of accuracy needs no more than some hundred."""

FEWEST = 100
"""A change that leaves nearly all reviews as they were, such as upper case in Chinese, is not measured."""

WORD_WITH_TYPO = 0.15
"""Share of the longer words in which two letters change places."""

_LONGER_WORD = re.compile(r"[^\W\d_]{4,}")


def swap_letters(text: str, generator: random.Random) -> str:
    """Let two letters inside of some words change places, as hasty fingers do."""

    def hasty(match: re.Match[str]) -> str:
        word = match.group()
        if generator.random() >= WORD_WITH_TYPO:
            return word
        place = generator.randrange(1, len(word) - 2)
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]

    return _LONGER_WORD.sub(hasty, text)


def perturb(
    measured: Measured, score: Score, bootstrap: Bootstrap, on_progress: OnProgress = silent
) -> tuple[Perturbation, ...]:
    """Change a seeded sample of the reviews, and score them anew."""
    generator = random.Random(bootstrap.seed)
    changes: Mapping[str, Callable[[str], str]] = {
        "upper case": str.upper,
        "lower case": str.lower,
        "typos": lambda text: swap_letters(text, generator),
        "no punctuation": lambda text: re.sub(r"[^\w\s]+", " ", text),
    }
    rows = np.random.default_rng(bootstrap.seed).permutation(len(measured.reviews))[:SAMPLE]
    chosen = np.isin(np.arange(len(measured.reviews)), rows)
    results = [
        _perturb(measured.part(chosen), name, change, score, bootstrap, on_progress)
        for name, change in changes.items()
    ]
    return tuple(result for result in results if result is not None)


def _perturb(
    measured: Measured,
    name: str,
    change: Callable[[str], str],
    score: Score,
    bootstrap: Bootstrap,
    on_progress: OnProgress,
) -> Perturbation | None:
    texts = [change(review.text) for review in measured.reviews]
    differs = np.array([text != review.text for text, review in zip(texts, measured.reviews, strict=True)])
    if differs.sum() < FEWEST:
        return None
    before = measured.part(differs)
    sentiments = score_all(
        score, [texts[row] for row in np.flatnonzero(differs)], f"scoring anew: {name}", on_progress
    )
    after = Measured(before.reviews, sentiments)
    gained = (after.predicted == after.actual).astype(float) - (before.predicted == before.actual)
    flipped = (after.predicted != before.predicted).astype(float)

    def statistics(weights: Floats) -> Statistics:
        total = weights.sum(axis=1)
        return {"change": ratio(weights @ gained, total), "flipped": ratio(weights @ flipped, total)}

    estimates = bootstrap.estimates(statistics, before.groups[0])
    return Perturbation(
        change=name,
        reviews=len(before.reviews),
        accuracy_change=estimates["change"],
        flipped_share=estimates["flipped"],
    )
