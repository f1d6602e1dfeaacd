"""Plot what ``benchmarks.latency --json`` wrote: percentiles against the share of capacity."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

COLOURS = {"p50": "#1b6ca8", "p95": "#2a9d8f", "p99": "#e07a1f", "p99.9": "#b3261e"}
TITLES = {"scored": "until readable on reviews.scored", "counted": "until counted in Redis"}


def main() -> None:
    """Read, draw and write."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("figures", type=Path, help="what --json wrote")
    arguments.add_argument("plot", type=Path, help="to write: .svg or .png")
    options = arguments.parse_args()
    mpl.rcParams["svg.hashsalt"] = "latency"  # the same figures give the same file
    draw(json.loads(options.figures.read_text())).savefig(options.plot, metadata={"Date": None})


def draw(document: Mapping[str, Any]) -> Figure:
    """Two panels with one logarithmic axis of milliseconds."""
    figure = Figure(figsize=(9.0, 3.8), layout="constrained")
    levels: Mapping[str, Any] = document["milliseconds"]
    shares = [float(share.rstrip("%")) for share in levels]
    for axes, (kind, title) in zip(figure.subplots(1, 2, sharey=True), TITLES.items(), strict=True):
        for percentile, colour in COLOURS.items():
            values = [level[kind][percentile] for level in levels.values()]
            axes.plot(shares, values, marker="o", color=colour, label=percentile)
        axes.set(
            title=title, xlabel=f"% of capacity ({document['capacity']:.0f} reviews a second)", yscale="log"
        )
        axes.set_xticks(shares)
        axes.grid(alpha=0.3, which="both")
    figure.axes[0].set_ylabel("milliseconds")
    figure.axes[0].yaxis.set_major_formatter("{x:,.0f}")
    figure.axes[1].legend(frameon=False)
    return figure


if __name__ == "__main__":
    main()
