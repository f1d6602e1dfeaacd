"""Lists of products, and their CSV."""

from collections.abc import AsyncIterator, Iterator
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from consumers.read.counts import ProductCounts
from dashboard.api.counts_csv import COUNTS_HEAD, counts_cells
from dashboard.api.parameters import RankingName, problems
from dashboard.api.product_models import Products
from dashboard.csv_export import Cell, csv_response
from dashboard.listing import all_products, list_products
from dashboard.services import InjectedServices
from schemas.redis_keys import Ranking

router = APIRouter(tags=["products"])

MAX_PAGE = 1_000_000


@router.get("/products", responses=problems(s404="The page is beyond the end."))
async def products(
    services: InjectedServices,
    search: Annotated[
        str, Query(max_length=100, description="A part of the id; capitals do not matter.", examples=["kett"])
    ] = "",
    ranking: RankingName = Ranking.REVIEWS,
    page: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1,
    limit: Annotated[int, Query(ge=1, le=100, description="Products of a page.")] = 20,
) -> Products:
    """Products by a ranking, or those whose id holds a text: first those that begin with it."""
    listing = await list_products(
        services.counts, services.index, wanted=search, ranking=ranking, page=page, size=limit
    )
    return Products.of(listing)


@router.get("/products.csv", response_class=StreamingResponse, responses=problems())
async def products_csv(
    services: InjectedServices, ranking: RankingName = Ranking.REVIEWS
) -> StreamingResponse:
    """Every product in every channel that has reviews, by a ranking."""

    async def rows() -> AsyncIterator[list[Cell]]:
        async for product in all_products(services.counts, ranking):
            for row in _rows(product):
                yield row

    await services.counts.ranked(ranking, 0, 1)  # what is away should be told before the file has begun
    return csv_response("products.csv", ["product_id", "channel", *COUNTS_HEAD], rows())


def _rows(product: ProductCounts) -> Iterator[list[Cell]]:
    for channel, counts in product.channels.items():
        if counts.reviews:
            yield [product.product_id, channel.value, *counts_cells(counts)]
