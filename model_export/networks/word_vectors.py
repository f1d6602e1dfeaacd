"""Word vectors learned from the given texts before their labels are looked at."""

from collections.abc import Sequence

import numpy as np
import torch
from gensim.models import Word2Vec
from torch import Tensor

SPREAD = 0.25
"""Words without a vector of their own get one within this, which is about how far trained ones spread (Kim 2014, section 3.1)."""


def word_vectors(
    token_ids: Sequence[Sequence[int]], words: int, size: int, *, passes: int, seed: int
) -> Tensor:
    """Skip-gram vectors (Mikolov et al. 2013) of the tokens of ``token_ids``, float32 (``words``, ``size``).

    Args:
        token_ids: of each text; any order.
        words: rows: the vocabulary.
        size: of one vector.
        passes: over the texts; 0 leaves all vectors random.
        seed: the same vectors come of the same one.
    """
    vectors = np.random.default_rng(seed).uniform(-SPREAD, SPREAD, (words, size)).astype(np.float32)
    if passes and any(token_ids):
        model = Word2Vec(
            [[str(token) for token in ids] for ids in token_ids],
            vector_size=size,
            sg=1,
            min_count=1,  # the vocabulary has left out what is rare
            epochs=passes,
            seed=seed,
            workers=1,  # several would share the vectors, and no run would be like another
        )
        rows = [int(word) for word in model.wv.index_to_key]
        vectors[rows] = model.wv.vectors
    return torch.from_numpy(vectors)
