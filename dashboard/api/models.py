"""What the API answers of all products, and what its other answers are made of. Each share comes with its sample size, its 95 % interval and whether the sample is small."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from consumers.read import counts as read
from dashboard import counts as stored
from dashboard import overview, statistics
from dashboard.periods import Period as Span
from schemas.events import Channel
from schemas.redis_keys import Counter

SMALL = 30
"""Reviews below which a share is called a small sample: its interval is then up to 35 points wide."""


class Model(BaseModel):
    """Frozen; what is documented is what is sent."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="null")


class Share(Model):
    """A share of ``n`` reviews with its 95 % Wilson score interval."""

    value: Annotated[float, Field(examples=[0.82])]
    low: Annotated[float, Field(description="Lower end of the 95 % interval.", examples=[0.74])]
    high: Annotated[float, Field(description="Upper end of the 95 % interval.", examples=[0.88])]
    n: Annotated[int, Field(description="Reviews that it is a share of.", examples=[120])]
    small_sample: Annotated[bool, Field(description=f"Fewer than {SMALL} reviews: read the interval.")]

    @classmethod
    def of(cls, share: read.Share | None) -> Self | None:
        """None for none."""
        if share is None:
            return None
        return cls(value=share.value, low=share.low, high=share.high, n=share.n, small_sample=share.n < SMALL)


class Counts(Model):
    """What was counted, and the shares that follow; these are null without a review."""

    reviews: Annotated[int, Field(examples=[120])]
    positive: int
    negative: int
    strong_positive: int
    weak_positive: int
    strong_negative: int
    weak_negative: int
    uncertain: Annotated[int, Field(description="Reviews that a person should look at.")]
    positive_share: Share | None
    strong_negative_share: Share | None
    calibrated_positive: Annotated[
        float | None,
        Field(description="score_sum / reviews, the calibrated estimate of the share of positive reviews."),
    ]
    updated_at: Annotated[datetime | None, Field(description="When the last one of them was scored.")]

    @classmethod
    def of(cls, counts: read.Counts) -> Self:
        """With the shares worked out."""
        return cls(
            reviews=counts.reviews,
            positive=counts.positive,
            negative=counts.negative,
            strong_positive=counts.strong_positive,
            weak_positive=counts.weak_positive,
            strong_negative=counts.strong_negative,
            weak_negative=counts.weak_negative,
            uncertain=counts.uncertain,
            positive_share=Share.of(counts.share(Counter.POSITIVE)),
            strong_negative_share=Share.of(counts.share(Counter.STRONG_NEGATIVE)),
            calibrated_positive=counts.mean_score,
            updated_at=counts.updated_at,
        )


class Period(Model):
    """Whole days in UTC, both included."""

    first: Annotated[date, Field(examples=["2026-03-01"])]
    last: Annotated[date, Field(examples=["2026-03-28"])]

    @classmethod
    def of(cls, period: Span) -> Self:
        """As it is."""
        return cls(first=period.first, last=period.last)


class Day(Model):
    """One day; days without a review are there too."""

    day: date
    counts: Counts

    @classmethod
    def all_of(cls, days: Iterable[stored.DayCounts]) -> list[Self]:
        """In their order."""
        return [cls(day=day, counts=Counts.of(counts)) for day, counts in days]


class StrongNegative(Model):
    """A strong negative; personal data in its text is masked, and texts are cut after 1,000 characters."""

    review_id: str
    channel: Channel
    text: Annotated[str, Field(examples=["Boils fast, leaks faster. Write to [email]."])]
    score: Annotated[float, Field(description="Calibrated probability that it is positive.")]
    intensity_score: float
    rating: float | None
    language: str | None
    created_at: datetime
    scored_at: datetime

    @classmethod
    def of(cls, negative: stored.StrongNegative) -> Self:
        """As it is."""
        return cls.model_validate(negative, from_attributes=True)


