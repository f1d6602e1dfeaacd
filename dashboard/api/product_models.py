"""What the API answers of products."""

from typing import Annotated, Self

from pydantic import Field

from consumers.read import counts as read
from dashboard.api.models import Change, Counts, Day, Model, Period, StrongNegative
from dashboard.listing import Listing
from schemas.events import Channel


class Product(Model):
    """The counts of one product in every channel."""

    product_id: Annotated[str, Field(examples=["kettle-1200"])]
    channels: dict[Channel, Counts]

    @classmethod
    def of(cls, product: read.ProductCounts) -> Self:
        """Every channel, also those without a review."""
        return cls(
            product_id=product.product_id,
            channels={channel: Counts.of(counts) for channel, counts in product.channels.items()},
        )


class Products(Model):
    """One page of products."""

    products: list[Product]
    page: int
    pages: int
    total: Annotated[int, Field(description="Products in all; a search ends after 1,000 of them.")]

    @classmethod
    def of(cls, listing: Listing) -> Self:
        """A page as JSON."""
        return cls(
            products=[Product.of(product) for product in listing.products],
            page=listing.page,
            pages=listing.pages,
            total=listing.total,
        )


class Days(Model):
    """A series of days, oldest first, without gaps."""

    product_id: str
    channel: Channel
    period: Period
    days: list[Day]
    total: Counts


class StrongNegatives(Model):
    """The latest strong negatives of a product in all channels, newest first."""

    product_id: str
    negatives: list[StrongNegative]


class Side(Model):
    """One side of a comparison."""

    product_id: str
    period: Period
    counts: Counts


class Comparison(Model):
    """Two products, or two periods of one, in a channel."""

    channel: Channel
    left: Side
    right: Side
    change: Annotated[Change | None, Field(description="Left less right; null where either has no reviews.")]
