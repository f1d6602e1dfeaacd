"""Token batches: reviews of like length together, each batch bounded by its padded size."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from model_export.data.reviews import LabelledReview
from model_export.data.tokens import TextEncoder
from model_export.training.plan import Balance

WINDOW_BATCHES = 50
"""Sorting is done within windows of about this many batches, so that batches still differ between epochs."""

LENGTH_MULTIPLE = 8
"""Padded lengths are rounded up to this, which keeps the number of distinct tensor shapes small."""


class TokenisedReviews(Dataset[dict[str, object]]):
    """Reviews as token ids, (polarity, intensity) labels with NaN where unknown, and weights."""

    def __init__(
        self,
        reviews: Sequence[LabelledReview],
        encoder: TextEncoder,
        heaviest: float,
        balance: Balance = "domain",
    ) -> None:
        self.token_ids = encoder.encode([review.text for review in reviews])
        self.labels = [
            [float("nan") if label is None else label for label in (review.polarity, review.intensity)]
            for review in reviews
        ]
        self.weights = balancing_weights(reviews, heaviest, balance)

    def __len__(self) -> int:
        return len(self.token_ids)

    def __getitem__(self, index: int) -> dict[str, object]:
        return {
            "input_ids": self.token_ids[index],
            "labels": self.labels[index],
            "weight": self.weights[index],
        }


class TokenBatches(Sampler[list[int]]):
    """Batches of at most ``tokens_per_batch`` padded tokens, shuffled anew each epoch from ``seed``."""

    def __init__(self, lengths: Sequence[int], tokens_per_batch: int, seed: int) -> None:
        self._lengths = np.asarray(lengths, dtype=np.int64)
        self._tokens_per_batch = tokens_per_batch
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the training loop, so that a resumed epoch draws the same batches."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self._batches(self._epoch))

    def __len__(self) -> int:
        return len(self._batches(self._epoch))

    def _batches(self, epoch: int) -> list[list[int]]:
        generator = np.random.default_rng((self._seed, epoch))
        order = generator.permutation(len(self._lengths))
        mean_length = max(1.0, float(self._lengths.mean()))
        window = max(1, int(WINDOW_BATCHES * self._tokens_per_batch / mean_length))
        batches: list[list[int]] = []
        for start in range(0, len(order), window):
            batches.extend(
                by_length(order[start : start + window].tolist(), self._lengths, self._tokens_per_batch)
            )
        return [batches[i] for i in generator.permutation(len(batches))]


def by_length(
    rows: Sequence[int], lengths: Sequence[int] | npt.NDArray[np.int64], tokens_per_batch: int
) -> Iterator[list[int]]:
    """``rows``, longest first, cut into batches of at most ``tokens_per_batch`` padded tokens."""
    longest_first = sorted(rows, key=lambda row: -int(lengths[row]))
    while longest_first:
        size = max(1, tokens_per_batch // round_up(int(lengths[longest_first[0]])))
        yield longest_first[:size]
        longest_first = longest_first[size:]


def balancing_weights(
    reviews: Sequence[LabelledReview], heaviest: float, balance: Balance = "domain"
) -> list[float]:
    """Weights that balance positive and negative, none above ``heaviest``.

    Within each domain by default: one with hardly any negatives would otherwise teach the shop instead of the feeling.
    """

    def group(review: LabelledReview) -> str:
        return review.domain if balance == "domain" else ""

    def kind(review: LabelledReview) -> tuple[str, bool]:
        # A teacher's probability lies between the classes.
        return group(review), (review.polarity or 0.0) >= 0.5

    kinds = Counter(kind(review) for review in reviews if review.polarity is not None)
    groups = Counter(group(review) for review in reviews if review.polarity is not None)

    def weight(review: LabelledReview) -> float:
        if review.polarity is None:
            return 0.0
        if balance == "none":
            return 1.0
        return min(heaviest, 0.5 * groups[group(review)] / kinds[kind(review)])

    return [weight(review) for review in reviews]


def round_up(length: int) -> int:
    """The next multiple of ``LENGTH_MULTIPLE``."""
    return -(-length // LENGTH_MULTIPLE) * LENGTH_MULTIPLE


def pad(token_ids: Sequence[Sequence[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """Ids of several reviews -> ``input_ids`` and ``attention_mask``, both int64 (batch, tokens)."""
    width = round_up(max(map(len, token_ids)))
    input_ids = torch.full((len(token_ids), width), pad_id, dtype=torch.int64)
    attention_mask = torch.zeros((len(token_ids), width), dtype=torch.int64)
    for row, ids in enumerate(token_ids):
        input_ids[row, : len(ids)] = torch.tensor(ids)
        attention_mask[row, : len(ids)] = 1
    return input_ids, attention_mask
