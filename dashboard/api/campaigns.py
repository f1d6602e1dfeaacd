"""What campaigns brought, and its CSV."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import StreamingResponse

from dashboard import campaigns as counted
from dashboard.api.counts_csv import COUNTS_HEAD, counts_cells, days_response
from dashboard.api.models import Counts, Day, Model, Period
from dashboard.api.parameters import AskedPeriod, ChannelName, RankingName, problems
from dashboard.counts import total
from dashboard.csv_export import Cell, csv_response
from dashboard.services import InjectedServices
from schemas.events import MAX_ID_CHARACTERS, Channel
from schemas.redis_keys import Ranking

router = APIRouter(tags=["campaigns, customers, brand"])

CampaignId = Annotated[str, Query(min_length=1, max_length=MAX_ID_CHARACTERS, examples=["summer-2026"])]

UNKNOWN = problems(s404="Nobody ever answered to the campaign.")


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


@router.get("/campaigns.csv", response_class=StreamingResponse, responses=problems())
async def campaigns_csv(
    services: InjectedServices, channel: ChannelName = Channel.AD, ranking: RankingName = Ranking.REVIEWS
) -> StreamingResponse:
    """Every campaign that somebody answered to in a channel, since ever, by a count; the first 2,000 by id at most."""
    found = await services.campaigns.ranked(channel, ranking)

    async def rows() -> AsyncIterator[list[Cell]]:
        for one in found:
            yield [one.campaign_id, channel.value, one.products, *counts_cells(one.counts)]

    return csv_response("campaigns.csv", ["campaign_id", "channel", "products", *COUNTS_HEAD], rows())


@router.get("/campaign", responses=UNKNOWN)
async def campaign(
    services: InjectedServices,
    campaign_id: CampaignId,
    period: AskedPeriod,
    channel: ChannelName = Channel.AD,
) -> OneCampaign:
    """One campaign by product and day by day; the last 28 days by default, 400 at most."""
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


@router.get("/campaign.csv", response_class=StreamingResponse, responses=UNKNOWN)
async def campaign_csv(
    services: InjectedServices,
    campaign_id: CampaignId,
    period: AskedPeriod,
    channel: ChannelName = Channel.AD,
) -> StreamingResponse:
    """One campaign day by day; the last 28 days by default, 400 at most."""
    one = await services.campaigns.one(campaign_id, channel, period)
    return days_response("campaign.csv", "campaign_id", campaign_id, channel, one.days)
