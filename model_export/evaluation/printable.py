"""Texts from data as they may be shown: nothing in them does anything."""


def printable(text: str, most: int) -> str:
    """One line of at most ``most`` characters; control characters, which can turn or hide text, are replaced."""
    text = " ".join(text.split())
    text = "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )
    return text if len(text) <= most else text[: most - 1] + "…"
