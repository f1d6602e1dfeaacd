"""What an evaluation finds, as written to ``figures.json``: one schema, with a version, and no text of any review."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

FIGURES_FILE = "figures.json"
REPORT_FILE = "report.html"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Estimate(_Part):
    """A figure and its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


class ClassFigures(_Part):
    """Precision, recall and F1 of one class, and how many reviews have it; null where there is nothing to divide by."""

    precision: Estimate | None
    recall: Estimate | None
    f1: Estimate | None
    support: int


class Confusion(_Part):
    """Counts of reviews: what the labels say, and what the model said."""

    true_positive: int
    false_positive: int
    true_negative: int
    false_negative: int


class Polarity(_Part):
    """Agreement of the published label and score with the labels of the data."""

    accuracy: Estimate
    positive: ClassFigures
    negative: ClassFigures
    macro_precision: Estimate | None
    macro_recall: Estimate | None
    macro_f1: Estimate | None
    roc_auc: Estimate
    confusion: Confusion


class NeedsReview(_Part):
    """What the flag ``needs_review`` does: how many reviews it hands to a person, and how often the rest is right."""

    share: Estimate
    accuracy_of_the_rest: Estimate | None
    accuracy_of_the_flagged: Estimate | None


class Bin(_Part):
    """Reviews whose score lies in one of the equal bins: mean score, and share that is positive."""

    reviews: int
    mean_score: float
    positive_share: Estimate


class Calibration(_Part):
    """Honesty of the probabilities, before (temperature 1) and after temperature scaling."""

    temperature: float
    ece_before: Estimate
    ece_after: Estimate
    ece_by_chance: Annotated[
        float,
        Field(description="Mean ECE of perfectly honest scores on as many reviews: what chance alone gives."),
    ]
    brier_before: Estimate
    brier_after: Estimate
    bins_before: tuple[Bin, ...]
    bins_after: tuple[Bin, ...]


class IntensityOnStars(_Part):
    """The intensity head against stars: strong is an extreme rating (1 or 5), weak a moderate one (2 or 4)."""

    reviews: int
    strong_share: float
    accuracy: Estimate
    strong_f1: Estimate | None
    roc_auc: Estimate


class HumanRatings(_Part):
    """Correlation with people's graded ratings of the sentiment: of the score alone, and of both heads as stars."""

    file: str
    texts: int
    pearson: Annotated[Estimate, Field(description="Of the score, P(positive).")]
    spearman: Annotated[Estimate, Field(description="Of the score, P(positive).")]
    stars_pearson: Annotated[Estimate | None, Field(description="Of the expected stars.")] = None
    stars_spearman: Annotated[Estimate | None, Field(description="Of the expected stars.")] = None


class Slice(_Part):
    """Part of the reviews: those of one domain, language, length, number of stars or source."""

    by: str
    name: str
    reviews: int
    positive: int
    accuracy: Estimate
    macro_f1: Estimate | None
    small: Annotated[bool, Field(description="Too few reviews to judge by.")]


class Reference(_Part):
    """Another classifier on the same reviews, and how much better the bundle is (paired, same resamples)."""

    name: Literal["bag_of_words", "frozen_encoder"]
    how: str
    trained_on: int
    accuracy: Estimate
    macro_f1: Estimate | None
    roc_auc: Estimate
    accuracy_gain: Annotated[Estimate, Field(description="Accuracy of the bundle less that of this one.")]


class GroupShift(_Part):
    """How far the score of a sentence moves for this group, from the mean over all groups of the same sentence."""

    group: str
    mean_shift: Estimate


class Counterfactual(_Part):
    """One attribute of people, swapped in sentences that say the same of the product."""

    attribute: str
    sentences: int
    mean_swap: Annotated[Estimate, Field(description="Mean absolute difference of score between two groups.")]
    largest_swap: Annotated[float, Field(description="Largest difference of score that one swap makes.")]
    largest_texts: tuple[str, str]
    flipped: Annotated[int, Field(description="Sentences whose label depends on the group.")]
    groups: tuple[GroupShift, ...]


class Probe(_Part):
    """One text of ours with the label that a person would give it; ``plain`` says it without the difficulty."""

    text: str
    expected: Literal["positive", "negative"]
    plain: str | None = None
    score: float
    held: bool
    plain_held: bool | None = None


class ProbeKind(_Part):
    """Probes of one difficulty."""

    kind: str
    meaning: str
    held: int
    probes: tuple[Probe, ...]


class Perturbation(_Part):
    """The reviews of the data themselves, changed in a way that leaves the meaning: what that costs."""

    change: str
    reviews: int
    accuracy_change: Estimate
    flipped_share: Estimate


class Curves(_Part):
    """Points of the plots."""

    roc: Annotated[tuple[tuple[float, float], ...], Field(description="False and true positive rate.")]
    histogram_negative: Annotated[
        tuple[int, ...], Field(description="Reviews labelled negative in equal bins of score.")
    ]
    histogram_positive: tuple[int, ...]


class Subject(_Part):
    """What was measured, on what."""

    model: str
    version: str
    description: str
    file: str
    sha256: Annotated[str | None, Field(description="Of the file; null where the data is no single file.")]
    reviews: int
    products: Annotated[
        int, Field(description="Known products; intervals resample those, not reviews, if 30 or more.")
    ]
    left_out: Annotated[int, Field(description="Rows without a polarity, such as three stars.")]


class Method(_Part):
    """How the intervals were made."""

    resamples: int
    seed: int
    resampled: Literal["products", "reviews"]


class Evaluation(_Part):
    """Everything that was measured of one bundle."""

    schema_version: Literal[1] = 1
    created_at: str
    subject: Subject
    method: Method
    polarity: Polarity
    needs_review: NeedsReview
    calibration: Calibration
    intensity: IntensityOnStars | None
    ratings: HumanRatings | None
    slices: tuple[Slice, ...]
    references: tuple[Reference, ...]
    counterfactuals: tuple[Counterfactual, ...]
    probes: tuple[ProbeKind, ...]
    perturbations: tuple[Perturbation, ...]
    curves: Curves
