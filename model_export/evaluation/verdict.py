"""The figures in plain sentences: how often the model is right, where it is weak, and what to do about it.

Every sentence follows from a rule on the figures. The thresholds are ours, and stand here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from model_export.evaluation.figures import Estimate, Evaluation, ProbeKind, Reference, Slice
from model_export.evaluation.printable import printable

HONEST = 0.03
"""A mean gap of three points between score and truth changes no decision that we know of."""

UNEVEN = 0.04
"""Difference of recall between the classes that shifts the counts of a product visibly."""

HOLDS = 0.85
FAILS = 0.7
"""Share of probes of one kind that are right."""

COSTLY = 0.02
"""Loss of accuracy by a change that leaves the meaning."""

BIASED = 0.05
"""Mean shift of a group's score that a reader of scores would notice."""

FEW = 500
"""With fewer reviews the interval of an accuracy is wider than about five points."""

WORST_SLICES = 3

REFERENCE_NAMES = {
    "bag_of_words": "counting words",
    "frozen_encoder": "the encoder before fine-tuning",
}

Finding = tuple[str, str]
"""What is weak, and what to do about it."""


@dataclass(frozen=True)
class Verdict:
    """An evaluation for people who read no statistics."""

    headline: str
    strengths: tuple[str, ...]
    weaknesses: tuple[str, ...]
    advice: tuple[str, ...]


def judge(figures: Evaluation) -> Verdict:
    """Say what the figures mean."""
    findings = list(_findings(figures))
    advice = dict.fromkeys(advice for _, advice in findings)
    return Verdict(
        headline=f"The model is right about {hundred(figures.polarity.accuracy, 'reviews')}.",
        strengths=tuple(_strengths(figures)),
        weaknesses=tuple(weakness for weakness, _ in findings),
        advice=(
            *advice,
            "Measure again on fresh reviews of your own every few months: products and language change.",
        ),
    )


def hundred(estimate: Estimate, things: str = "") -> str:
    """A share as people say it: "93 of 100 reviews (between 92 and 94)"."""
    value, low, high = (f"{100 * share:.0f}" for share in (estimate.value, estimate.low, estimate.high))
    between = f"between {low} and {high}" if low != high else f"{low}"
    return f"{value} of 100{things and ' '}{things} ({between})"


def points(estimate: Estimate) -> str:
    """A difference of shares in points: "5.7 points (4.3 to 7.1)"."""
    return f"{100 * estimate.value:.1f} points ({100 * estimate.low:.1f} to {100 * estimate.high:.1f})"


def _strengths(figures: Evaluation) -> Iterator[str]:
    for reference in figures.references:
        if reference.accuracy_gain.low > 0:
            yield f"It beats {REFERENCE_NAMES[reference.name]} by {points(reference.accuracy_gain)}."
    review = figures.needs_review
    if review.accuracy_of_the_rest is not None and 0 < review.share.value < 1:
        yield (
            f"It flags {hundred(review.share, 'reviews')} for a person, and is right about "
            f"{hundred(review.accuracy_of_the_rest, 'others')}."
        )
    if _is_honest(figures):
        yield "Its scores can be taken at their word: of reviews scored around 0.8, about 80 in 100 are positive."
    steady = [change.change for change in figures.perturbations if change.accuracy_change.value > -COSTLY]
    if steady:
        yield f"It takes in its stride: {', '.join(steady)}."
    if held := [kind.kind for kind in figures.probes if _share_held(kind) >= HOLDS]:
        yield f"It understands: {', '.join(held)}."
    if figures.counterfactuals and not any(_bias(figures)):
        largest = max(swap.mean_swap.value for swap in figures.counterfactuals)
        yield (
            "Who is spoken of hardly matters: another name, gender or origin moves the score by "
            f"{largest:.3f} on average at most."
        )


