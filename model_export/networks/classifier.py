"""The network: an encoder that reads a review into one vector, a head, and two logits (polarity, intensity)."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from model_export.networks.design import HeadDesign, Pooling
from model_export.networks.transformer import load_transformer, reader_of

HEADS = ("polarity", "intensity")

Reader = Callable[[nn.Module, Tensor, Tensor], Tensor]
"""Encoder, ``input_ids`` and ``attention_mask`` -> one vector a review, float (batch, width)."""


def call(encoder: nn.Module, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
    """The reader of encoders that give one vector a review by themselves."""
    vectors: Tensor = encoder(input_ids, attention_mask)
    return vectors


class ReviewClassifier(nn.Module):
    """``input_ids`` and ``attention_mask``, both int64 (batch, tokens) -> logits, float (batch, 2).

    Reviews are padded on the right, and what is padded never reaches a logit, whatever the encoder.
    """

    def __init__(
        self, encoder: nn.Module, width: int, head: HeadDesign | None = None, read: Reader = call
    ) -> None:
        super().__init__()
        head = head or HeadDesign()
        self.encoder = encoder
        self.width = width
        """Of the vector of a review."""
        self._read = read
        self.dropout = nn.Dropout(head.dropout)
        self.hidden = hidden_layer(width, head)
        self.heads = nn.Linear(head.hidden_units or width, len(HEADS))

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path,
        dropout: float = 0.1,
        encoder_dropout: float = 0.0,
        *,
        head: HeadDesign | None = None,
        pooling: Pooling | None = None,
        layers: int | None = None,
    ) -> "ReviewClassifier":
        """Put a fresh head on a pretrained transformer (a local folder or a name of the hub), or on its lowest ``layers``.

        Raises:
            ConfigurationError: there is no such transformer, none that reads texts by itself, or none of so many layers.
        """
        encoder = load_transformer(str(name), encoder_dropout, layers)
        head = head or HeadDesign(dropout=dropout)
        return cls(encoder, encoder.config.hidden_size, head, reader_of(encoder.config, pooling))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        vectors = self.read(input_ids, attention_mask)
        logits: Tensor = self.heads(self.hidden(self.dropout(vectors)))
        return logits

    def read(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """The vector of each review, float (batch, width)."""
        return self._read(self.encoder, input_ids, attention_mask)


class BatchNorm(nn.BatchNorm1d):
    """Batch norm that takes a batch of one review by the running figures: one long review can fill a batch."""

    def forward(self, vectors: Tensor) -> Tensor:
        if self.training and len(vectors) == 1:
            return nn.functional.batch_norm(
                vectors, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        return super().forward(vectors)


def hidden_layer(width: int, head: HeadDesign) -> nn.Module:
    """What stands between the vector of a review and the logits: nothing, batch norm, a wide layer, or both."""
    if not head.hidden_units:
        return BatchNorm(width) if head.batch_norm else nn.Identity()
    layers: list[nn.Module] = [nn.Linear(width, head.hidden_units)]
    if head.batch_norm:
        layers.append(BatchNorm(head.hidden_units))
    return nn.Sequential(*layers, nn.ReLU(), nn.Dropout(head.dropout))


def masked_loss(
    logits: Tensor, labels: Tensor, weights: Tensor, *, smoothing: float, intensity_weight: float
) -> Tensor:
    """Binary cross-entropy of both heads, each averaged over the rows that have its label.

    Args:
        logits: (batch, 2).
        labels: (batch, 2) of 0 to 1: a class, a teacher's probability, or NaN where unknown.
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
