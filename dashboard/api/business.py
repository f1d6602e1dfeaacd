"""Campaigns, customers at risk, and the brand on social media."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from dashboard import brand as seen
from dashboard import campaigns as counted
from dashboard import customers as found
from dashboard.access import require_agent
from dashboard.api.models import Counts, Day, Model, Overview, Period, StrongNegative
from dashboard.api.parameters import ChannelName, FirstDay, LastDay, RankingName, period_of, problems
from dashboard.brand import read_brand
from dashboard.counts import total
from dashboard.customers import AGENTS_ONLY
from dashboard.services import InjectedPerson, InjectedServices
from schemas.events import MAX_ID_CHARACTERS, Channel
from schemas.redis_keys import Ranking

router = APIRouter(tags=["campaigns, customers, brand"])

CampaignId = Annotated[str, Query(min_length=1, max_length=MAX_ID_CHARACTERS, examples=["summer-2026"])]


class Campaign(Model):
    """One campaign in a channel, since ever."""

    campaign_id: Annotated[str, Field(examples=["summer-2026"])]
    products: Annotated[int, Field(description="In which somebody answered to it.")]
    counts: Counts


class Campaigns(Model):
    """One page of campaigns."""

    channel: Channel
    campaigns: list[Campaign]
    page: int
    pages: int
    total: Annotated[int, Field(description="Campaigns with an answer in this channel.")]
    left_out: Annotated[int, Field(description="Campaigns that take no part, for there are too many.")]

    @classmethod
    def of(cls, channel: Channel, page: counted.Campaigns) -> "Campaigns":
        """As JSON."""
        return cls(
            channel=channel,
            campaigns=[
                Campaign(campaign_id=one.campaign_id, products=one.products, counts=Counts.of(one.counts))
                for one in page.campaigns
            ],
            page=page.page,
            pages=page.pages,
            total=page.total,
            left_out=page.left_out,
        )


class CampaignProduct(Model):
    """What a campaign brought for one product, since ever."""

    product_id: str
    counts: Counts


class OneCampaign(Model):
    """One campaign in a channel: since ever, by product, and day by day."""

    campaign_id: str
    channel: Channel
    counts: Counts
    products: Annotated[list[CampaignProduct], Field(description="Most answers first.")]
    left_out: Annotated[int, Field(description="Products that take no part, for there are too many.")]
    period: Period
    days: list[Day]
    total: Annotated[Counts, Field(description="Of the period.")]


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


@router.get("/campaigns", responses=problems(s404="The page is beyond the end."))
async def campaigns(
    services: InjectedServices,
    channel: ChannelName = Channel.AD,
    ranking: RankingName = Ranking.REVIEWS,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    limit: Annotated[int, Query(ge=1, le=100, description="Campaigns of a page.")] = 20,
) -> Campaigns:
    """Campaigns that somebody answered to in a channel, by a count."""
    return Campaigns.of(channel, await services.campaigns.page(channel, ranking, page, limit))


@router.get("/campaign", responses=problems(s404="Nobody ever answered to the campaign."))
async def campaign(
    services: InjectedServices,
    campaign_id: CampaignId,
    channel: ChannelName = Channel.AD,
    first: FirstDay = None,
    last: LastDay = None,
) -> OneCampaign:
    """One campaign by product and day by day; the last 28 days by default, 400 at most."""
    period = period_of(first, last, services.clock().date())
    one = await services.campaigns.one(campaign_id, channel, period)
    return OneCampaign(
        campaign_id=campaign_id,
        channel=channel,
        counts=Counts.of(total(counts for _, counts in one.products)),
        products=[
            CampaignProduct(product_id=product_id, counts=Counts.of(counts))
            for product_id, counts in one.products
        ],
        left_out=one.left_out,
        period=Period.of(period),
        days=Day.all_of(one.days),
        total=Counts.of(total(counts for _, counts in one.days)),
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