class Change(Model):
    """The first share of positive reviews less the second, and whether that may be chance."""

    value: Annotated[float, Field(examples=[-0.12])]
    low: Annotated[float, Field(description="Lower end of Newcombe's 95 % interval.")]
    high: Annotated[float, Field(description="Upper end of Newcombe's 95 % interval.")]
    p: Annotated[
        float, Field(description="Two-sided p-value of Fisher's exact test: how often chance does as much.")
    ]

    @classmethod
    def of(cls, change: statistics.Difference | None) -> Self | None:
        """None where either side has no reviews."""
        return None if change is None else cls.model_validate(change, from_attributes=True)


class Move(Model):
    """A product whose share of positive reviews changed against the period before."""

    product_id: str
    now: Counts
    before: Counts
    change: Change
    real: Annotated[
        bool,
        Field(description="More than noise, with at most 5 % false discoveries over all products tested."),
    ]

    @classmethod
    def all_of(cls, moves: Sequence[overview.Move]) -> list[Self]:
        """In their order."""
        return [
            cls(
                product_id=move.product_id,
                now=Counts.of(move.now),
                before=Counts.of(move.before),
                change=Change.model_validate(move.change, from_attributes=True),
                real=move.real,
            )
            for move in moves
        ]


class Standing(Model):
    """One of the worst or best products."""

    product_id: str
    counts: Counts

    @classmethod
    def all_of(cls, standings: Sequence[overview.Standing]) -> list[Self]:
        """In their order."""
        return [cls(product_id=one.product_id, counts=Counts.of(one.counts)) for one in standings]


class ChannelTotals(Model):
    """One channel, in the period and in the one before."""

    channel: Channel
    now: Counts
    before: Counts


class Overview(Model):
    """All products together in the last days, against as many days before."""

    period: Period
    channel: Channel
    complete: Annotated[
        bool, Field(description="False for some seconds after the start: counts are too small.")
    ]
    products: Annotated[int, Field(description="Products known.")]
    left_out: Annotated[int, Field(description="Products that take no part, for there are too many.")]
    now: Counts
    before: Counts
    change: Change | None
    days: list[Day]
    channels: list[ChannelTotals]
    worse: Annotated[list[Move], Field(description="Likeliest to be real first.")]
    better: Annotated[list[Move], Field(description="Likeliest to be real first.")]
    tested: Annotated[int, Field(description="Products with enough reviews in both periods.")]
    worst: Annotated[list[Standing], Field(description="Lowest upper end of the interval first.")]
    best: Annotated[list[Standing], Field(description="Highest lower end of the interval first.")]
    ranked: Annotated[int, Field(description="Products with enough reviews to be worst or best.")]

    @classmethod
    def of(cls, seen: overview.Overview) -> Self:
        """As JSON."""
        return cls(
            period=Period.of(seen.period),
            channel=seen.channel,
            complete=seen.complete,
            products=seen.products,
            left_out=seen.left_out,
            now=Counts.of(seen.now),
            before=Counts.of(seen.before),
            change=Change.of(seen.change),
            days=Day.all_of(seen.series),
            channels=[
                ChannelTotals(channel=channel, now=Counts.of(now), before=Counts.of(before))
                for channel, now, before in seen.channels
            ],
            worse=Move.all_of(seen.worse),
            better=Move.all_of(seen.better),
            tested=seen.tested,
            worst=Standing.all_of(seen.worst),
            best=Standing.all_of(seen.best),
            ranked=seen.ranked,
        )


class ProblemDetails(Model):
    """RFC 9457."""

    type: Annotated[str, Field(examples=["urn:reviewstream:problem:unknown-product"])]
    title: Annotated[str, Field(examples=["Unknown product"])]
    status: Annotated[int, Field(examples=[404])]
    detail: Annotated[str, Field(examples=["Nothing was ever counted for 'kettle-1300'."])]
    instance: Annotated[str, Field(examples=["/api/v1/counts"])]
    errors: list[dict[str, str]] | None = None
    holder: Annotated[str | None, Field(description="Who has claimed it.")] = None
