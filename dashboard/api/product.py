"""One product, or two beside each other."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from dashboard.api.counts_csv import days_response
from dashboard.api.models import Change, Counts, Day, Period, StrongNegative
from dashboard.api.parameters import AskedPeriod, ChannelName, ProductId, period_of, problems
from dashboard.api.product_models import Comparison, Days, Product, Side, StrongNegatives
from dashboard.counts import total
from dashboard.known import known_product, known_series
from dashboard.problems import bad_parameter
from dashboard.services import InjectedServices
from dashboard.statistics import difference
from schemas.events import MAX_ID_CHARACTERS, Channel

router = APIRouter(tags=["one product"])

UNKNOWN = problems(s404="Nothing was ever counted for the product.")


@router.get("/counts", responses=UNKNOWN)
async def counts(services: InjectedServices, product_id: ProductId) -> Product:
    """The counts of a product in every channel."""
    return Product.of(await known_product(services.counts, product_id))


@router.get("/days", responses=UNKNOWN)
async def days(
    services: InjectedServices,
    product_id: ProductId,
    period: AskedPeriod,
    channel: ChannelName = Channel.REVIEW,
) -> Days:
    """The counts of a product day by day; the last 28 days by default, 400 at most."""
    [series] = await known_series(services.counts, channel, (product_id, period))
    return Days(
        product_id=product_id,
        channel=channel,
        period=Period.of(period),
        days=Day.all_of(series),
        total=Counts.of(total(counted for _, counted in series)),
    )


@router.get("/days.csv", response_class=StreamingResponse, responses=UNKNOWN)
async def days_csv(
    services: InjectedServices,
    product_id: ProductId,
    period: AskedPeriod,
    channel: ChannelName = Channel.REVIEW,
) -> StreamingResponse:
    """The same as a file."""
    [series] = await known_series(services.counts, channel, (product_id, period))
    return days_response("days.csv", "product_id", product_id, channel, series)


@router.get("/negatives", responses=UNKNOWN)
async def negatives(
    services: InjectedServices,
    product_id: ProductId,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> StrongNegatives:
    """What customers wrote lately that is strongly negative, newest first, personal data masked."""
    await known_product(services.counts, product_id)
    found = await services.counts.negatives(product_id, limit)
    return StrongNegatives(
        product_id=product_id, negatives=[StrongNegative.of(negative) for negative in found]
    )


@router.get("/compare", responses=UNKNOWN)
async def compare(
    services: InjectedServices,
    product_id: ProductId,
    period: AskedPeriod,
    with_product: Annotated[
        str | None,
        Query(
            alias="with",
            min_length=1,
            max_length=MAX_ID_CHARACTERS,
            description="Another product; the same by default.",
        ),
    ] = None,
    channel: ChannelName = Channel.REVIEW,
    with_first: Annotated[
        date | None, Query(alias="with_from", description="First day of the right side.")
    ] = None,
    with_last: Annotated[
        date | None, Query(alias="with_to", description="Last day of the right side.")
    ] = None,
) -> Comparison:
    """Two products in the same days, or one product in these days and others: by default, as many just before."""
    if with_first is None and with_last is None:
        try:
            other = period if with_product else period.before
        except OverflowError:
            raise bad_parameter("from, to", "there are no days before these to compare with") from None
    else:
        other = period_of(with_first, with_last, services.clock().date())
    wanted = (product_id, period), (with_product or product_id, other)
    found = await known_series(services.counts, channel, *wanted)
    left, right = (
        Side(
            product_id=name, period=Period.of(span), counts=Counts.of(total(counted for _, counted in series))
        )
        for (name, span), series in zip(wanted, found, strict=True)
    )
    change = difference(
        left.counts.positive, left.counts.reviews, right.counts.positive, right.counts.reviews
    )
    return Comparison(channel=channel, left=left, right=right, change=Change.of(change))
