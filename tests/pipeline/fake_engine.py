"""A stand-in for the model: what it says of a text depends on that text alone."""

import threading
import time
from collections.abc import Sequence
from zlib import crc32

from consumers.infer.runner import RunFailure
from schemas.events import Intensity, Label, ModelReference, Sentiment

POISON = "poison"
"""The engine fails on texts that contain this."""

MICROS = 1_000_000


class FakeEngine:
    """Takes so long for a batch, or until a test that holds it lets go; ``batches`` are the sizes that it was given."""

    model = ModelReference(name="fake", version="0123456789ab")
    batch_size = 128

    def __init__(self, seconds_a_batch: float = 0.0, poison: str = POISON) -> None:
        self.batches: list[int] = []
        self._poison = poison
        self._seconds_a_batch = seconds_a_batch
        self._open = threading.Event()
        self._open.set()

    def hold(self) -> None:
        """Let the next call of ``score`` wait for ``release``."""
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def score(self, texts: Sequence[str]) -> list[Sentiment | RunFailure]:
        if texts:
            self.batches.append(len(texts))
            assert self._open.wait(120), "held for ever"
            time.sleep(self._seconds_a_batch)
        return [RunFailure("it raised") if self._poison in text else sentiment_of(text) for text in texts]


def sentiment_of(text: str) -> Sentiment:
    """Any mixture of labels and strengths, the same for the same text."""
    digest = crc32(text.encode())
    score = digest % (MICROS + 1) / MICROS
    return Sentiment(
        label=Label.POSITIVE if score >= 0.5 else Label.NEGATIVE,
        score=score,
        intensity=Intensity.STRONG if digest % 3 else Intensity.WEAK,
        intensity_score=digest % 7 / 7,
        confidence=round(max(score, 1 - score), 6),
        needs_review=digest % 5 == 0,
    )
