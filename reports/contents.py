"""All that a report says, as programs read it too. Shares come with their sample size and 95 % interval."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from consumers.read import counts as read
from dashboard import text_rank
from dashboard.statistics import Difference
from reports.findings import Finding, Tested
from schemas.events import Channel
from schemas.redis_keys import Counter


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Share(_Part):
    """A share with its Wilson interval."""

    value: float
    low: float
    high: float
    n: int


class Counts(_Part):
    """What was counted."""

    reviews: int
    positive: int
    negative: int
    strong_positive: int
    strong_negative: int
    uncertain: int
    positive_share: Share | None
    strong_negative_share: Share | None

    @classmethod
    def of(cls, counts: read.Counts) -> Self:
        """With the shares worked out."""
        return cls(
            reviews=counts.reviews,
            positive=counts.positive,
            negative=counts.negative,
            strong_positive=counts.strong_positive,
            strong_negative=counts.strong_negative,
            uncertain=counts.uncertain,
            positive_share=_share(counts.share(Counter.POSITIVE)),
            strong_negative_share=_share(counts.share(Counter.STRONG_NEGATIVE)),
        )


class Change(_Part):
    """A difference of two shares: Newcombe's interval, Fisher's exact test."""

    value: float
    low: float
    high: float
    p: float
    real: Annotated[
        bool, Field(description="More than noise; among many products, corrected for their number.")
    ]

    @classmethod
    def of(cls, test: Tested | None) -> Self | None:
        """None for none."""
        return None if test is None else cls._from(test.difference, real=test.real)

    @classmethod
    def alone(cls, found: Difference | None) -> Self | None:
        """One that was not picked from many: real below a p-value of 0.05."""
        return None if found is None else cls._from(found, real=found.p < 0.05)

    @classmethod
    def _from(cls, found: Difference, *, real: bool) -> Self:
        return cls(value=found.value, low=found.low, high=found.high, p=found.p, real=real)


class Phrase(_Part):
    """Words that several customers wrote."""

    words: str
    reviews: Annotated[int, Field(description="Of the sample, how many hold it.")]

    @classmethod
    def all_of(cls, phrases: Iterable[text_rank.Phrase]) -> list[Self]:
        """In their order."""
        return [cls(words=phrase.words, reviews=phrase.texts) for phrase in phrases]


class Excerpt(_Part):
    """What a customer wrote; personal data masked, long texts cut."""

    review_id: str
    product_id: str
    channel: Channel
    created_at: datetime
    rating: float | None
    score: float
    text: str


class Voices(_Part):
    """What the strong reviews of one kind say."""

    reviews: Annotated[
        int, Field(description="How many were looked at: all, or a sample that is always the same.")
    ]
    phrases: list[Phrase]
    typical: list[Excerpt]


class Product(_Part):
    """One product."""

    product_id: str
    now: Counts
    before: Counts
    change: Change | None
    reasons: Annotated[list[str], Field(description="Why somebody should look at it today.")]
    negative: Voices | None = None
    positive: Voices | None = None

    @classmethod
    def of(cls, found: Finding, negative: Voices | None = None, positive: Voices | None = None) -> Self:
        """With what customers wrote, where it is told."""
        return cls(
            product_id=found.product_id,
            now=Counts.of(found.now),
            before=Counts.of(found.before),
            change=Change.of(found.change),
            reasons=found.reasons,
            negative=negative,
            positive=positive,
        )


class ChannelCounts(_Part):
    """One channel."""

    channel: Channel
    now: Counts
    before: Counts


class DayCounts(_Part):
    """One day (UTC)."""

    day: date
    counts: Counts


class Report(_Part):
    """A report on a period against as many days before."""

    format: int = 1
    made_at: datetime
    topic: str
    records: int
    unreadable: int
    first: date
    last: date
    first_before: date
    last_before: date
    channels: list[Channel]
    products_asked: Annotated[list[str], Field(description="Empty for all.")]
    incomplete: Annotated[bool, Field(description="The topic has lost its first records.")]
    products: Annotated[int, Field(description="With a review in either period.")]
    tested: Annotated[int, Field(description="Products with enough reviews in both periods.")]
    now: Counts
    before: Counts
    change: Annotated[Change | None, Field(description="Of the share of positive reviews.")]
    strong_negative_change: Change | None
    days: list[DayCounts]
    by_channel: list[ChannelCounts]
    need_somebody: list[Product]
    worse: list[Product]
    better: list[Product]
    largest: Annotated[
        list[Product], Field(description="The products with most reviews, or those asked for.")
    ]
    negative: Voices
    positive: Voices


def _share(share: read.Share | None) -> Share | None:
    return None if share is None else Share(value=share.value, low=share.low, high=share.high, n=share.n)
