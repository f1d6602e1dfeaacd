"""What the bundle is compared with: counting words, and the encoder as it was before fine-tuning."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from model_export.data.duplicates import without_texts_of
from model_export.data.reviews import LabelledReview
from model_export.evaluation.bootstrap import Estimates
from model_export.evaluation.figures import Reference
from model_export.evaluation.measured import Measured, OnProgress, is_positive, silent, with_polarity
from model_export.evaluation.statistic import Floats, Statistics, classification, roc_auc
from schemas.errors import TrainingDataError

WORD = r"[぀-ヿ㐀-鿿]|[^\W぀-ヿ㐀-鿿]+"
"""A word, or one Chinese or Japanese character, which are written without spaces."""

PROBE_REVIEWS = 4000
"""Training reviews whose embeddings are made: a linear layer on some hundred numbers learns little from more."""

PROBE_TOKENS = 128

Name = Literal["bag_of_words", "frozen_encoder"]


@dataclass(frozen=True)
class ReferenceScores:
    """Another classifier's P(positive) of each measured review."""

    name: Name
    how: str
    trained_on: int
    scores: Floats


def compare(
    train: Sequence[LabelledReview],
    base: str | None,
    measured: Sequence[LabelledReview],
    *,
    seed: int,
    on_progress: OnProgress = silent,
) -> list[ReferenceScores]:
    """Teach a bag of words, and the encoder ``base`` if there is one, and let them score the measured reviews.

    Raises:
        TrainingDataError: too few reviews are left to learn from.
        ConfigurationError: there is no such encoder.
    """
    taught, texts = training_reviews(train, measured), [review.text for review in measured]
    on_progress("counting words", 0, 1)
    compared = [bag_of_words(taught, texts)]
    if base is not None:
        compared.append(frozen_encoder(base, taught, texts, seed, on_progress))
    return compared


def training_reviews(
    train: Sequence[LabelledReview], measured: Sequence[LabelledReview]
) -> list[LabelledReview]:
    """Reviews that references may learn from: with a polarity, and none of the measured texts.

    Raises:
        TrainingDataError: too few are left.
    """
    kept = without_texts_of((review for review in train if review.polarity is not None), measured)
    try:
        return with_polarity(kept)
    except TrainingDataError as error:
        raise TrainingDataError(f"training data, less the measured texts: {error}") from error


def bag_of_words(train: Sequence[LabelledReview], texts: Sequence[str]) -> ReferenceScores:
    """Logistic regression on the counts of words and pairs of words: the bar that a network has to clear."""
    return ReferenceScores(
        name="bag_of_words",
        how="logistic regression on TF-IDF of words and pairs of words",
        trained_on=len(train),
        scores=word_classifier(train).predict_proba(list(texts))[:, 1],
    )


def word_classifier(train: Sequence[LabelledReview]) -> Pipeline:
    """The bag of words, trained on reviews of known polarity."""
    pipeline = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=WORD),
        LogisticRegression(C=10, max_iter=1000),
    )
    pipeline.fit([review.text for review in train], _labels(train))
    return pipeline


def frozen_encoder(
    base: str,
    train: Sequence[LabelledReview],
    texts: Sequence[str],
    seed: int,
    on_progress: OnProgress = silent,
) -> ReferenceScores:
    """The pretrained encoder before fine-tuning: its embeddings untouched, a logistic regression on top.

    An untrained head would say nothing, so that "before" needs some classifier; a linear one shows what the encoder
    already knew (a linear probe: Alain, Bengio 2017).

    Args:
        base: folder of the pretrained encoder, or its name on the hub.
        train: reviews to learn the linear layer from; a seeded sample of ``PROBE_REVIEWS`` if there are more.
        texts: what to score.
        seed: of the sample.
        on_progress: told how many texts are embedded.
    """
    from model_export.evaluation.embeddings import embed  # noqa: PLC0415 -- the only one that needs torch

    if len(train) > PROBE_REVIEWS:
        chosen = np.random.default_rng(seed).choice(len(train), PROBE_REVIEWS, replace=False)
        train = [train[row] for row in chosen]
    embedded = embed(base, [*(review.text for review in train), *texts], PROBE_TOKENS, on_progress)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    pipeline.fit(embedded[: len(train)], _labels(train))
    return ReferenceScores(
        name="frozen_encoder",
        how=f"the encoder before fine-tuning: logistic regression on its vector of a review, {PROBE_TOKENS} tokens",
        trained_on=len(train),
        scores=pipeline.predict_proba(embedded[len(train) :])[:, 1],
    )


def reference_statistics(
    measured: Measured, references: Sequence[ReferenceScores], weights: Floats
) -> Statistics:
    """Figures of each reference, and what the bundle has over it on the same resamples."""
    figures: dict[str, Floats] = {}
    bundle = classification(weights, measured.predicted, measured.actual)["accuracy"]
    for reference in references:
        prefix = f"{reference.name}_"
        figures |= classification(weights, reference.scores >= 0.5, measured.actual, prefix)
        figures[f"{prefix}roc_auc"] = roc_auc(weights, reference.scores, measured.actual)
        figures[f"{prefix}gain"] = bundle - figures[f"{prefix}accuracy"]
    return figures


def read_references(references: Sequence[ReferenceScores], estimates: Estimates) -> tuple[Reference, ...]:
    """The estimates of ``reference_statistics`` by meaning."""
    return tuple(
        Reference(
            name=reference.name,
            how=reference.how,
            trained_on=reference.trained_on,
            accuracy=estimates[f"{reference.name}_accuracy"],
            macro_f1=estimates.get(f"{reference.name}_macro_f1"),
            roc_auc=estimates[f"{reference.name}_roc_auc"],
            accuracy_gain=estimates[f"{reference.name}_gain"],
        )
        for reference in references
    )


def _labels(train: Sequence[LabelledReview]) -> list[int]:
    return [int(is_positive(review)) for review in train]
