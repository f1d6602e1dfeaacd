"""What a network is made of: all that is needed, beside its weights, to build it again from a checkpoint."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Body = Literal["transformer", "textcnn", "bilstm", "lstm"]

Pooling = Literal["mean", "first", "last"]
"""Which token vectors of a transformer stand for the review: the mean of all, the first, or the last."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HeadDesign(_Part):
    """From the vector of a review to two logits: dropout, an optional wide layer, optional batch norm."""

    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    hidden_units: Annotated[int, Field(ge=0)] = 0
    batch_norm: bool = False


class WordDesign(_Part):
    """A network over word vectors that is trained from scratch."""

    words: Annotated[int, Field(ge=1)]
    """Rows of the embedding: tokens of the vocabulary."""
    word_size: Annotated[int, Field(ge=1)] = 300
    """Of one word vector; 300 as in Kim 2014."""
    units: Annotated[int, Field(ge=1)] = 100
    """Feature maps of each filter width, or units of an LSTM in each direction."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Of the word vectors, while training."""


class NetworkDesign(_Part):
    """``network.json`` of a checkpoint."""

    body: Body = "transformer"
    head: HeadDesign = HeadDesign()
    pooling: Pooling | None = None
    """Of a transformer; None is what suits it."""
    word: WordDesign | None = None
    """Of the other bodies."""
