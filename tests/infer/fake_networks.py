"""Networks that fail on purpose."""

from dataclasses import dataclass, field

import numpy as np
from tiny_bundles import EMBEDDINGS, POISON_ID

from consumers.infer.session import Logits, Tokens


def mean_of_words(input_ids: Tokens, attention_mask: Tokens) -> Logits:
    """What the tiny network computes."""
    mask = attention_mask[..., None].astype(np.float32)
    with np.errstate(invalid="ignore"):  # nothing at all gives NaN, as it does in onnxruntime
        logits: Logits = (EMBEDDINGS[input_ids] * mask).sum(axis=1) / mask.sum(axis=1)
    return logits


@dataclass
class Recording:
    """Remembers the shape of every call."""

    shapes: list[tuple[int, ...]] = field(default_factory=list)

    def __call__(self, input_ids: Tokens, attention_mask: Tokens) -> Logits:
        self.shapes.append(input_ids.shape)
        return mean_of_words(input_ids, attention_mask)


class RaisesOnPoison(Recording):
    """A whole call fails when one review in it is poison."""

    def __call__(self, input_ids: Tokens, attention_mask: Tokens) -> Logits:
        logits = super().__call__(input_ids, attention_mask)
        if (input_ids == POISON_ID).any():
            raise RuntimeError("index out of range")
        return logits


@dataclass
class FailsOnce(Recording):
    """Out of memory while poison stands alone, and never again."""

    failed: bool = False

    def __call__(self, input_ids: Tokens, attention_mask: Tokens) -> Logits:
        logits = super().__call__(input_ids, attention_mask)
        if not self.failed and (input_ids == POISON_ID).any():
            self.failed = len(input_ids) == 1
            raise MemoryError("out of memory")
        return logits


@dataclass
class SpoilsPoison(Recording):
    """The poisoned row alone comes out as no number."""

    value: float = float("nan")

    def __call__(self, input_ids: Tokens, attention_mask: Tokens) -> Logits:
        logits = super().__call__(input_ids, attention_mask)
        logits[(input_ids == POISON_ID).any(axis=1), 1] = self.value
        return logits


def broken(input_ids: Tokens, attention_mask: Tokens) -> Logits:
    """A provider that has gone away."""
    raise RuntimeError(f"device lost in a call of {len(input_ids)} with {attention_mask.sum()} tokens")
