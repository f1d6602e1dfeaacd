"""TextCNN: filters over word vectors, the strongest answer of each (Kim 2014, "Convolutional Neural Networks for Sentence Classification")."""

import torch
from torch import Tensor, nn

from model_export.networks.design import WordDesign

FILTER_WIDTHS = (3, 4, 5)
"""Words that a filter sees at a time (Kim 2014, section 3.1)."""


class TextCnn(nn.Module):
    """``input_ids`` and ``attention_mask``, int64 (batch, tokens) -> float (batch, ``width``)."""

    def __init__(self, design: WordDesign) -> None:
        super().__init__()
        self.embedding = nn.Embedding(design.words, design.word_size)
        self.dropout = nn.Dropout(design.dropout)
        self.filters = nn.ModuleDict(
            {str(width): nn.Conv1d(design.word_size, design.units, width) for width in FILTER_WIDTHS}
        )
        self.width = design.units * len(FILTER_WIDTHS)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        mask = attention_mask.unsqueeze(1).to(self.embedding.weight.dtype)  # (batch, 1, tokens)
        words = self.dropout(self.embedding(input_ids)).transpose(1, 2) * mask  # (batch, word_size, tokens)
        return torch.cat([self._strongest(width, words, mask) for width in FILTER_WIDTHS], dim=1)

    def _strongest(self, width: int, words: Tensor, mask: Tensor) -> Tensor:
        # A window begins at each word and may reach beyond the last one, where all is zero: in a text that stands
        # alone as in one that is padded. Windows that begin in the padding become 0, which no maximum of ReLU is below.
        answers = self.filters[str(width)](nn.functional.pad(words, (0, width - 1)))  # (batch, units, tokens)
        return (torch.relu(answers) * mask).amax(dim=2)
