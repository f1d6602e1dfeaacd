"""Live changes as server-sent events."""

import json
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.types import Receive, Scope, Send

from dashboard.api.parameters import problems
from dashboard.problems import Problem, ProblemError
from dashboard.services import InjectedServices
from dashboard.watch import Broadcast, Change, Listener, TooManyListeners, TooSlow

log = logging.getLogger(__name__)

router = APIRouter(tags=["live"])

NAMED = 100
"""Products that one event names; of the others it says how many they are."""

SEND_TIMEOUT_S = 15.0
"""A reader that takes nothing for so long is dropped without a word, for it would not read that either."""

PING_S = 15


class DroppingResponse(EventSourceResponse):
    """Ends in silence for a reader that takes nothing."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            log.info("dropped a reader of changes that took nothing for %.0f s", SEND_TIMEOUT_S)


@router.get(
    "/changes",
    response_class=DroppingResponse,
    responses={
        **problems(s503="Redis does not answer, or too many streams are open."),
        200: {
            "description": "An endless stream of events: `ready` begins it, `changed` names products, `too_slow` ends it.",
            "content": {
                "text/event-stream": {
                    "example": 'event: changed\ndata: {"at": "2026-03-01T12:00:00Z", "products": ["kettle-1200"], "more": 0}\n\n'
                }
            },
        },
    },
)
async def changes(
    services: InjectedServices,
    product_id: Annotated[str | None, Query(description="Only changes of this product.")] = None,
) -> EventSourceResponse:
    """Which products changed, within about a second.

    A reader that leaves 16 changes waiting is told so (`too_slow`) and dropped: read what you show anew, and come back.
    """
    try:
        listener = services.broadcast.open()
    except TooManyListeners:
        detail = "As many streams are open as there may be."
        raise ProblemError(Problem("too-many-streams", 503, "Too many readers", detail, 30)) from None
    return DroppingResponse(
        events(services.broadcast, listener, product_id), ping=PING_S, send_timeout=SEND_TIMEOUT_S
    )


async def events(
    broadcast: Broadcast, listener: Listener, product_id: str | None
) -> AsyncIterator[ServerSentEvent]:
    """The stream of one listener, which is closed in the end."""
    try:
        # The first event says that the stream stands: what was read after it misses no change.
        yield _event("ready", {"at": datetime.now(UTC).isoformat()})
        while True:
            change = await listener.next()
            if product_id is None or product_id in change.products:
                yield _changed(change, product_id)
    except TooSlow:
        yield _event(
            "too_slow", {"detail": "Too many changes were waiting for you. Read anew, then come back."}
        )
    finally:
        broadcast.close(listener)


def _changed(change: Change, product_id: str | None) -> ServerSentEvent:
    names = sorted(change.products) if product_id is None else [product_id]
    named = names[:NAMED]
    return _event(
        "changed", {"at": change.at.isoformat(), "products": named, "more": len(names) - len(named)}
    )


def _event(name: str, data: dict[str, Any]) -> ServerSentEvent:
    return ServerSentEvent(event=name, data=json.dumps(data, ensure_ascii=True))
