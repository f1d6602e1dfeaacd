"""The pages; each view has an address that can be shared."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse

from dashboard.access import Role
from dashboard.api.parameters import ProductId
from dashboard.counts import total
from dashboard.known import known_product, known_series
from dashboard.listing import list_products
from dashboard.pages import charts
from dashboard.pages.against_before import against_before
from dashboard.pages.marking import marked
from dashboard.pages.rendering import render
from dashboard.periods import Period
from dashboard.services import InjectedPerson, InjectedServices
from dashboard.statistics import difference
from schemas.events import MAX_ID_CHARACTERS, Channel
from schemas.redis_keys import Ranking

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

PRODUCTS_A_PAGE = 25
NEGATIVES_SHOWN = 20
NEGATIVES_READ = 100
"""As many as are kept by default: what they have in common is told of all of them."""

Span = Annotated[Literal["7", "28"], Query()]
LongSpan = Annotated[Literal["7", "28", "91"], Query()]
WrittenIn = Annotated[Channel, Query()]


@router.get("/")
async def overview(
    request: Request, services: InjectedServices, days: Span = "7", channel: WrittenIn = Channel.REVIEW
) -> HTMLResponse:
    """All products together."""
    services.require_index()
    seen = services.overviews.overview(int(days), channel)
    return render(
        request,
        "overview.html",
        {
            "title": "Overview",
            "live": "",
            "days": days,
            "channel": channel,
            "seen": seen,
            "incidents": await services.incidents.open(services.clock()),
            "volume": charts.volume_chart(seen.series),
            "share": charts.share_chart(seen.series),
        },
    )


@router.get("/products")
async def products(
    request: Request,
    services: InjectedServices,
    search: Annotated[str, Query(max_length=100)] = "",
    ranking: Annotated[Ranking, Query()] = Ranking.REVIEWS,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
) -> HTMLResponse:
    """A list to look through."""
    search = search.strip()
    if search:
        services.require_index()
    listing = await list_products(
        services.counts,
        services.index,
        wanted=search,
        ranking=ranking,
        page=page,
        size=PRODUCTS_A_PAGE,
    )
    return render(
        request,
        "products.html",
        {
            "title": "Products",
            "live": "",
            "search": search,
            "ranking": ranking,
            "rankings": list(Ranking),
            "listing": listing,
            "review": Channel.REVIEW,
        },
    )


@router.get("/product")
async def product(
    request: Request,
    services: InjectedServices,
    person: InjectedPerson,
    product_id: ProductId,
    days: LongSpan = "28",
    channel: WrittenIn = Channel.REVIEW,
) -> HTMLResponse:
    """One product."""
    found = await known_product(services.counts, product_id)
    period = Period.until(services.clock().date(), int(days))
    latest = await services.counts.negatives(product_id, NEGATIVES_READ)
    negatives = latest[:NEGATIVES_SHOWN]
    explaining = services.explanations.prepare(one.text for one in negatives)
    [both] = await known_series(
        services.counts, channel, (product_id, Period(period.before.first, period.last))
    )
    return render(
        request,
        "product.html",
        {
            "title": product_id,
            "live": product_id,
            "product": found,
            "days": days,
            "channel": channel,
            **against_before(period, both),
            "phrases": services.phrases.of([one.text for one in latest]),
            "latest": len(latest),
            "negatives": [(one, marked(one.text, services.explanations)) for one in negatives],
            "explaining": explaining,
            "now_at": services.clock(),
            "shows_labels": person.role >= Role.AGENT and services.desk.label_log is not None,
        },
    )


@router.get("/compare")
async def compare(
    request: Request,
    services: InjectedServices,
    product_id: Annotated[str, Query(max_length=MAX_ID_CHARACTERS)] = "",
    other: Annotated[str, Query(alias="with", max_length=MAX_ID_CHARACTERS)] = "",
    days: LongSpan = "28",
    channel: WrittenIn = Channel.REVIEW,
) -> HTMLResponse:
    """Two products beside each other."""
    period = Period.until(services.clock().date(), int(days))
    names = [product_id, other] if product_id and other else []
    found = await known_series(services.counts, channel, *((name, period) for name in names))
    sides = [
        (name, total(counts for _, counts in series), charts.share_chart(series))
        for name, series in zip(names, found, strict=True)
    ]
    change = None
    if sides:
        left, right = sides[0][1], sides[1][1]
        change = difference(left.positive, left.reviews, right.positive, right.reviews)
    return render(
        request,
        "compare.html",
        {
            "title": "Compare",
            "live": None,
            "product_id": product_id,
            "other": other,
            "days": days,
            "channel": channel,
            "period": period,
            "sides": sides,
            "change": change,
        },
    )


@router.get("/pipeline")
async def pipeline(request: Request, services: InjectedServices) -> HTMLResponse:
    """How the pipeline itself is."""
    return render(
        request,
        "pipeline.html",
        {
            "title": "Pipeline",
            "live": "",
            "state": await services.pipeline.state(),
            "index": services.index,
            "now": services.clock(),
        },
    )
