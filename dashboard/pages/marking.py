"""A text in pieces, so that a template can mark the words that decided its label."""

from collections.abc import Sequence
from dataclasses import dataclass

from consumers.explain.occlusion import Explanation
from dashboard.explanations import Explanations
from dashboard.pages.rendering import cut


@dataclass(frozen=True)
class Piece:
    """Some characters of a text, and whether they decided."""

    text: str
    decided: bool


@dataclass(frozen=True)
class MarkedText:
    """What is shown of a text at first and the rest, and why it has its label, where that is known."""

    text: str
    begins: Sequence[Piece]
    rest: Sequence[Piece]
    explanation: Explanation | None

    @property
    def words(self) -> list[str]:
        """Those that decided, each once, the weightiest first."""
        if self.explanation is None:
            return []
        ordered = sorted(self.explanation.words, key=lambda word: -abs(word.weight))
        return list(dict.fromkeys(self.text[word.start : word.end] for word in ordered))


def marked(text: str, explanations: Explanations) -> MarkedText:
    """With what is known by now."""
    explanation = explanations.ready(text)
    begins, _ = cut(text)
    spans = [(word.start, word.end) for word in explanation.words] if explanation else []
    return MarkedText(
        text,
        _pieces(text, 0, len(begins), spans),
        _pieces(text, len(begins), len(text), spans),
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
