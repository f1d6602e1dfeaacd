"""Embeddings of a pretrained encoder, untouched: the mean of its last layer over the tokens of a text."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModel

from model_export.data.tokens import TextEncoder
from model_export.evaluation.measured import OnProgress, silent
from model_export.evaluation.statistic import Floats
from model_export.training.batches import pad

TEXTS_AT_A_TIME = 32


def embed(base: Path, texts: Sequence[str], max_length: int, on_progress: OnProgress = silent) -> Floats:
    """Embeddings (texts, hidden size), in batches of texts of like length.

    Args:
        base: folder of the encoder with its ``tokenizer.json``.
        texts: what to embed.
        max_length: tokens of a text that are read.
        on_progress: told how many texts are done.
    """
    network = AutoModel.from_pretrained(base, dtype=torch.float32).eval()
    positions = getattr(network.config, "max_position_embeddings", max_length)
    encoder = TextEncoder.from_folder(base, min(max_length, positions))
    token_ids = encoder.encode(texts)
    order = sorted(range(len(texts)), key=lambda row: len(token_ids[row]))
    embedded: dict[int, Floats] = {}
    with torch.inference_mode():
        for start in range(0, len(order), TEXTS_AT_A_TIME):
            rows = order[start : start + TEXTS_AT_A_TIME]
            input_ids, attention_mask = pad([token_ids[row] for row in rows], encoder.pad_id)
            hidden = network(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            mask = attention_mask.unsqueeze(-1)  # (batch, tokens, 1)
            pooled = (hidden * mask).sum(dim=1) / mask.sum(dim=1)  # (batch, hidden)
            embedded.update(zip(rows, pooled.double().numpy(), strict=True))
            on_progress("embedding with the encoder before fine-tuning", len(embedded), len(order))
    return np.stack([embedded[row] for row in range(len(texts))])
