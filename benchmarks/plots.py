"""Plots of ``docs/speed.md``, ``docs/latency.md`` and ``docs/engine.md``, from the JSON files that the benchmarks wrote beside them.

``python -m benchmarks.plots docs/benchmarks`` draws what it finds there: ``peers.json``, ``pipeline.json``, ``memory.json``,
``scale.json``, ``latency.json``, ``engine.json``.
"""

import argparse
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

OURS, THEIRS, LIMIT, INK = "#0b6e4f", "#9aa5b1", "#d98e04", "#5b6770"
"""Told apart in grey too, and legible on a light and on a dark page."""

STYLE: Any = {
    "svg.hashsalt": "reviewstream",  # the same figures give the same bytes
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    **dict.fromkeys(
        ("axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "text.color", "axes.titlecolor"),
        INK,
    ),
}

Figures = Mapping[str, Any]


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", default=Path("docs/benchmarks"))
    folder: Path = parser.parse_args().folder
    for name, draw in PLOTS.items():
        if (source := folder / f"{name}.json").exists():
            with mpl.rc_context(STYLE):
                draw(json.loads(source.read_text())).savefig(
                    folder / f"{name}.svg", metadata={"Date": None}, transparent=True
                )
            print(folder / f"{name}.svg")


def peers(figures: Figures) -> Figure:
    """One bar a peer, and ours."""
    rates = {name: statistics.median(of_name) for name, of_name in figures["rounds"].items()}
    rows = sorted(rates.items(), key=lambda row: row[1])
    colours = [OURS if name.startswith("reviewstream") else THEIRS for name, _ in rows]
    return bars("reviews a second, more is better", rows, colours)


def pipeline(figures: Figures) -> Figure:
    """The engine and both deliveries."""
    rows = [
        (name.replace(", reviews/s", ""), value) for name, value in figures.items() if "reviews/s" in name
    ]
    colours = [LIMIT if name.startswith("engine") else OURS for name, _ in rows]
    return bars("reviews a second, more is better", rows[::-1], colours[::-1])


def scale(figures: Figures) -> Figure:
    """Processor time a review of each stage, the network apart."""
    suffix = ", us of CPU a review"
    rows = [(name.removesuffix(suffix), value) for name, value in figures.items() if name.endswith(suffix)]
    return bars("microseconds of one core a review, less is better", rows[::-1], [THEIRS] * len(rows))


def memory(figures: Figures) -> Figure:
    """Resident memory of each process over its run."""
    figure, axes = _axes(2.6)
    for (name, samples), colour in zip(
        figures["samples, seconds and MB"].items(), (OURS, LIMIT, THEIRS), strict=True
    ):
        end = samples[-1][0] or 1
        axes.plot([100 * at / end for at, _ in samples], [mb for _, mb in samples], colour, label=name)
    axes.set(xlabel="% of the run", ylabel="resident MB", ylim=(0, None))
    axes.legend(frameon=False)
    return figure


def latency(figures: Figures) -> Figure:
    """Percentiles against the share of capacity, to both ends of the pipeline."""
    levels: Mapping[str, Any] = figures["milliseconds"]
    shares = [float(share.rstrip("%")) for share in levels]
    figure = Figure(figsize=(7.5, 3.2), layout="constrained")
    ends = {"scored": "until readable on reviews.scored", "counted": "until counted in Redis"}
    for axes, (end, title) in zip(figure.subplots(1, 2, sharey=True), ends.items(), strict=True):
        for percentile, colour in {"p50": OURS, "p95": THEIRS, "p99": LIMIT, "p99.9": INK}.items():
            values = [level[end][percentile] for level in levels.values()]
            axes.plot(shares, values, marker="o", color=colour, label=percentile)
        axes.set(title=title, xlabel=f"% of {figures['capacity']:.0f} reviews a second", yscale="log")
        axes.set_xticks(shares)
        axes.yaxis.set_major_formatter("{x:,.0f}")
    figure.axes[0].set_ylabel("milliseconds")
    figure.axes[0].legend(frameon=False)
    return figure


def engine(figures: Figures) -> Figure:
    """Forms by reviews a second; below, tokens a second by length where they were measured."""
    forms = sorted(figures["forms"], key=lambda row: row["reviews_per_second"])
    lengths = figures.get("lengths", [])
    heights = [0.32 * len(forms), 3][: 2 if lengths else 1]
    figure = Figure(figsize=(9, sum(heights) + 1), layout="constrained")
    rates, *rest = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights).ravel()
    drawn = rates.barh(
        [row["form"] for row in forms],
        [row["reviews_per_second"] for row in forms],
        color=[THEIRS if row["form"].startswith(("OpenVINO", "torch")) else OURS for row in forms],
    )
    rates.bar_label(drawn, fmt="%.0f", padding=3)
    rates.set_xlabel(
        f"reviews a second, {figures['tokens, mean']:.0f} tokens at the mean; {figures['cores']} cores of {figures['processor']}"
    )
    for axes in rest:
        tokens = [row["tokens"] for row in lengths]
        axes.plot(tokens, [row["tokens_per_second"] for row in lengths], "o-", color=OURS)
        axes.set(
            ylim=(0, None),
            xlabel="tokens of each review; int8, one review a call, a call on each core",
            ylabel="tokens a second",
        )
    return figure


def bars(says: str, rows: Sequence[tuple[str, float]], colours: Sequence[str]) -> Figure:
    """Horizontal, the last row on top, each with its number."""
    figure, axes = _axes(0.5 + 0.3 * len(rows))
    drawn = axes.barh([name for name, _ in rows], [value for _, value in rows], color=colours, height=0.65)
    axes.bar_label(drawn, fmt=lambda value: f"{value:,.0f}", padding=3)
    axes.set_xlabel(says)
    axes.margins(x=0.12)
    return figure


def _axes(height: float) -> tuple[Figure, Any]:
    figure = Figure(figsize=(7.5, height), layout="constrained")
    return figure, figure.add_subplot()


PLOTS: Mapping[str, Callable[[Figures], Figure]] = {
    "peers": peers,
    "pipeline": pipeline,
    "scale": scale,
    "memory": memory,
    "latency": latency,
    "engine": engine,
}


if __name__ == "__main__":
    main()
