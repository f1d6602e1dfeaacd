"""The pages of campaigns, of customers at risk, and of the brand on social media."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse

from dashboard.access import require_agent
from dashboard.api.campaigns import CampaignId
from dashboard.brand import read_brand
from dashboard.customers import AGENTS_ONLY
from dashboard.pages import charts
from dashboard.pages.against_before import against_before
from dashboard.pages.rendering import render
from dashboard.pages.routes import LongSpan, Span, WrittenIn
from dashboard.periods import Period
from dashboard.services import InjectedPerson, InjectedServices
from schemas.events import Channel
from schemas.redis_keys import Ranking

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

CAMPAIGNS_A_PAGE = 25
CUSTOMERS_SHOWN = 25


@router.get("/campaigns")
async def campaigns(
    request: Request,
    services: InjectedServices,
    channel: WrittenIn = Channel.AD,
    ranking: Annotated[Ranking, Query()] = Ranking.REVIEWS,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
) -> HTMLResponse:
    """A list to look through."""
    return render(
        request,
        "campaigns.html",
        {
            "title": "Campaigns",
            "live": "",
            "channel": channel,
            "ranking": ranking,
            "rankings": list(Ranking),
            "listing": await services.campaigns.page(channel, ranking, page, CAMPAIGNS_A_PAGE),
        },
    )


@router.get("/campaign")
async def campaign(
    request: Request,
    services: InjectedServices,
    campaign_id: CampaignId,
    days: LongSpan = "28",
    channel: WrittenIn = Channel.AD,
) -> HTMLResponse:
    """One campaign."""
    period = Period.until(services.clock().date(), int(days))
    one = await services.campaigns.one(campaign_id, channel, Period(period.before.first, period.last))
    return render(
        request,
        "campaign.html",
        {
            "title": campaign_id,
            "live": "",
            "one": one,
            "days": days,
            "channel": channel,
            **against_before(period, one.days),
        },
    )


@router.get("/customers")
async def customers(request: Request, services: InjectedServices, person: InjectedPerson) -> HTMLResponse:
    """Who wrote several strong negatives lately."""
    require_agent(person, AGENTS_ONLY)
    at_risk, in_all = await services.customers.at_risk(services.clock().date(), CUSTOMERS_SHOWN)
    return render(
        request,
        "customers.html",
        {
            "title": "Customers at risk",
            "live": "",
            "customers": at_risk,
            "total": in_all,
            "least": services.customers.least,
            "days": services.customers.days,
        },
    )


@router.get("/brand")
async def brand(request: Request, services: InjectedServices, days: Span = "7") -> HTMLResponse:
    """What is said on social media."""
    services.require_index()
    read = await read_brand(services.index, services.overviews, services.counts, int(days))
    return render(
        request,
        "brand.html",
        {
            "title": "Brand",
            "live": "",
            "days": days,
            "brand": read,
            "seen": read.overview,
            "volume": charts.volume_chart(read.overview.series),
            "share": charts.share_chart(read.overview.series),
        },
    )
