"""Products that exist."""

from consumers.read.counts import ProductCounts
from dashboard.counts import CountsReader
from dashboard.problems import unknown_product


async def known_product(reader: CountsReader, product_id: str) -> ProductCounts:
    """Its counts in every channel.

    Raises:
        ProblemError: nothing was ever counted for it.
    """
    found = await reader.products([product_id])
    if not found:
        raise unknown_product(product_id)
    return found[0]
