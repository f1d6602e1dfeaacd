"""The figures of ``benchmarks.engine`` as a plot: ``python -m benchmarks.engine_plot engine.json engine.svg``."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

OURS, OTHERS = "#2b6cb0", "#a0aec0"
"""Both hold on light and on dark pages."""

STYLE: Any = {
    "svg.hashsalt": "reviewstream",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
"""The same figures give the same bytes."""


def main() -> None:
    """Read, draw, write."""
    source, target = map(Path, sys.argv[1:])
    with mpl.rc_context(STYLE):
        draw(json.loads(source.read_text())).savefig(
            target, metadata={"Date": None, "Creator": None}, facecolor="white"
        )


def draw(figures: Mapping[str, Any]) -> Figure:
    """Forms by reviews a second; below, tokens a second by length where they were measured."""
    forms = sorted(figures["forms"], key=lambda row: row["reviews_per_second"])
    lengths = figures.get("lengths", [])
    figure = Figure(figsize=(9, 0.32 * len(forms) + (4 if lengths else 1)), layout="constrained")
    bars, *rest = figure.subplots(
        2 if lengths else 1, 1, squeeze=False, height_ratios=[0.32 * len(forms), 3][: 2 if lengths else 1]
    ).ravel()
    rates = [row["reviews_per_second"] for row in forms]
    drawn = bars.barh(
        [row["form"] for row in forms],
        rates,
        color=[OTHERS if row["form"].startswith(("OpenVINO", "torch")) else OURS for row in forms],
    )
    bars.bar_label(drawn, fmt="%.0f", padding=3)
    bars.set_xlabel(
        f"reviews a second, {figures['tokens, mean']:.0f} tokens at the mean; {figures['cores']} cores of {figures['processor']}"
    )
    for axes in rest:
        axes.plot(
            [row["tokens"] for row in lengths],
            [row["tokens_per_second"] for row in lengths],
            "o-",
            color=OURS,
        )
        axes.set_ylim(bottom=0)
        axes.set_xlabel("tokens of each review; int8, one review a call, a call on each core")
        axes.set_ylabel("tokens a second")
    return figure


if __name__ == "__main__":
    main()
