"""The report's plots as inline SVG whose colours are variables of the page, so that they follow light and dark."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from model_export.evaluation.figures import Bin, Calibration, Confusion, Curves, Estimate
from model_export.evaluation.printable import printable
from model_export.evaluation.svg import MUTED, Plot, inline_plot

FIRST, SECOND, TINT = (f"#0a0b0{n}" for n in range(4, 7))
VARIABLES: Mapping[str, str] = {
    FIRST: "--first",
    SECOND: "--second",
    TINT: "--tint",
}
"""Colours of these plots, and the variables of the page that they stand for."""

WIDTH = 4.4
HEIGHT = 3.5
ROW_HEIGHT = 0.24
"""Inches of 72 units; the page scales a plot to its column."""

LONGEST_NAME = 24

FEWEST_OF_A_BIN = 10
"""Bins of fewer reviews are left out of the reliability diagram: their dots would lie anywhere."""


@dataclass(frozen=True)
class Row:
    """One line of a plot of intervals."""

    name: str
    estimate: Estimate
    faint: bool = False


def _plot(title: str, height: float = HEIGHT) -> AbstractContextManager[Plot]:
    return inline_plot(title, (WIDTH, height), VARIABLES, {"lines.solid_capstyle": "round"})


def reliability(calibration: Calibration) -> Markup:
    """Share of positives over score, before and after temperature scaling."""
    with _plot("Reliability diagram") as plot:
        axes = plot.axes
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (2, 3)), label="honest")
        _bins(axes, calibration.bins_before, SECOND, "before scaling")
        _bins(axes, calibration.bins_after, FIRST, "after scaling", intervals=True)
        axes.set(xlabel="score", ylabel="share that is positive", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        axes.legend(loc="lower right")
    return plot.svg


def roc(curves: Curves, area: Estimate) -> Markup:
    """True positive rate over false positive rate."""
    with _plot("ROC curve") as plot:
        axes = plot.axes
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
        false_rate, true_rate = zip(*curves.roc, strict=True)
        axes.fill_between(false_rate, true_rate, color=TINT, linewidth=0)
        axes.plot(false_rate, true_rate, color=FIRST, linewidth=2)
        axes.text(0.95, 0.08, f"area {area.value:.3f}", ha="right", fontsize=11)
        axes.set(
            xlabel="negative reviews called positive",
            ylabel="positive reviews found",
            xlim=(-0.02, 1.02),
            ylim=(-0.02, 1.02),
        )
    return plot.svg


def confusion(counts: Confusion) -> Markup:
    """Four tiles: what customers felt, against what the model said."""
    rows = (
        ("positive", counts.true_positive, counts.false_negative),
        ("negative", counts.false_positive, counts.true_negative),
    )
    with _plot("Confusion matrix") as plot:
        axes = plot.axes
        for y, (_, *cells) in enumerate(rows):
            for x, count in enumerate(cells):
                share = count / max(1, sum(cells))
                colour = FIRST if x == y else SECOND
                axes.fill_between(
                    [x + 0.03, x + 0.97],
                    y + 0.03,
                    y + 0.97,
                    color=colour,
                    alpha=0.08 + 0.3 * share,
                    linewidth=0,
                )
                axes.text(x + 0.5, y + 0.46, f"{count:,}", ha="center", va="center", fontsize=16)
                axes.text(x + 0.5, y + 0.68, f"{share:.1%} of row", ha="center", va="center", color=MUTED)
        axes.set(xlim=(0, 2), ylim=(2, 0), xlabel="the model says", ylabel="the data says")
        axes.set_xticks([0.5, 1.5], ["positive", "negative"])
        axes.set_yticks([0.5, 1.5], [name for name, *_ in rows], rotation=90, va="center")
        axes.grid(visible=False)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    return plot.svg


def histogram(curves: Curves) -> Markup:
    """How many reviews of each class have which score."""
    bins = len(curves.histogram_negative)
    edges = [number / bins for number in range(bins + 1)]
    with _plot("Score histogram") as plot:
        axes = plot.axes
        for counts, colour, name in (
            (curves.histogram_negative, SECOND, "negative in the data"),
            (curves.histogram_positive, FIRST, "positive in the data"),
        ):
            axes.stairs(counts, edges, fill=True, color=colour, alpha=0.3)
            axes.stairs(counts, edges, color=colour, linewidth=1.5, label=name)
        axes.set(xlabel="score", ylabel="reviews", xlim=(0, 1))
        axes.grid(visible=False, axis="x")
        axes.legend(loc="upper center")
    return plot.svg


def intervals(
    title: str, rows: Sequence[Row], line: float, *, share: bool = True, label: str = "right labels"
) -> Markup:
    """A dot and its interval a row; ``line`` is what they are compared with."""
    with _plot(title, height=0.62 + ROW_HEIGHT * len(rows)) as plot:
        axes = plot.axes
        axes.axvline(line, color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
        for place, row in enumerate(rows):
            colour = MUTED if row.faint else FIRST
            axes.plot(
                [row.estimate.low, row.estimate.high], [place, place], color=colour, linewidth=2, alpha=0.55
            )
            axes.plot(row.estimate.value, place, "o", color=colour, markersize=5)
        axes.set_yticks(range(len(rows)), [printable(row.name, LONGEST_NAME) for row in rows])
        axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel=label)
        axes.xaxis.set_major_formatter("{x:.0%}" if share else "{x:+.3g}")
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    return plot.svg


def _bins(axes: Axes, bins: Sequence[Bin], colour: str, name: str, *, intervals: bool = False) -> None:
    bins = [part for part in bins if part.reviews >= FEWEST_OF_A_BIN]
    x = [part.mean_score for part in bins]
    axes.plot(
        x,
        [part.positive_share.value for part in bins],
        "o-",
        color=colour,
        linewidth=1.5,
        markersize=4,
        label=name,
    )
    if intervals:
        axes.vlines(
            x,
            [part.positive_share.low for part in bins],
            [part.positive_share.high for part in bins],
            color=colour,
            linewidth=1.5,
            alpha=0.45,
        )