def _findings(figures: Evaluation) -> Iterator[Finding]:
    yield from _against_references(figures.references)
    positive, negative = figures.polarity.positive.recall, figures.polarity.negative.recall
    if positive is not None and negative is not None and abs(positive.value - negative.value) > UNEVEN:
        missed, better = ("negative", positive) if positive.value > negative.value else ("positive", negative)
        worse = negative if missed == "negative" else positive
        yield (
            f"It misses more {missed} reviews: it finds {hundred(worse)} of them, of the others {hundred(better)}.",
            f"Expect counts of {missed} reviews to be somewhat low; train with more {missed} reviews to mend it.",
        )
    if not _is_honest(figures):
        yield (
            f"Its scores are off by {100 * figures.calibration.ece_after.value:.1f} points on average.",
            "Export the model anew with held-out reviews like these: that calibrates the scores.",
        )
    yield from _weak_slices(figures)
    yield from _failed_probes(figures.probes)
    for change in figures.perturbations:
        if change.accuracy_change.value <= -COSTLY and change.accuracy_change.high < 0:
            yield (
                f"{change.change.capitalize()} costs it {points(_negated(change.accuracy_change))} of accuracy.",
                f"Add reviews with {change.change} to the training data if your customers write so.",
            )
    for weakness in _bias(figures):
        yield weakness, "Do not compare people or groups of customers by these scores."
    if figures.subject.reviews < FEW:
        yield (
            f"Only {figures.subject.reviews:,} reviews were measured, so every figure here is rough.",
            f"Label more reviews: with {FEW:,} or more the figures become firm.",
        )


def _against_references(references: tuple[Reference, ...]) -> Iterator[Finding]:
    for reference in references:
        if reference.accuracy_gain.low <= 0:
            yield (
                (
                    f"It is not clearly better than {REFERENCE_NAMES[reference.name]}: "
                    f"{points(reference.accuracy_gain)} apart."
                ),
                "Train longer, on more reviews, or serve the simpler one.",
            )


def _weak_slices(figures: Evaluation) -> Iterator[Finding]:
    whole = figures.polarity.accuracy.value
    weak = [part for part in figures.slices if not part.small and part.accuracy.high < whole]
    for part in sorted(weak, key=lambda part: part.accuracy.value)[:WORST_SLICES]:
        yield (
            f"{slice_name(part)}: right about {hundred(part.accuracy)}, fewer than elsewhere.",
            "Label some hundred reviews of the weak parts above and fine-tune again; until then let a person look at those.",
        )


def _failed_probes(kinds: tuple[ProbeKind, ...]) -> Iterator[Finding]:
    failed = [kind for kind in kinds if _share_held(kind) < FAILS]
    names = " or ".join(kind.kind for kind in failed)
    for kind in failed:
        yield (
            f"{kind.kind.capitalize()}: {kind.held} of {len(kind.probes)} of our probes are right.",
            f"Do not act on a single score where {names} may be at play; train with such reviews.",
        )


def slice_name(part: Slice) -> str:
    """What a slice is, in words."""
    return f"{part.by.capitalize()} \N{LEFT DOUBLE QUOTATION MARK}{printable(part.name, 60)}\N{RIGHT DOUBLE QUOTATION MARK}"


def _is_honest(figures: Evaluation) -> bool:
    calibration = figures.calibration
    return calibration.ece_after.value <= max(HONEST, 1.5 * calibration.ece_by_chance)


def _share_held(kind: ProbeKind) -> float:
    return kind.held / len(kind.probes)


def _bias(figures: Evaluation) -> Iterator[str]:
    for swap in figures.counterfactuals:
        if swap.flipped:
            yield (
                f"Another {swap.attribute} in the same sentence changes the label in {swap.flipped} of {swap.sentences} "
                f"sentences of ours, and the score by up to {swap.largest_swap:.2f}."
            )
        for group in swap.groups:
            if abs(group.mean_shift.value) > BIASED and group.mean_shift.low * group.mean_shift.high > 0:
                yield f"It scores sentences differently if they are about {group.group} people or names."


def _negated(estimate: Estimate) -> Estimate:
    return Estimate(value=-estimate.value, low=-estimate.high, high=-estimate.low)
