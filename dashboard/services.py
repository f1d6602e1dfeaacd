"""What the routes work with, made once for each application."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from dashboard.access import Person, Tokens
from dashboard.campaigns import CampaignReader
from dashboard.counts import CountsReader
from dashboard.customers import CustomerReader
from dashboard.desk.desk import Desk
from dashboard.explanations import Explanations
from dashboard.incidents import IncidentsReader
from dashboard.index import ProductIndex
from dashboard.overview import Overviews
from dashboard.phrases import PhraseBook
from dashboard.pipeline import PipelineReader
from dashboard.problems import REDIS_AWAY, ProblemError
from dashboard.watch import Broadcast, Clock, Watcher


@dataclass(frozen=True)
class Services:
    """Readers over one Redis."""

    counts: CountsReader
    index: ProductIndex
    overviews: Overviews
    watcher: Watcher
    broadcast: Broadcast
    pipeline: PipelineReader
    incidents: IncidentsReader
    desk: Desk
    explanations: Explanations
    campaigns: CampaignReader
    customers: CustomerReader
    phrases: PhraseBook
    tokens: Tokens
    clock: Clock

    def require_index(self) -> None:
        """See that what is held of all products is of now.

        Raises:
            ProblemError: it cannot be, for Redis does not answer as it should.
        """
        if self.watcher.problem is not None:
            raise ProblemError(self.watcher.problem)
        if self.watcher.seen is None and self.index.version == 0:
            raise ProblemError(REDIS_AWAY)


async def _services(request: Request) -> Services:
    """Not a plain function, for that FastAPI would have a thread run."""
    services = request.app.state.services
    assert isinstance(services, Services)
    return services


InjectedServices = Annotated[Services, Depends(_services)]


async def _person(request: Request) -> Person:
    person = request.state.person
    assert isinstance(person, Person)
    return person


InjectedPerson = Annotated[Person, Depends(_person)]
