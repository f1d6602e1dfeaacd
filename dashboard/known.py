"""Products that exist."""

from consumers.read.counts import ProductCounts
from dashboard.counts import CountsReader, DayCounts
from dashboard.periods import Period
from dashboard.problems import unknown_product
from schemas.events import Channel


async def known_product(reader: CountsReader, product_id: str) -> ProductCounts:
    """Its counts in every channel.

    Raises:
        ProblemError: nothing was ever counted for it.
    """
    found = await reader.products([product_id])
    if not found:
        raise unknown_product(product_id)
    return found[0]


async def known_series(
    reader: CountsReader, channel: Channel, *wanted: tuple[str, Period]
) -> list[list[DayCounts]]:
    """Every day of each product and period in a channel, in one round trip.

    Raises:
        ProblemError: nothing was ever counted for one of the products.
    """
    found = []
    for (product_id, _), series in zip(wanted, await reader.series(channel, wanted), strict=True):
        if series is None:
            raise unknown_product(product_id)
        found.append(series)
    return found
