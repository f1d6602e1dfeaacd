"""What is sent when a product's customers are suddenly unhappy: the body of a webhook."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from schemas.events import Channel, Event, Instant, ProductIdentifier, Score, no_boolean

Number = Annotated[int, Field(ge=0)]


class AlertedSpan(Event):
    """What was counted of the product in some days, both included, in all channels of the rule."""

    first: Annotated[date, Field(strict=False)]
    last: Annotated[date, Field(strict=False)]
    reviews: Number
    strong_negative: Number
    share: Annotated[Score, Field(description="Of strong negatives among the reviews.")]


class AlertedText(Event):
    """A strong negative of the window; personal data is masked, and it may be an excerpt."""

    review_id: str
    channel: Annotated[Channel, Field(strict=False)]
    created_at: Instant
    text: str


class AlertData(Event):
    """One incident: a rule that holds for a product and did not hold before."""

    incident_id: Annotated[
        str, Field(description="The same for as long as it is the same incident; also the header webhook-id.")
    ]
    rule: str
    product_id: ProductIdentifier
    channels: Annotated[tuple[Annotated[Channel, Field(strict=False)], ...], Field(strict=False)]
    summary: Annotated[str, Field(description="One sentence for people.")]
    window: AlertedSpan
    baseline: AlertedSpan
    p: Annotated[
        Score, Field(description="How likely chance alone puts so many strong negatives into the window.")
    ]
    level: Annotated[
        Score, Field(description="What p had to be at most: the rule's rate shared by products and looks.")
    ]
    products_watched: Number
    texts: Annotated[
        tuple[AlertedText, ...], Field(description="Empty unless the rule asks for some.", strict=False)
    ] = ()


class Alert(Event):
    """Sent when an incident opens. At least once: a receiver drops what has an incident id that it knows."""

    schema_version: Annotated[
        Literal[1], Field(description="Version of this schema."), BeforeValidator(no_boolean)
    ] = 1
    type: Literal["alert.opened"] = "alert.opened"
    timestamp: Annotated[Instant, Field(description="When the incident opened, by the clock of Redis.")]
    data: AlertData
