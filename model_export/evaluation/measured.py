"""Labelled reviews beside what the model said of them, as arrays; refused where they cannot be measured."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from model_export.data.reviews import LabelledReview
from model_export.evaluation.bootstrap import group_rows
from model_export.evaluation.statistic import Bools, Floats
from schemas.errors import TrainingDataError
from schemas.events import Intensity, Label, Sentiment

Score = Callable[[Sequence[str]], Sequence[Sentiment]]
"""The bundle as it is served: texts -> one sentiment each."""

OnProgress = Callable[[str, int, int], None]
"""Told what is being done, and how much of how much."""

FEWEST_OF_A_CLASS = 10
"""Below this an interval says nothing, and some resamples would have one class only."""

TEXTS_AT_A_TIME = 64


def silent(what: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class Measured:
    """Reviews with a polarity, and the sentiment that the bundle gave each."""

    reviews: Sequence[LabelledReview]
    sentiments: Sequence[Sentiment]

    @cached_property
    def scores(self) -> Floats:
        return np.array([sentiment.score for sentiment in self.sentiments])

    @cached_property
    def intensity_scores(self) -> Floats:
        return np.array([sentiment.intensity_score for sentiment in self.sentiments])

    @cached_property
    def predicted(self) -> Bools:
        """The label given is positive."""
        return np.array([sentiment.label is Label.POSITIVE for sentiment in self.sentiments])

    @cached_property
    def actual(self) -> Bools:
        """The label of the data is positive."""
        return np.array([is_positive(review) for review in self.reviews])

    @cached_property
    def predicted_strong(self) -> Bools:
        return np.array([sentiment.intensity is Intensity.STRONG for sentiment in self.sentiments])

    @cached_property
    def flagged(self) -> Bools:
        """A person should look."""
        return np.array([sentiment.needs_review for sentiment in self.sentiments])

    @cached_property
    def groups(self) -> tuple[npt.NDArray[np.int64], bool]:
        """The number of each review's group for resampling, and whether groups are products."""
        return group_rows([review.product_id for review in self.reviews])

    def part(self, chosen: Bools) -> "Measured":
        """The reviews where ``chosen`` is true."""
        rows = np.flatnonzero(chosen).tolist()
        return Measured([self.reviews[row] for row in rows], [self.sentiments[row] for row in rows])


def is_positive(review: LabelledReview) -> bool:
    """What its label says; a probability between the labels counts for the nearer one."""
    return review.polarity is not None and review.polarity >= 0.5


def expected_stars(sentiment: Sentiment) -> float:
    """How the customer feels on one scale, 1 to 5, by both heads.

    Strong is an extreme rating, weak a moderate one: of a positive review 5 or 4 stars, of a negative one 1 or 2. This is the
    mean of the four, each weighed by its probability.
    """
    strong = sentiment.intensity_score
    return sentiment.score * (4 + strong) + (1 - sentiment.score) * (2 - strong)


def with_polarity(reviews: Sequence[LabelledReview]) -> list[LabelledReview]:
    """The reviews that can be measured.

    Raises:
        TrainingDataError: too few of a class, or of both.
    """
    usable = [review for review in reviews if review.polarity is not None]
    positive = sum(map(is_positive, usable))
    negative = len(usable) - positive
    if min(positive, negative) < FEWEST_OF_A_CLASS:
        raise TrainingDataError(
            f"{positive:,} positive and {negative:,} negative reviews: measuring needs at least "
            f"{FEWEST_OF_A_CLASS} of each (a label of 1 or 0, or a rating other than three stars)"
        )
    return usable


def score_all(
    score: Score, texts: Sequence[str], what: str, on_progress: OnProgress = silent
) -> list[Sentiment]:
    """Score many texts, and say how far it is."""
    sentiments: list[Sentiment] = []
    for start in range(0, len(texts), TEXTS_AT_A_TIME):
        sentiments += score(texts[start : start + TEXTS_AT_A_TIME])
        on_progress(what, len(sentiments), len(texts))
    return sentiments
