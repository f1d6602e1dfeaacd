"""Explains as a model would that looks for certain words."""

import re

from consumers.explain.occlusion import DecidingWord, Explanation
from schemas.events import Intensity, Label, ModelReference, Sentiment

NEGATIVE = Sentiment(
    label=Label.NEGATIVE,
    score=0.02,
    intensity=Intensity.STRONG,
    intensity_score=0.8,
    confidence=0.98,
    needs_review=False,
)


def blame(pattern: str, text: str) -> Explanation:
    """Every text is negative, because of what matches."""
    words = [DecidingWord(*match.span(), -4.9, 0.77) for match in re.finditer(pattern, text)]
    return Explanation(NEGATIVE, words, 0.77, ModelReference(name="test", version="0123456789ab"))
