"""The two events of the pipeline: a review as the shop sends it, and the same review with its sentiment."""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

SCHEMA_VERSION = 1
MAX_ID_CHARACTERS = 256
MAX_TEXT_CHARACTERS = 20_000

INSTANT_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?"
    r"([Zz]|[+-][0-9]{2}:?[0-9]{2})$"
)
"""RFC 3339, and what else common libraries write for ISO 8601: no seconds, no colon in the offset."""

CUSTOMER_HASH_PATTERN = r"^[0-9a-f]{32}$"
"""128 bits: half of SHA-256, the least that RFC 2104 (section 5) advises, and too many for two customers to share."""

SCORE_DECIMALS = 6
"""Scores are rounded to millionths when published, so that sums of them are exact integers of micro-units."""


class Op(StrEnum):
    """What an event asks for."""

    UPSERT = "upsert"
    DELETE = "delete"


class Channel(StrEnum):
    """Where the customer wrote."""

    REVIEW = "review"
    SUPPORT = "support"
    AD = "ad"
    SOCIAL = "social"


class Label(StrEnum):
    """Which way the customer feels."""

    POSITIVE = "positive"
    NEGATIVE = "negative"


class Intensity(StrEnum):
    """How strongly: ``strong`` is what goes with one or five stars."""

    STRONG = "strong"
    WEAK = "weak"


_INSTANT = re.compile(INSTANT_PATTERN)


def _instant_text(value: object) -> object:
    """Hold JSON to the published pattern: pydantic alone takes Unix timestamps and dates without a time."""
    is_instant = isinstance(value, str) and _INSTANT.fullmatch(value)
    if not is_instant and not isinstance(value, datetime):
        raise ValueError("must be an ISO 8601 date and time with an offset")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is outside the years 1 to 9999 in UTC") from error


def no_boolean(value: object) -> object:
    """Refuse ``true``, which Python takes for 1."""
    if value is True:
        raise ValueError("Input should be 1")
    return value


def _whole(value: object) -> object:
    """Take 1.0 for 1, as JSON Schema does."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


# Kept in UTC: offsets with seconds, as old zones have, would not survive the trip through JSON.
Instant = Annotated[
    AwareDatetime,
    Field(strict=False),
    BeforeValidator(_instant_text),
    AfterValidator(_in_utc),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": INSTANT_PATTERN}),
]
Identifier = Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARACTERS)]
ProductIdentifier = Annotated[
    Identifier,
    # A leading brace would empty the Redis Cluster hash tag that keeps a product's keys in one slot.
    Field(pattern=r"^[^}]", description="The product that the review is about; never starts with '}'."),
]
Score = Annotated[float, Field(ge=0, le=1)]


def _only_with_upsert(**types: str) -> dict[str, Any]:
    """The JSON Schema of what the validators below check: these fields go with an upsert, null with a delete."""
    return {
        "additionalProperties": True,
        "if": {"properties": {"op": {"const": Op.DELETE.value}}, "required": ["op"]},
        "then": {"properties": {field: {"type": "null"} for field in types}},
        "else": {
            "properties": {field: {"type": kind} for field, kind in types.items()},
            "required": [*types],
        },
    }


class Event(BaseModel):
    """Frozen; unknown fields are ignored, so that producers can move first; no type is coerced."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        strict=True,
        allow_inf_nan=False,
        json_schema_extra={"additionalProperties": True},
    )

    def to_json(self) -> bytes:
        """Compact UTF-8 JSON."""
        return self.model_dump_json().encode()


