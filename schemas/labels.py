"""What a person says of a review in place of the model: the event of ``reviews.labels``."""

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from schemas.events import (
    Channel,
    Event,
    Identifier,
    Instant,
    Intensity,
    Label,
    ProductIdentifier,
    Score,
    SourceRecord,
    no_boolean,
)

MAX_REASON_CHARACTERS = 1000
MAX_NAME_CHARACTERS = 100


class LabelOp(StrEnum):
    """What an event of ``reviews.labels`` asks for."""

    LABEL = "label"
    WITHDRAW = "withdraw"


class JudgedReview(SourceRecord):
    """The scored event that was judged: where it stands, and what the model said there.

    The place says which text was read. What the model said is how the label finds its review again in the counts: it
    holds for as long as the review is counted as just this.
    """

    channel: Annotated[Channel, Field(strict=False)]
    created_at: Annotated[Instant, Field(description="Of the scored event; its day in UTC counts.")]
    label: Annotated[Label, Field(strict=False)]
    intensity: Annotated[Intensity, Field(strict=False)]
    score: Annotated[
        Score, Field(description="Calibrated probability that the text is positive, as published.")
    ]
    needs_review: bool


def _goes_with_label() -> dict[str, Any]:
    """The JSON Schema of what the validator below checks."""
    return {
        "additionalProperties": True,
        "if": {"properties": {"op": {"const": LabelOp.WITHDRAW.value}}, "required": ["op"]},
        "then": {"properties": {"label": {"type": "null"}, "intensity": {"type": "null"}}},
        "else": {
            "properties": {"label": {"type": "string"}, "intensity": {"type": "string"}},
            "required": ["label", "intensity"],
        },
    }


class ReviewLabel(Event):
    """A person's label of a review, counted in place of the model's, or the withdrawal of one."""

    model_config = ConfigDict(json_schema_extra=_goes_with_label())

    schema_version: Annotated[
        Literal[1], Field(description="Version of this event's schema."), BeforeValidator(no_boolean)
    ] = 1
    review_id: Identifier
    product_id: ProductIdentifier
    op: Annotated[
        LabelOp, Field(description="'withdraw' lets the model's label count again.", strict=False)
    ] = LabelOp.LABEL
    label: Annotated[
        Label | None, Field(description="Which way the customer feels; null for a withdrawal.", strict=False)
    ] = None
    intensity: Annotated[
        Intensity | None, Field(description="How strongly; null for a withdrawal.", strict=False)
    ] = None
    reason: Annotated[
        str, Field(min_length=1, max_length=MAX_REASON_CHARACTERS, description="Why, for people.")
    ]
    labelled_by: Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARACTERS, description="Who.")]
    labelled_at: Annotated[Instant, Field(description="When, in UTC.")]
    scored: Annotated[JudgedReview, Field(description="The scored event that it speaks of.")]

    @model_validator(mode="after")
    def _label_goes_with_op(self) -> Self:
        given = (self.label, self.intensity)
        if self.op is LabelOp.LABEL and None in given:
            raise PydanticCustomError("missing", "label and intensity are required for a label")
        if self.op is LabelOp.WITHDRAW and given != (None, None):
            raise ValueError("label and intensity must be absent for a withdrawal")
        return self
