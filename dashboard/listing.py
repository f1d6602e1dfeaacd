"""A page of products, for the API and for people."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from consumers.read.counts import ProductCounts
from dashboard.counts import CountsReader
from dashboard.index import ProductIndex
from dashboard.problems import page_beyond_end
from dashboard.search import search
from schemas.redis_keys import Ranking

EXPORTED_AT_ONCE = 250


@dataclass(frozen=True)
class Listing:
    """One page; pages count from 1."""

    products: Sequence[ProductCounts]
    page: int
    pages: int
    total: int


async def list_products(
    reader: CountsReader, index: ProductIndex, *, wanted: str, ranking: Ranking, page: int, size: int
) -> Listing:
    """Products that match ``wanted``, or all by ``ranking`` if it is empty.

    Raises:
        ProblemError: there is no such page.
    """
    start = (page - 1) * size
    if wanted:
        found = search(index.names, wanted)
        names, total = found[start : start + size], len(found)
    else:
        names, total = await reader.ranked(ranking, start, size)
    pages = -(-total // size)
    if page > max(1, pages):
        raise page_beyond_end(page, pages)
    return Listing(await reader.products(names) if names else [], page, pages, total)


async def all_products(reader: CountsReader, ranking: Ranking) -> AsyncIterator[ProductCounts]:
    """Every product by a ranking. One that moves meanwhile may come twice or not at all."""
    start, total = 0, 1
    while start < total:
        names, total = await reader.ranked(ranking, start, EXPORTED_AT_ONCE)
        for product in await reader.products(names) if names else []:
            yield product
        start += EXPORTED_AT_ONCE
