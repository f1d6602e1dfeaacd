"""What fine-tuning begins with: one vector a review from a pretrained transformer that was not touched."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from model_export.data.tokens import TextEncoder
from model_export.evaluation.measured import OnProgress, silent
from model_export.evaluation.statistic import Floats
from model_export.networks.pretrained_tokenizer import load_tokenizer
from model_export.networks.transformer import load_transformer, positions, read_config, reader_of
from model_export.training.batches import LENGTH_MULTIPLE, pad

TEXTS_AT_A_TIME = 32


def embed(base: str, texts: Sequence[str], max_length: int, on_progress: OnProgress = silent) -> Floats:
    """Vectors (texts, width), read and pooled as in training, in batches of texts of like length.

    Args:
        base: a folder of a transformer, or its name on the hub.
        texts: what to embed.
        max_length: tokens of a text that are read, if the transformer can read as many.
        on_progress: told how many texts are done.

    Raises:
        ConfigurationError: there is no such transformer.
    """
    config = read_config(base)
    network: nn.Module = load_transformer(base, dropout=0.0)
    network.eval()
    limit = (positions(config) or max_length) // LENGTH_MULTIPLE * LENGTH_MULTIPLE
    encoder = TextEncoder(load_tokenizer(base, config), min(max_length, limit))
    read = reader_of(config, pooling=None)
    token_ids = encoder.encode(texts)
    order = sorted(range(len(texts)), key=lambda row: len(token_ids[row]))
    embedded: dict[int, Floats] = {}
    with torch.inference_mode():
        for start in range(0, len(order), TEXTS_AT_A_TIME):
            rows = order[start : start + TEXTS_AT_A_TIME]
            vectors = read(network, *pad([token_ids[row] for row in rows], encoder.pad_id))  # (batch, width)
            embedded.update(zip(rows, vectors.double().numpy(), strict=True))
            on_progress("embedding with the encoder before fine-tuning", len(embedded), len(order))
    return np.stack([embedded[row] for row in range(len(texts))])
