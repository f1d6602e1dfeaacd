"""All products together, and the pipeline's own state."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from dashboard.api.models import Overview
from dashboard.api.parameters import ChannelName, problems
from dashboard.api.pipeline_models import Lag, Pipeline, RefusedRecords
from dashboard.services import InjectedServices
from schemas.events import Channel

router = APIRouter(tags=["all products"])


@router.get("/overview", responses=problems())
async def overview(
    services: InjectedServices,
    days: Annotated[
        Literal["7", "28"], Query(description="Days that are compared with as many before.")
    ] = "7",
    channel: ChannelName = Channel.REVIEW,
) -> Overview:
    """Volume, sentiment, movers, worst and best of the last days."""
    services.require_index()
    return Overview.of(services.overviews.overview(int(days), channel))


@router.get("/pipeline", responses=problems())
async def pipeline(services: InjectedServices) -> Pipeline:
    """How fast events are counted, how many wait, and which model labels them."""
    state = await services.pipeline.state()
    kafka = state.kafka
    answer = kafka.answer if kafka else None
    letters = answer.letters if answer else None
    return Pipeline(
        seen_at=state.seen_at,
        trouble=state.trouble,
        applied_per_second=state.applied_per_second,
        offsets=dict(state.offsets),
        generation=state.generation,
        rebuilding=state.rebuilding,
        kafka_asked=kafka is not None,
        kafka_trouble=kafka.trouble if kafka else None,
        lags=[Lag.model_validate(lag, from_attributes=True) for lag in answer.lags] if answer else [],
        dead_letters=[RefusedRecords.model_validate(one, from_attributes=True) for one in letters.reasons]
        if letters
        else None,
        dead_letters_complete=letters.complete if letters else False,
        model=f"{answer.model.name} {answer.model.version}" if answer and answer.model else None,
    )
