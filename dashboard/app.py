"""The application: readers over one Redis, the API, the pages, and what guards them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import JSONResponse
from starlette.staticfiles import StaticFiles

from consumers.explain.start import Explain
from dashboard.access import Guard, Tokens
from dashboard.api import (
    business,
    campaigns,
    changes,
    explanations,
    incidents,
    product,
    products,
    queue,
    whole,
)
from dashboard.body_limit import BodyLimit
from dashboard.campaigns import CampaignReader
from dashboard.counts import CountsReader, connect
from dashboard.customers import CustomerReader
from dashboard.desk.claims import Claims
from dashboard.desk.desk import Desk, LabelLog
from dashboard.desk.line import Line
from dashboard.desk.waiting import WaitingReader
from dashboard.explanations import Explanations
from dashboard.headers import SafeHeaders
from dashboard.incidents import IncidentsReader
from dashboard.index import ProductIndex
from dashboard.overview import Overviews
from dashboard.pages import business as business_pages
from dashboard.pages import problem_page, sign_in
from dashboard.pages import queue as queue_pages
from dashboard.pages import routes as pages
from dashboard.phrases import PhraseBook
from dashboard.pipeline import KafkaAnswer, PipelineReader
from dashboard.problems import add_problems
from dashboard.services import Services
from dashboard.watch import Broadcast, Clock, Watcher
from schemas.alert_keys import AlertKeys
from schemas.dashboard_settings import DashboardSettings
from schemas.desk_keys import DeskKeys
from schemas.redis_keys import ViewKeys

API = "/api/v1"

STATIC = Path(__file__).parent / "pages" / "static"

DESCRIPTION = """\
Counts of what customers feel, by product, channel and day, as Redis holds them, and the customer-service queue. All but
what agents do with the queue only reads.

Each share comes with its sample size and a 95 % interval, so that 3 of 3 do not look like 3,000 of 3,000. Errors are
problem details (RFC 9457). Where tokens are set, send one as `Authorization: Bearer TOKEN`.
"""


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def create_app(
    settings: DashboardSettings,
    *,
    ask_kafka: Callable[[], KafkaAnswer] | None = None,
    label_log: LabelLog | None = None,
    start_explaining: Callable[[], Explain] | None = None,
    clock: Clock = utc_now,
) -> FastAPI:
    """The whole dashboard. Nothing connects before it is started.

    Args:
        settings: where Redis is, and who may read.
        ask_kafka: how to ask Kafka for the state of the pipeline, if at all.
        label_log: the topic of labels, if anybody may write there.
        start_explaining: how to start the model, called when a text is first to be explained; None for no explanations.
        clock: the time, in UTC.
    """
    tokens = Tokens.of(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with connect(settings) as redis:
            keys, desk_keys = ViewKeys(settings.redis_prefix), DeskKeys(settings.redis_prefix)
            explained = Explanations(start_explaining)
            phrases = PhraseBook()
            index, broadcast = ProductIndex(redis, keys, clock().date()), Broadcast()
            waiting = WaitingReader(redis, keys, desk_keys, settings.scored_topic)
            line = Line(waiting)
            topics = (settings.scored_topic, settings.labels_topic)
            watcher = Watcher(redis, keys, topics, index, broadcast, clock, line)
            claims = Claims(redis, desk_keys, timedelta(minutes=settings.claim_minutes))
            counts = CountsReader(redis, keys)
            app.state.services = Services(
                counts=counts,
                index=index,
                overviews=Overviews(index),
                watcher=watcher,
                broadcast=broadcast,
                pipeline=PipelineReader(watcher, ask_kafka, clock),
                incidents=IncidentsReader(redis, AlertKeys(settings.redis_prefix)),
                desk=Desk(line, waiting, claims, label_log, clock),
                explanations=explained,
                phrases=phrases,
                campaigns=CampaignReader(redis, keys),
                customers=CustomerReader(
                    redis, keys, counts, least=settings.risk_reviews, days=settings.risk_days
                ),
                tokens=tokens,
                clock=clock,
            )
            async with watcher.running():
                yield
            explained.close()
            phrases.close()

    app = FastAPI(
        title="reviewstream",
        version=version("reviewstream"),
        description=DESCRIPTION,
        lifespan=lifespan,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # they load their scripts from elsewhere
        redoc_url=None,
    )
    for api in (products, product, whole, campaigns, business, incidents, queue, explanations, changes):
        app.include_router(api.router, prefix=API)
    app.include_router(pages.router)
    app.include_router(business_pages.router)
    app.include_router(queue_pages.router)
    app.include_router(sign_in.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> JSONResponse:
        """Whether this process answers; it does so without Redis too."""
        return JSONResponse({"status": "ok"})

    add_problems(app, problem_page.render)
    app.add_middleware(BodyLimit)
    app.add_middleware(Guard, tokens=tokens, clock=clock)
    app.add_middleware(SafeHeaders)  # the outermost: also what the guard refuses goes through it
    return app
