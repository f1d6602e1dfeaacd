"""The network: an encoder, mean pooling over its tokens, and two logits (polarity, intensity)."""

from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AutoModel, PreTrainedModel

HEADS = ("polarity", "intensity")


class ReviewClassifier(nn.Module):
    """``input_ids`` and ``attention_mask``, both int64 (batch, tokens) -> logits, float (batch, 2)."""

    def __init__(self, encoder: PreTrainedModel, hidden_size: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.Linear(hidden_size, len(HEADS))

    @classmethod
    def from_pretrained(
        cls, folder: str | Path, dropout: float = 0.1, encoder_dropout: float = 0.0
    ) -> "ReviewClassifier":
        """Put fresh heads on a pretrained encoder (a local folder or a name of the hub)."""
        encoder = AutoModel.from_pretrained(
            folder,
            dtype=torch.float32,
            add_pooling_layer=False,
            hidden_dropout_prob=encoder_dropout,
            attention_probs_dropout_prob=encoder_dropout,
            attn_implementation="eager",
        )
        return cls(encoder, encoder.config.hidden_size, dropout)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        mask = attention_mask.unsqueeze(-1).to(self.heads.weight.dtype)  # (batch, tokens, 1)
        # The additive form, made here, keeps a score of mask operators out of the exported graph.
        blocked = (1 - mask).transpose(1, 2).unsqueeze(1) * torch.finfo(
            mask.dtype
        ).min  # (batch, 1, 1, tokens)
        hidden = self.encoder(input_ids=input_ids, attention_mask=blocked).last_hidden_state
        pooled = (hidden * mask).sum(dim=1) / mask.sum(dim=1)  # (batch, hidden)
        logits: Tensor = self.heads(self.dropout(pooled))
        return logits


def masked_loss(
    logits: Tensor, labels: Tensor, weights: Tensor, *, smoothing: float, intensity_weight: float
) -> Tensor:
    """Binary cross-entropy of both heads, each averaged over the rows that have its label.

    Args:
        logits: (batch, 2).
        labels: (batch, 2) of 0, 1 or NaN where unknown.
        weights: (batch,) of each row, applied to its polarity.
        smoothing: how far labels are drawn to 0.5 (Szegedy et al. 2016): star ratings are noisy.
        intensity_weight: share of the intensity head, which far fewer rows can teach.
    """
    known = ~torch.isnan(labels)
    targets = torch.where(known, labels, torch.zeros_like(labels)) * (1 - smoothing) + smoothing / 2
    losses = nn.functional.binary_cross_entropy_with_logits(logits.float(), targets, reduction="none") * known
    losses = losses * torch.stack([weights, torch.ones_like(weights)], dim=1)
    per_head = losses.sum(dim=0) / known.sum(dim=0).clamp(min=1)
    return per_head[0] + intensity_weight * per_head[1]