class _ReviewFields(Event):
    model_config = ConfigDict(json_schema_extra=_only_with_upsert(text="string"))

    schema_version: Annotated[
        Literal[1], Field(description="Version of this event's schema."), BeforeValidator(no_boolean)
    ] = 1
    review_id: Annotated[
        Identifier, Field(description="Identity of the review; the same id again is a correction.")
    ]
    product_id: ProductIdentifier
    op: Annotated[Op, Field(description="'delete' takes the review back.", strict=False)] = Op.UPSERT
    channel: Annotated[Channel, Field(description="Where the customer wrote.", strict=False)] = Channel.REVIEW
    text: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=MAX_TEXT_CHARACTERS,
            description="What the customer wrote; required for an upsert, absent for a delete.",
        ),
    ] = None
    rating: Annotated[
        float | None, Field(ge=1, le=5, description="The customer's stars; never shown to the model.")
    ] = None
    language: Annotated[
        str | None,
        Field(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", max_length=64, description="BCP 47 tag."),
    ] = None
    campaign_id: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=MAX_ID_CHARACTERS,
            description="The campaign that the customer answers to; counted by it too.",
        ),
    ] = None

    @model_validator(mode="after")
    def _text_goes_with_upsert(self) -> Self:
        if self.op is Op.UPSERT and self.text is None:
            raise PydanticCustomError("missing", "text is required for an upsert")
        if self.op is Op.DELETE and self.text is not None:
            raise ValueError("text must be absent for a delete")
        return self


class ReviewEvent(_ReviewFields):
    """A review, support message, ad comment or social post, as published to ``reviews.raw``."""

    created_at: Annotated[
        Instant | None,
        Field(description="When it was written, ISO 8601 with offset; null: the record's time."),
    ] = None
    customer_id: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=MAX_ID_CHARACTERS,
            repr=False,  # goes into no log
            description="Who wrote it, as the shop knows them; leaves the scorer only as a keyed hash.",
        ),
    ] = None


class Sentiment(Event):
    """What the model read in the text."""

    label: Annotated[Label, Field(strict=False)]
    score: Annotated[Score, Field(description="Calibrated probability that the text is positive.")]
    intensity: Annotated[Intensity, Field(strict=False)]
    intensity_score: Annotated[Score, Field(description="Probability that the feeling is strong.")]
    confidence: Annotated[Score, Field(description="max(score, 1 - score).")]
    needs_review: Annotated[bool, Field(description="Confidence is below the bundle's review threshold.")]


class ModelReference(Event):
    """The model that scored an event."""

    name: str
    version: Annotated[str, Field(description="First 12 hex digits of the bundle's digest.")]


class SourceRecord(Event):
    """The raw record that an event came from: the deterministic identity of the output."""

    topic: str
    partition: Annotated[int, Field(ge=0, le=2**31 - 1), BeforeValidator(_whole)]
    offset: Annotated[int, Field(ge=0, le=2**63 - 1), BeforeValidator(_whole)]


class ScoredReview(_ReviewFields):
    """A review with its sentiment, as published to ``reviews.scored``; ``sentiment`` is null for a delete."""

    model_config = ConfigDict(json_schema_extra=_only_with_upsert(text="string", sentiment="object"))

    created_at: Annotated[Instant, Field(description="When it was written, in UTC.")]
    customer_hash: Annotated[
        str | None,
        Field(
            pattern=CUSTOMER_HASH_PATTERN,
            description="Who wrote it: the first 32 hex digits of the HMAC-SHA256 of customer_id, if the scorer has a key.",
        ),
    ] = None
    sentiment: Sentiment | None
    model: ModelReference
    source: SourceRecord
    scored_at: Instant

    @model_validator(mode="after")
    def _sentiment_goes_with_upsert(self) -> Self:
        if (self.sentiment is None) != (self.op is Op.DELETE):
            raise ValueError("sentiment is required for an upsert and null for a delete")
        return self

    @classmethod
    def of(
        cls,
        event: ReviewEvent,
        *,
        sentiment: Sentiment | None,
        model: ModelReference,
        source: SourceRecord,
        record_time: datetime,
        scored_at: datetime,
        customer_hash: str | None = None,
    ) -> "ScoredReview":
        """Join an event with what the model said of it; ``record_time`` stands in for a null ``created_at``."""
        fields: dict[str, Any] = {name: getattr(event, name) for name in _ReviewFields.model_fields}
        # Every part was validated when it was made; validating again would double the cost of a record.
        return cls.model_construct(
            **fields,
            created_at=event.created_at or _in_utc(record_time),
            customer_hash=customer_hash,
            sentiment=sentiment,
            model=model,
            source=source,
            scored_at=scored_at,
        )
