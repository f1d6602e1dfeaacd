"""What the API of the queue takes and answers."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import ConfigDict, Field

from consumers.explain.occlusion import Explanation
from dashboard.api.explanations import ExplanationOfText
from dashboard.api.models import Model
from dashboard.desk import desk
from schemas.events import MAX_ID_CHARACTERS, Channel, Intensity, Label
from schemas.labels import MAX_REASON_CHARACTERS, LabelOp, ReviewLabel

ProductName = Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARACTERS, examples=["kettle-1200"])]
ReviewName = Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARACTERS, examples=["r-1001"])]
PlaceName = Annotated[
    str,
    Field(
        min_length=5,
        max_length=300,
        description="Which scored event: topic, partition and offset, as the queue gives it.",
        examples=["reviews.scored:3:57"],
    ),
]
Reason = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_REASON_CHARACTERS,
        pattern=r"\S",
        description="Why, for people; personal data in it is masked.",
        examples=["Praise first, but the lid jams."],
    ),
]


class Points(Model):
    """How urgent, and why: the points of the order."""

    total: Annotated[int, Field(examples=[73])]
    kind: Annotated[int, Field(description="For a strong negative.", examples=[40])]
    channel: Annotated[int, Field(description="For where it was written.", examples=[30])]
    waiting: Annotated[int, Field(description="For the time of waiting.", examples=[3])]


class Holder(Model):
    """Who has claimed it."""

    holder: Annotated[str, Field(examples=["anna"])]
    expires_in_s: Annotated[float, Field(description="Seconds, by the clock of Redis.", examples=[840.0])]


class Verdict(Model):
    """What the model said."""

    label: Label
    intensity: Intensity
    score: Annotated[float, Field(description="Calibrated probability that it is positive.", examples=[0.08])]
    uncertain: bool


class QueueItem(Model):
    """A review that waits for a person."""

    product_id: ProductName
    review_id: ReviewName
    place: PlaceName
    channel: Channel
    text: Annotated[
        str,
        Field(
            description="Personal data is masked; cut after 1,000 characters.",
            examples=["Boils fast, leaks faster."],
        ),
    ]
    rating: float | None
    language: str | None
    created_at: datetime
    model: Verdict
    points: Points
    claim: Holder | None
    explanation: Annotated[
        ExplanationOfText | None,
        Field(description="The words that decided; null while they are looked for, or without a model."),
    ]

    @classmethod
    def of(cls, item: desk.Item, explanation: Explanation | None) -> Self:
        """As JSON."""
        waiting, points = item.waiting, item.urgency
        return cls(
            product_id=waiting.product_id,
            review_id=waiting.review_id,
            place=waiting.place,
            channel=waiting.channel,
            text=item.text,
            rating=waiting.rating,
            language=waiting.language,
            created_at=waiting.created_at,
            model=Verdict(
                label=waiting.judged.label,
                intensity=waiting.judged.intensity,
                score=waiting.judged.score,
                uncertain=waiting.judged.needs_review,
            ),
            points=Points(
                total=points.points, kind=points.kind, channel=points.channel, waiting=points.waiting
            ),
            claim=item.claim
            and Holder(holder=item.claim.holder, expires_in_s=item.claim.expires_in.total_seconds()),
            explanation=explanation and ExplanationOfText.of(explanation, item.text),
        )


class Queue(Model):
    """The most urgent ones, and how many wait."""

    items: list[QueueItem]
    waiting: Annotated[int, Field(description="In all; of one product at most 20 wait at a time.")]
    complete: Annotated[bool, Field(description="False for some seconds after the start: some lack.")]
    order: Annotated[str, Field(description="How the order comes about.")]


class Place(Model):
    """One review of the queue."""

    model_config = ConfigDict(extra="forbid")

    product_id: ProductName
    place: PlaceName


class Claimed(Holder):
    """The claim that was made."""


class Relabel(Place):
    """What the model should have said."""

    label: Annotated[Label, Field(examples=["negative"])]
    intensity: Annotated[Intensity, Field(examples=["weak"])]
    reason: Reason


class Withdrawal(Model):
    """Whose label is taken back."""

    model_config = ConfigDict(extra="forbid")

    product_id: ProductName
    review_id: ReviewName
    reason: Reason


class SaidLabel(Model):
    """What a person said of a review."""

    product_id: ProductName
    review_id: ReviewName
    place: PlaceName
    op: Annotated[LabelOp, Field(description="'withdraw' lets the model's label count again.")]
    label: Label | None
    intensity: Intensity | None
    model: Annotated[Verdict, Field(description="What the model had said.")]
    reason: Reason
    labelled_by: Annotated[str, Field(examples=["anna"])]
    labelled_at: datetime

    @classmethod
    def of(cls, event: ReviewLabel) -> Self:
        """From the event."""
        scored = event.scored
        return cls(
            product_id=event.product_id,
            review_id=event.review_id,
            place=f"{scored.topic}:{scored.partition}:{scored.offset}",
            op=event.op,
            label=event.label,
            intensity=event.intensity,
            model=Verdict(
                label=scored.label,
                intensity=scored.intensity,
                score=scored.score,
                uncertain=scored.needs_review,
            ),
            reason=event.reason,
            labelled_by=event.labelled_by,
            labelled_at=event.labelled_at,
        )


class LabelHistory(Model):
    """The audit trail, latest first."""

    product_id: str
    labels: list[SaidLabel]
    incomplete_because: Annotated[str | None, Field(description="Why some may lack, if so.")]
