"""LSTM with attention over its states, in one direction or both.

The attention is that of Zhou et al. 2016, "Attention-Based Bidirectional Long Short-Term Memory Networks for Relation Classification",
section 3.3: a = softmax(w . tanh(H)), vector = tanh(H a). The states of both directions are joined instead of added.
"""

import torch
from torch import Tensor, nn

from model_export.networks.design import WordDesign


class AttentiveLstm(nn.Module):
    """``input_ids`` and ``attention_mask``, int64 (batch, tokens) -> float (batch, ``width``)."""

    def __init__(self, design: WordDesign, *, both_directions: bool) -> None:
        super().__init__()
        self.embedding = nn.Embedding(design.words, design.word_size)
        self.dropout = nn.Dropout(design.dropout)
        self.forwards = nn.LSTM(design.word_size, design.units, batch_first=True)
        self.backwards = (
            nn.LSTM(design.word_size, design.units, batch_first=True) if both_directions else None
        )
        self.width = design.units * (2 if both_directions else 1)
        self.attention = nn.Linear(self.width, 1, bias=False)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        words = self.dropout(self.embedding(input_ids))  # (batch, tokens, word_size)
        states = self.forwards(words)[
            0
        ]  # (batch, tokens, units); padding on the right comes too late to matter
        if self.backwards is not None:
            mirror = _mirror(attention_mask)
            from_the_end = _reordered(self.backwards(_reordered(words, mirror))[0], mirror)
            states = torch.cat([states, from_the_end], dim=2)
        lowest = torch.finfo(states.dtype).min
        scores = self.attention(torch.tanh(states)).squeeze(2) + (1 - attention_mask) * lowest
        shares = torch.softmax(scores, dim=1).unsqueeze(2)  # (batch, tokens, 1); 0 where padded
        return torch.tanh((states * shares).sum(dim=1))


def _mirror(attention_mask: Tensor) -> Tensor:
    """Where each token goes when a review is turned round within its own length; padding stays where it is."""
    place = torch.cumsum(torch.ones_like(attention_mask), dim=1) - 1
    length = attention_mask.sum(dim=1, keepdim=True)
    return torch.where(attention_mask == 1, length - 1 - place, place)


def _reordered(vectors: Tensor, order: Tensor) -> Tensor:
    """(batch, tokens, size) by ``order`` (batch, tokens)."""
    return vectors.gather(1, order.unsqueeze(2).expand(-1, -1, vectors.shape[2]))
