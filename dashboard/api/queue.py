"""The customer-service queue, and what people said of reviews."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from dashboard.api.parameters import ProductId, problems
from dashboard.api.queue_models import (
    Claimed,
    LabelHistory,
    Place,
    Queue,
    QueueItem,
    Relabel,
    SaidLabel,
    Withdrawal,
)
from dashboard.desk.claims import Act
from dashboard.desk.line import MOST_LISTED
from dashboard.desk.order import EXPLANATION
from dashboard.known import known_product
from dashboard.services import InjectedPerson, InjectedServices
from schemas.events import MAX_ID_CHARACTERS, Channel

router = APIRouter(tags=["queue"])

ACTS = problems(
    s403="The token is one of those who only read.",
    s404="It is not in the queue any more.",
    s409="Somebody else has claimed it; `holder` says who.",
)
LABELS = problems(
    s403="The token is one of those who only read.",
    s404="Nothing was counted for the product, or no label is in force.",
)


@router.get("/queue", responses=problems())
async def queue(
    services: InjectedServices,
    channel: Annotated[Channel | None, Query(description="Only what was written there.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 25,
) -> Queue:
    """What waits for a person, most urgent first: strong negatives, and reviews that the model is unsure of."""
    services.require_index()
    items = await services.desk.items(channel, limit)
    services.explanations.prepare(item.text for item in items)
    return Queue(
        items=[QueueItem.of(item, services.explanations.ready(item.text)) for item in items],
        waiting=services.desk.line.waiting(channel),
        complete=services.desk.line.complete,
        order=EXPLANATION,
    )


@router.post("/queue/claim", responses=ACTS)
async def claim(services: InjectedServices, person: InjectedPerson, place: Place) -> Claimed:
    """Claim a review, or make one's claim last anew. Of two who claim at once, one gets it."""
    outcome = await services.desk.act(Act.CLAIM, person, place.product_id, place.place)
    return Claimed(holder=outcome.holder, expires_in_s=outcome.expires_in.total_seconds())


@router.post("/queue/done", status_code=204, responses=ACTS)
async def done(services: InjectedServices, person: InjectedPerson, place: Place) -> None:
    """Say that it is answered: it leaves the queue."""
    await services.desk.act(Act.DONE, person, place.product_id, place.place)


@router.post("/queue/hand-back", status_code=204, responses=ACTS)
async def hand_back(services: InjectedServices, person: InjectedPerson, place: Place) -> None:
    """End one's claim; the review goes on waiting."""
    await services.desk.act(Act.BACK, person, place.product_id, place.place)


@router.post("/queue/relabel", responses=ACTS)
async def relabel(services: InjectedServices, person: InjectedPerson, said: Relabel) -> SaidLabel:
    """Say what the model should have said, and why. It counts in place of the model's label; the review leaves the queue."""
    event = await services.desk.relabel(
        person, said.product_id, said.place, (said.label, said.intensity), said.reason
    )
    return SaidLabel.of(event)


@router.get("/labels", responses=LABELS)
async def labels(
    services: InjectedServices,
    person: InjectedPerson,
    product_id: ProductId,
    review_id: Annotated[str | None, Query(min_length=1, max_length=MAX_ID_CHARACTERS)] = None,
) -> LabelHistory:
    """Who said what of a product's reviews, when and why, latest first: the audit trail, from the topic."""
    found: Sequence[SaidLabel] = [
        SaidLabel.of(event) for event in services.desk.history(person, product_id, review_id)
    ]
    if not found:
        await known_product(services.counts, product_id)
    log = services.desk.label_log
    return LabelHistory(
        product_id=product_id, labels=list(found), incomplete_because=log.trouble if log else None
    )


@router.post("/labels/withdraw", responses=LABELS)
async def withdraw(services: InjectedServices, person: InjectedPerson, wanted: Withdrawal) -> SaidLabel:
    """Take the latest label of a review back, so that the model's counts again."""
    event = await services.desk.withdraw(person, wanted.product_id, wanted.review_id, wanted.reason)
    return SaidLabel.of(event)
