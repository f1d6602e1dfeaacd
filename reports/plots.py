"""The report's plots as inline SVG whose colours are variables of the page, so that they follow light and dark."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import MaxNLocator

from consumers.read.counts import share
from consumers.read.show import harmless
from model_export.evaluation.svg import INK, MUTED, Plot, inline_plot
from reports.contents import DayCounts, Product, Report

POSITIVE, NEGATIVE, STRONG, TINT = (f"#0a0b0{n}" for n in range(4, 8))
VARIABLES: Mapping[str, str] = {
    POSITIVE: "--positive",
    NEGATIVE: "--negative",
    STRONG: "--strong",
    TINT: "--tint",
}
"""Colours of these plots, and the variables of the page that they stand for."""

LONGEST_DAILY = 62
"""Days of both periods above which a plot shows weeks: bars would be too thin."""

LONGEST_NAME = 22


@dataclass(frozen=True)
class Step:
    """A day or a week."""

    first: date
    reviews: int
    positive: int
    strong_negative: int


def steps(report: Report) -> tuple[list[Step], int]:
    """Both periods without gaps, in days or in weeks that end with the last day, and how many days a step has."""
    days = (report.last - report.first_before).days + 1
    width = 1 if days <= LONGEST_DAILY else 7
    count = -(-days // width)
    start = report.last - timedelta(days=count * width - 1)
    boxes: list[list[DayCounts]] = [[] for _ in range(count)]
    for one in report.days:
        boxes[(one.day - start).days // width].append(one)
    return [
        Step(
            start + timedelta(days=number * width),
            sum(one.counts.reviews for one in box),
            sum(one.counts.positive for one in box),
            sum(one.counts.strong_negative for one in box),
        )
        for number, box in enumerate(boxes)
    ], width


def volume(report: Report) -> Markup:
    """How many reviews of each kind, day by day."""
    series, width = steps(report)
    unit = "day" if width == 1 else "week"
    most = max(series, key=lambda step: step.reviews)
    says = (
        f"Bars of the reviews of each {unit}, by kind, from {report.first_before} to {report.last}. "
        f"{report.now.reviews} in the period, {report.before.reviews} before; most on {most.first}: {most.reviews}."
    )
    with _plot(says) as plot:
        x = [step.first for step in series]
        parts = (
            ("positive", POSITIVE, [step.positive for step in series]),
            (
                "negative",
                NEGATIVE,
                [step.reviews - step.positive - step.strong_negative for step in series],
            ),
            ("strongly negative", STRONG, [step.strong_negative for step in series]),
        )
        bottom = [0] * len(series)
        for name, colour, heights in parts:
            plot.axes.bar(x, heights, 0.8 * width, bottom, color=colour, label=name, align="edge")  # type: ignore[arg-type]  # dates are fine
            bottom = [below + height for below, height in zip(bottom, heights, strict=True)]
        plot.axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        plot.axes.set_ylabel(f"reviews a {unit}")
        _days(plot.axes, report)
        plot.axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, handlelength=1)
    return plot.svg


def sentiment(report: Report) -> Markup:
    """The share of positive reviews, day by day, with its interval."""
    series, width = steps(report)
    says = (
        f"Share of positive reviews of each {'day' if width == 1 else 'week'} with its 95 % interval; "
        f"{_percent(report.now.positive, report.now.reviews)} in the period, "
        f"{_percent(report.before.positive, report.before.reviews)} before."
    )
    with _plot(says) as plot:
        middle = timedelta(days=width / 2)
        for step in series:
            if (one := share(step.positive, step.reviews)) is not None:
                x = step.first + middle
                plot.axes.plot([x, x], [one.low, one.high], color=POSITIVE, linewidth=2, alpha=0.4)  # type: ignore[arg-type]  # as above
                plot.axes.plot(x, one.value, "o", color=POSITIVE, markersize=4)  # type: ignore[arg-type]  # as above
        for counts, first, last in (
            (report.before, report.first_before, report.last_before),
            (report.now, report.first, report.last),
        ):
            if counts.positive_share is not None:
                value = counts.positive_share.value
                ends = [first, last + timedelta(days=1)]
                plot.axes.plot(ends, [value, value], color=INK, linewidth=1.5)  # type: ignore[arg-type]  # as above
        plot.axes.set(ylim=(-0.02, 1.02), ylabel="share that is positive")
        plot.axes.yaxis.set_major_formatter("{x:.0%}")
        _days(plot.axes, report)
    return plot.svg


def changes(products: Sequence[Product]) -> Markup:
    """How far each product's share of positive reviews moved, with its interval."""
    moved = [(one, one.change) for one in products if one.change is not None]
    if not moved:
        return Markup()
    said = "; ".join(
        f"{harmless(one.product_id, LONGEST_NAME)} {100 * change.value:+.0f} points" for one, change in moved
    )
    with _plot(
        f"Change of the share of positive reviews with its 95 % interval: {said}.", 0.7 + 0.26 * len(moved)
    ) as plot:
        axes = plot.axes
        axes.axvline(0, color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
        for place, (_, change) in enumerate(moved):
            colour = MUTED if not change.real else POSITIVE if change.value > 0 else STRONG
            axes.plot([change.low, change.high], [place, place], color=colour, linewidth=2, alpha=0.55)
            axes.plot(change.value, place, "o" if change.real else "d", color=colour, markersize=5)
        axes.set_yticks(range(len(moved)), [harmless(one.product_id, LONGEST_NAME) for one, _ in moved])
        axes.set(ylim=(len(moved) - 0.4, -0.6), xlabel="change in percentage points")
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:+.0f}")
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    return plot.svg


def _percent(part: int, n: int) -> str:
    return f"{part / n:.0%} of {n}" if n else "none"


def _days(axes: Axes, report: Report) -> None:
    """Days below; what lies before the period is set apart by a tint."""
    first: Any = report.first_before
    border: Any = report.first
    end: Any = report.last + timedelta(days=1)
    axes.axvspan(first, border, color=TINT, linewidth=0, zorder=0)
    axes.set_xlim(first, end)
    locator = AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call]  # matplotlib has not typed it
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]  # as above
    axes.grid(visible=False, axis="x")


def _plot(says: str, height: float = 2.9) -> AbstractContextManager[Plot]:
    return inline_plot(says, (5.4, height), VARIABLES)
