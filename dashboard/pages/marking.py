"""A text in pieces, so that a template can mark the words that decided its label."""

from collections.abc import Sequence
from dataclasses import dataclass

from consumers.explain.occlusion import Explanation
from dashboard.counts import StrongNegative
from dashboard.explanations import Explanations
from dashboard.pages.rendering import cut


@dataclass(frozen=True)
class Piece:
    """Some characters of a text, and whether they decided."""

    text: str
    decided: bool


@dataclass(frozen=True)
class MarkedNegative:
    """A strong negative, what is shown of it at first and the rest, and why it is negative, where that is known."""

    negative: StrongNegative
    begins: Sequence[Piece]
    rest: Sequence[Piece]
    explanation: Explanation | None

    @property
    def words(self) -> list[str]:
        """Those that decided, each once, the weightiest first."""
        if self.explanation is None:
            return []
        ordered = sorted(self.explanation.words, key=lambda word: word.weight)
        return list(dict.fromkeys(self.negative.text[word.start : word.end] for word in ordered))


def marked(negative: StrongNegative, explanations: Explanations) -> MarkedNegative:
    """With what is known by now."""
    explanation = explanations.ready(negative.text)
    begins, _ = cut(negative.text)
    spans = [(word.start, word.end) for word in explanation.words] if explanation else []
    return MarkedNegative(
        negative,
        _pieces(negative.text, 0, len(begins), spans),
        _pieces(negative.text, len(begins), len(negative.text), spans),
        explanation,
    )


def _pieces(text: str, first: int, last: int, spans: Sequence[tuple[int, int]]) -> list[Piece]:
    """Characters ``first`` to ``last``; ``spans`` are in order, and some of them may lie outside."""
    pieces, at = [], first
    for span in spans:
        start, end = max(span[0], first), min(span[1], last)
        if start < end:
            pieces += [Piece(text[at:start], decided=False), Piece(text[start:end], decided=True)]
            at = end
    return [piece for piece in [*pieces, Piece(text[at:last], decided=False)] if piece.text]
