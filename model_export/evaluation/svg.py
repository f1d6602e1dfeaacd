"""A plot as inline SVG whose colours are variables of the page, so that it follows light and dark."""

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, MUTED, GRID = "#0a0b01", "#0a0b02", "#0a0b03"
"""Colours of every plot. They stand for ``--ink``, ``--muted`` and ``--grid`` of the page until the SVG is made."""

VARIABLES: Mapping[str, str] = {INK: "--ink", MUTED: "--muted", GRID: "--grid"}

STYLE: Any = {
    "svg.fonttype": "none",  # text stays text, in the fonts of the page
    "svg.hashsalt": "reviewstream",  # the same figures give the same bytes
    "text.parse_math": False,  # names come from data; a dollar sign is no formula
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "text.color": INK,
    "legend.frameon": False,
    "legend.labelcolor": MUTED,
}


@dataclass
class Plot:
    """Where to draw, and the SVG once it is drawn."""

    axes: Axes
    svg: Markup = field(default_factory=Markup)


@contextmanager
def inline_plot(
    says: str, size: tuple[float, float], variables: Mapping[str, str], style: Any = None
) -> Iterator[Plot]:
    """Draw on ``axes`` within; ``svg`` is there afterwards.

    Args:
        says: what the plot shows, for people who cannot see it.
        size: width and height in inches of 72 units; the page scales the plot to its column.
        variables: colours of this kind of plot, by which variable of the page each stands for; with those of every plot.
        style: settings of matplotlib beside ``STYLE``.
    """
    with mpl.rc_context({**STYLE, **(style or {})}):
        figure = Figure(figsize=size, layout="constrained")
        figure.patch.set_alpha(0)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0)
        plot = Plot(axes)
        yield plot
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    plot.svg = _for_page(file.getvalue(), says, {**VARIABLES, **variables})


def _for_page(svg: str, says: str, variables: Mapping[str, str]) -> Markup:
    """An SVG document -> an element: sized by the page, in its colours and font, without ids that could clash."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(
        r'^<svg [^>]*?viewBox="([^"]+)"[^>]*>',
        rf'<svg viewBox="\1" role="img" aria-label="{escape(says)}">',
        svg,
    )
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r"font: ([\d.]+px)[^;\"]*", r"font: \1 var(--sans)", svg)
    svg = svg.replace("xlink:href", "href")
    for colour, variable in variables.items():
        svg = svg.replace(colour, f"var({variable})")
    return Markup(svg)  # noqa: S704 -- matplotlib escapes the names that it is given
