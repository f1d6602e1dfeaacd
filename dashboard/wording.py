"""How numbers are written for people, on pages and in reports alike."""

NOTHING = "\u2013"
"""Stands where there is no number."""


def number(value: float) -> str:
    """With spaces between thousands, which no language reads as a decimal point."""
    return f"{value:,}".replace(",", "\u202f")


def signed_points(value: float) -> str:
    """A difference of shares in percentage points."""
    rounded = round(value * 100)
    return "±0" if rounded == 0 else f"{rounded:+d}".replace("-", "\u2212")
