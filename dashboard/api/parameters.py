"""Parameters that several routes share, and what they may be.

A product is named by a parameter and not by a part of the path: an id may hold slashes, dots or anything else, and clients
and proxies change such paths.
"""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Query

from dashboard.api.models import ProblemDetails
from dashboard.periods import Period, chosen_period
from dashboard.problems import bad_parameter
from dashboard.services import InjectedServices
from schemas.events import MAX_ID_CHARACTERS, Channel
from schemas.redis_keys import Ranking

ProductId = Annotated[str, Query(min_length=1, max_length=MAX_ID_CHARACTERS, examples=["kettle-1200"])]
ChannelName = Annotated[Channel, Query(description="Where the customers wrote.")]
RankingName = Annotated[Ranking, Query(description="Which count of channel review comes highest first.")]
FirstDay = Annotated[
    date | None, Query(alias="from", description="First day (UTC).", examples=["2026-03-01"])
]
LastDay = Annotated[
    date | None, Query(alias="to", description="Last day (UTC); today by default.", examples=["2026-03-28"])
]

DEFAULT_DAYS = 28

Responses = dict[int | str, dict[str, Any]]


def problems(**described: str) -> Responses:
    """The errors of a route for its documentation; ``s404="..."`` says when it answers 404."""
    return {
        int(status.removeprefix("s")): {
            "model": ProblemDetails,
            "description": description,
            "content": {"application/problem+json": {}},
        }
        for status, description in {**_ALWAYS, **described}.items()
    }


_ALWAYS: Mapping[str, str] = {
    "s401": "A token is needed.",
    "s422": "A parameter makes no sense.",
    "s503": "Redis does not answer; try again after `Retry-After` seconds.",
}


def period_of(first: date | None, last: date | None, today: date) -> Period:
    """The period that two parameters name.

    Raises:
        ProblemError: they make no sense.
    """
    try:
        return chosen_period(first, last, today=today, days=DEFAULT_DAYS)
    except ValueError as error:
        raise bad_parameter("from, to", str(error)) from error


def _asked_period(services: InjectedServices, first: FirstDay = None, last: LastDay = None) -> Period:
    return period_of(first, last, services.clock().date())


AskedPeriod = Annotated[Period, Depends(_asked_period)]
"""What ``from`` and ``to`` name; the last 28 days by default, 400 at most."""
