"""A labelled review as one line for people. Reviews are hostile input: nothing of them reaches a terminal raw."""

from datetime import UTC

from rich.text import Text

from schemas.events import Intensity, Label, ScoredReview

EXCERPT_CHARACTERS = 80

_JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
"""Harmless, and needed by emoji and by scripts such as Persian."""

_MARKS = {Label.POSITIVE: "▲", Label.NEGATIVE: "▼"}
_STYLES = {
    (Label.POSITIVE, Intensity.STRONG): "bold green",
    (Label.POSITIVE, Intensity.WEAK): "green",
    (Label.NEGATIVE, Intensity.STRONG): "bold red",
    (Label.NEGATIVE, Intensity.WEAK): "red",
}


def harmless(text: str, limit: int | None = None) -> str:
    """One line that cannot steer a terminal: control characters, escapes and marks that turn the direction are �.

    Args:
        text: of whatever origin.
        limit: cut to this many characters, with an ellipsis.
    """
    line = " ".join(text.split())
    if limit is not None and len(line) > limit:
        line = line[: limit - 1] + "…"
    return "".join(
        character if character.isprintable() or character in _JOINERS else "\N{REPLACEMENT CHARACTER}"
        for character in line
    )


def format_scored(scored: ScoredReview) -> Text:
    """Time of writing (UTC), product, channel, sentiment with P(positive), stars and an excerpt.

    A question mark after the score says that a person should look. ``.plain`` is the line without colours.
    """
    written = scored.created_at.astimezone(UTC)
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{written:%Y-%m-%d %H:%M:%SZ} ", "dim")
    line.append(harmless(scored.product_id), "cyan")
    line.append(f" {scored.channel} ")
    sentiment = scored.sentiment
    if sentiment is None:
        line.append("✕ deleted", "dim")
        return line.append(f" {harmless(scored.review_id)}", "dim")
    line.append(
        f"{_MARKS[sentiment.label]} {sentiment.intensity} {sentiment.label} {sentiment.score:.3f}",
        _STYLES[sentiment.label, sentiment.intensity],
    )
    line.append("? " if sentiment.needs_review else " ", "yellow")
    if scored.rating is not None:
        line.append(f"{scored.rating:g}★ ", "yellow")
    return line.append(harmless(scored.text or "", EXCERPT_CHARACTERS))
