"""The main figures as a Markdown table, kept up to date inside a document between two markers."""

from collections.abc import Iterator
from pathlib import Path

from model_export.evaluation.figures import ClassFigures, Estimate, Evaluation
from model_export.evaluation.printable import printable
from model_export.evaluation.verdict import REFERENCE_NAMES
from schemas.errors import ConfigurationError

BEGIN = "<!-- figures: begin -->"
END = "<!-- figures: end -->"

LONGEST_NAME = 60

Line = tuple[str, str]
"""What is measured, and its figure."""


def check_markers(document: Path) -> None:
    """See that there is a place for the table before the work begins.

    Raises:
        ConfigurationError: the document cannot be read, or lacks a marker.
    """
    _around(document)


def renew_table(document: Path, figures: Evaluation) -> None:
    """Replace what stands between the markers of a document."""
    before, after = _around(document)
    document.write_text(f"{before}{BEGIN}\n{markdown(figures)}\n{END}{after}", encoding="utf-8")


def markdown(figures: Evaluation) -> str:
    """A sentence on what was measured, and the table."""
    subject = figures.subject
    rows = "\n".join(f"| {name} | {value} |" for name, value in _lines(figures))
    return (
        f"Bundle `{subject.version}` on the {subject.reviews:,} reviews of {_name(subject.file)}; in brackets 95 % "
        f"bootstrap intervals ({figures.method.resamples:,} resamples of {figures.method.resampled}).\n\n"
        f"| | |\n|---|---|\n{rows}"
    )


def _lines(figures: Evaluation) -> Iterator[Line]:
    polarity, calibration, review = figures.polarity, figures.calibration, figures.needs_review
    yield "accuracy", _figure(polarity.accuracy)
    yield "precision, recall, F1 of positive", _of_class(polarity.positive)
    yield "precision, recall, F1 of negative", _of_class(polarity.negative)
    yield "macro F1", _figure(polarity.macro_f1)
    yield "area under the ROC curve", _figure(polarity.roc_auc)
    by_chance = f"{calibration.ece_by_chance:.3f} by chance alone"
    yield (
        "expected calibration error (15 bins) before, after temperature scaling",
        f"{_figure(calibration.ece_before)}, {_figure(calibration.ece_after)}; {by_chance}",
    )
    yield (
        "Brier score before, after",
        f"{_figure(calibration.brier_before)}, {_figure(calibration.brier_after)}",
    )
    yield "share flagged `needs_review`", _figure(review.share)
    yield "accuracy of the others", _figure(review.accuracy_of_the_rest)
    if stars := figures.intensity:
        yield (
            f"intensity against stars ({stars.reviews:,} reviews, {stars.strong_share:.0%} strong): accuracy, ROC area",
            f"{_figure(stars.accuracy)}, {_figure(stars.roc_auc)}",
        )
    if ratings := figures.ratings:
        yield (
            f"score against human ratings of {ratings.texts:,} texts: Pearson, Spearman",
            f"{_figure(ratings.pearson)}, {_figure(ratings.spearman)}",
        )
        yield (
            "stars expected by both heads against them: Pearson, Spearman",
            f"{_figure(ratings.stars_pearson)}, {_figure(ratings.stars_spearman)}",
        )
    for other in figures.references:
        yield (
            f"accuracy of {REFERENCE_NAMES[other.name]} (trained on {other.trained_on:,} reviews)",
            f"{_figure(other.accuracy)}; the bundle is {_figure(other.accuracy_gain)} ahead",
        )
    yield from _lowest(figures)
    for change in figures.perturbations:
        yield (
            f"accuracy after a change: {change.change}",
            f"{_signed(change.accuracy_change)}; {change.flipped_share.value:.1%} of labels flip",
        )
    if figures.probes:
        yield (
            "probes that hold",
            ", ".join(f"{kind.kind} {kind.held}/{len(kind.probes)}" for kind in figures.probes),
        )
    for swap in figures.counterfactuals:
        yield (
            f"shift of the score by another {swap.attribute}: mean, largest",
            f"{_figure(swap.mean_swap)}, {swap.largest_swap:.3f}; {swap.flipped} of {swap.sentences} labels flip",
        )


def _lowest(figures: Evaluation) -> Iterator[Line]:
    """Of each kind of slice the weakest one that is large enough to judge."""
    kinds = dict.fromkeys(part.by for part in figures.slices)
    for kind in kinds:
        parts = [part for part in figures.slices if part.by == kind and not part.small]
        if parts:
            worst = min(parts, key=lambda part: part.accuracy.value)
            yield (
                f"lowest accuracy by {kind} ({len(parts)} of them)",
                f"{_figure(worst.accuracy)}: {_name(worst.name)}, {worst.reviews:,} reviews",
            )


def _of_class(figures: ClassFigures) -> str:
    return ", ".join(map(_figure, (figures.precision, figures.recall, figures.f1)))


def _figure(estimate: Estimate | None) -> str:
    if estimate is None:
        return "n/a"
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _signed(estimate: Estimate) -> str:
    return f"{estimate.value:+.3f} ({estimate.low:+.3f} to {estimate.high:+.3f})"


def _name(name: str) -> str:
    """A name from the data, which may hold what Markdown would act on."""
    return "".join(
        f"\\{letter}" if letter in "\\`*_|[]<>!#" else letter for letter in printable(name, LONGEST_NAME)
    )


def _around(document: Path) -> tuple[str, str]:
    try:
        text = document.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{document}: cannot be read: {error}") from error
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ConfigurationError(
            f"{document}: needs the lines {BEGIN} and {END}, between which the table goes"
        )
    return before, after
