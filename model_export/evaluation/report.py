"""One HTML file for people and one JSON file for programs, from the same figures."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from model_export.evaluation import plots
from model_export.evaluation.figures import FIGURES_FILE, REPORT_FILE, Estimate, Evaluation, Slice
from model_export.evaluation.measured import Measured, is_positive
from model_export.evaluation.printable import printable
from model_export.evaluation.verdict import REFERENCE_NAMES, Verdict, hundred, judge, points

LONGEST_NAME = 120
LONGEST_EXAMPLE = 600
"""Characters of a mislabelled review that are shown."""


@dataclass(frozen=True)
class Example:
    """A review that the model labelled otherwise than the data does."""

    text: str
    label: str
    score: float


def write_report(figures: Evaluation, measured: Measured, folder: Path, examples: int = 0) -> Verdict:
    """Write ``report.html`` and ``figures.json`` into ``folder``, and return what the report says first.

    Args:
        figures: what was measured.
        measured: the reviews, of which only the examples are shown.
        folder: made if it does not exist.
        examples: how many mislabelled reviews to show, the most confident first; their texts then stand in the report.
    """
    folder.mkdir(parents=True, exist_ok=True)
    verdict = judge(figures)
    (folder / FIGURES_FILE).write_text(figures.model_dump_json(indent=2) + "\n", encoding="utf-8")
    (folder / REPORT_FILE).write_text(
        render(figures, verdict, mislabelled(measured, examples)), encoding="utf-8"
    )
    return verdict


def render(figures: Evaluation, verdict: Verdict, examples: Sequence[Example] = ()) -> str:
    """The report as one HTML document that needs no other file and no script."""
    environment = Environment(
        loader=PackageLoader("model_export.evaluation", "templates"),
        autoescape=True,  # texts and names come from data, and may hold anything
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        shown=partial(printable, most=LONGEST_NAME),
        hundred=hundred,
        points=points,
        figure=_figure,
        percent=_percent,
        reference=REFERENCE_NAMES.__getitem__,
    )
    return environment.get_template("report.html.j2").render(
        f=figures, verdict=verdict, examples=examples, plots=draw(figures), slices=_by_kind(figures.slices)
    )


def draw(figures: Evaluation) -> dict[str, Markup]:
    """Every plot of the report by name."""
    accuracy = figures.polarity.accuracy
    drawn = {
        "reliability": plots.reliability(figures.calibration),
        "roc": plots.roc(figures.curves, figures.polarity.roc_auc),
        "confusion": plots.confusion(figures.polarity.confusion),
        "histogram": plots.histogram(figures.curves),
    }
    if figures.references:
        rows = [plots.Row("this model", accuracy)]
        rows += [plots.Row(REFERENCE_NAMES[r.name], r.accuracy, faint=True) for r in figures.references]
        drawn["references"] = plots.intervals("Comparison", rows, accuracy.value)
    if figures.perturbations:
        rows = [plots.Row(change.change, change.accuracy_change) for change in figures.perturbations]
        drawn["perturbations"] = plots.intervals("Changed reviews", rows, 0, label="change of accuracy")
    for kind, parts in _by_kind(figures.slices).items():
        rows = [plots.Row(part.name, part.accuracy, part.small) for part in parts]
        drawn[f"slices_{kind}"] = plots.intervals(f"Accuracy by {kind}", rows, accuracy.value)
    for swap in figures.counterfactuals:
        rows = [plots.Row(group.group, group.mean_shift) for group in swap.groups]
        drawn[f"swap_{swap.attribute}"] = plots.intervals(
            f"Shift by {swap.attribute}", rows, 0, share=False, label="shift of the score"
        )
    return drawn


def mislabelled(measured: Measured, count: int) -> list[Example]:
    """The reviews that the model is most sure of and wrong about."""
    wrong = [
        (sentiment, review)
        for sentiment, review, right in zip(
            measured.sentiments, measured.reviews, measured.predicted == measured.actual, strict=True
        )
        if not right
    ]
    wrong.sort(key=lambda pair: -pair[0].confidence)
    return [
        Example(
            text=printable(review.text, LONGEST_EXAMPLE),
            label="positive" if is_positive(review) else "negative",
            score=sentiment.score,
        )
        for sentiment, review in wrong[:count]
    ]


def _by_kind(slices: Sequence[Slice]) -> dict[str, list[Slice]]:
    kinds: dict[str, list[Slice]] = defaultdict(list)
    for part in slices:
        kinds[part.by].append(part)
    return dict(kinds)


def _figure(estimate: Estimate | None) -> Markup:
    return _value_and_interval(estimate, 1, 3, "")


def _percent(estimate: Estimate | None) -> Markup:
    return _value_and_interval(estimate, 100, 1, " %")


def _value_and_interval(estimate: Estimate | None, factor: float, decimals: int, unit: str) -> Markup:
    """Apart, so that a narrow screen can break the line between them."""
    if estimate is None:
        return Markup("n/a")
    value, low, high = (
        f"{factor * number:.{decimals}f}" for number in (estimate.value, estimate.low, estimate.high)
    )
    return Markup("<span>{}{}</span> <span>({} to {})</span>").format(value, unit, low, high)
