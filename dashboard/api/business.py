"""Customers at risk, and the brand on social media."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from dashboard import brand as seen
from dashboard import customers as found
from dashboard.access import require_agent
from dashboard.api.models import Counts, Model, Overview, StrongNegative
from dashboard.api.parameters import problems
from dashboard.brand import read_brand
from dashboard.customers import AGENTS_ONLY
from dashboard.services import InjectedPerson, InjectedServices

router = APIRouter(tags=["campaigns, customers, brand"])


class CustomerReview(Model):
    """A strong negative of a customer."""

    product_id: str
    review_id: str
    day: Annotated[date, Field(description="Of created_at, in UTC.")]
    written: Annotated[
        StrongNegative | None, Field(description="If it is one of the product's latest; masked, perhaps cut.")
    ]


class AtRisk(Model):
    """A customer by the keyed hash of their id."""

    customer: Annotated[str, Field(examples=["9f86d081884c7d659a2feaa0c55ad015"])]
    reviews: Annotated[list[CustomerReview], Field(description="Latest first.")]

    @classmethod
    def of(cls, one: found.AtRisk) -> "AtRisk":
        """As JSON."""
        return cls.model_validate(one, from_attributes=True)


class CustomersAtRisk(Model):
    """Those with most strong negatives first, then who wrote last."""

    customers: list[AtRisk]
    total: int
    least: Annotated[int, Field(description="Strong negatives that put a customer at risk,")]
    days: Annotated[int, Field(description="within so many days.")]


class Talk(Model):
    """A product on social media, in the period and in the one before."""

    product_id: str
    now: Counts
    before: Counts


class Post(Model):
    """A strongly negative post."""

    product_id: str
    written: StrongNegative


class Brand(Model):
    """The channel social in the last days, against as many days before."""

    overview: Overview
    talked_of: Annotated[list[Talk], Field(description="Products with most posts first.")]
    posts: Annotated[list[Post], Field(description="Strong negatives of the period, latest first.")]

    @classmethod
    def of(cls, brand: seen.Brand) -> "Brand":
        """As JSON."""
        return cls(
            overview=Overview.of(brand.overview),
            talked_of=[
                Talk(product_id=one.product_id, now=Counts.of(one.now), before=Counts.of(one.before))
                for one in brand.talked_of
            ],
            posts=[
                Post(product_id=one.product_id, written=StrongNegative.of(one.written)) for one in brand.posts
            ],
        )


@router.get("/customers-at-risk", responses=problems(s403="The token is one of those who only read."))
async def customers_at_risk(
    services: InjectedServices,
    person: InjectedPerson,
    limit: Annotated[int, Query(ge=1, le=100)] = 25,
) -> CustomersAtRisk:
    """Customers with several strong negatives lately, known by a keyed hash alone."""
    require_agent(person, AGENTS_ONLY)
    at_risk, in_all = await services.customers.at_risk(services.clock().date(), limit)
    return CustomersAtRisk(
        customers=[AtRisk.of(one) for one in at_risk],
        total=in_all,
        least=services.customers.least,
        days=services.customers.days,
    )


@router.get("/brand", responses=problems())
async def brand(
    services: InjectedServices,
    days: Annotated[
        Literal["7", "28"], Query(description="Days that are compared with as many before.")
    ] = "7",
) -> Brand:
    """What is said on social media: volume, sentiment, which products are talked of, and the worst posts."""
    services.require_index()
    return Brand.of(await read_brand(services.index, services.overviews, services.counts, int(days)))
