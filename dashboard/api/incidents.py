"""The open incidents of the alerts."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from dashboard.api.models import Model
from dashboard.api.parameters import problems
from dashboard.services import InjectedServices
from schemas.alerts import Alert

router = APIRouter(tags=["all products"])


class Incidents(Model):
    """What ``reviewstream alerts`` has alarmed about and what is not over; empty where it never ran."""

    open: Annotated[list[Alert], Field(description="As they were sent, without texts; the latest first.")]


@router.get("/incidents", responses=problems())
async def incidents(services: InjectedServices) -> Incidents:
    """Products with far more strong negatives than usual, by the rules of the alerts."""
    return Incidents(open=await services.incidents.open(services.clock()))
