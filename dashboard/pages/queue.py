"""The queue for people, and who said what of a product's reviews. Its acts are forms, so that it works without scripts."""

from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Query
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from dashboard.access import Person, Role
from dashboard.api.parameters import ProductId
from dashboard.api.queue_models import Place, Relabel, Withdrawal
from dashboard.desk.claims import Act
from dashboard.desk.order import EXPLANATION
from dashboard.known import known_product
from dashboard.pages.forms import form_of
from dashboard.pages.marking import marked
from dashboard.pages.rendering import address, render
from dashboard.problems import Problem, ProblemError, bad_parameter
from dashboard.services import InjectedPerson, InjectedServices, Services
from schemas.events import Channel, Intensity, Label

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

SHOWN = 25

Written = Annotated[Literal["", "review", "support", "social"], Query(alias="channel")]

MEANINGS = [
    ("1", Label.NEGATIVE, Intensity.STRONG),
    ("2", Label.NEGATIVE, Intensity.WEAK),
    ("3", Label.POSITIVE, Intensity.WEAK),
    ("4", Label.POSITIVE, Intensity.STRONG),
]
"""Key on the keyboard, and what it says."""

SAID = {
    "claim": "It is yours.",
    "done": "Answered, and out of the queue.",
    "back": "Handed back.",
    "relabel": "Labelled; the counts follow in a moment.",
    "withdraw": "Taken back; the counts follow in a moment.",
}

Form = TypeVar("Form", bound=BaseModel)


@router.get("/queue")
async def queue(
    request: Request,
    services: InjectedServices,
    person: InjectedPerson,
    channel: Written = "",
    said: Annotated[str, Query(max_length=20)] = "",
) -> HTMLResponse:
    """What waits, most urgent first."""
    return await _queue_page(request, services, person, channel, notice=SAID.get(said))


@router.post("/queue")
async def act(
    request: Request, services: InjectedServices, person: InjectedPerson, channel: Written = ""
) -> Response:
    """One act on one review; what cannot be done is told above the queue as it is then."""
    form = await form_of(request)
    wanted = form.pop("act", "")
    try:
        if wanted == "relabel":
            meaning = form.pop("meaning", "")
            label, _, intensity = meaning.partition(" ")
            said = _read(Relabel, form | {"label": label, "intensity": intensity})
            await services.desk.relabel(
                person, said.product_id, said.place, (said.label, said.intensity), said.reason
            )
        elif wanted in list(Act):
            place = _read(Place, {name: form.get(name, "") for name in ("product_id", "place")})
            await services.desk.act(Act(wanted), person, place.product_id, place.place)
        else:
            raise bad_parameter("act", "is none of the buttons")
    except ProblemError as error:
        return await _queue_page(request, services, person, channel, problem=error.problem)
    stays = wanted == Act.CLAIM
    item = form.get("item", "") if stays else ""
    there = address("/queue", channel=channel, said=wanted)
    return RedirectResponse(there + (f"#{item}" if item.isalnum() else ""), 303)


@router.get("/labels")
async def labels(
    request: Request,
    services: InjectedServices,
    person: InjectedPerson,
    product_id: ProductId,
    said: Annotated[str, Query(max_length=20)] = "",
) -> HTMLResponse:
    """Who said what, when and why."""
    return await _labels_page(request, services, person, product_id, notice=SAID.get(said))


@router.post("/labels")
async def withdraw(
    request: Request, services: InjectedServices, person: InjectedPerson, product_id: ProductId
) -> Response:
    """Take a label back."""
    try:
        wanted = _read(Withdrawal, await form_of(request) | {"product_id": product_id})
        await services.desk.withdraw(person, product_id, wanted.review_id, wanted.reason)
    except ProblemError as error:
        return await _labels_page(request, services, person, product_id, problem=error.problem)
    return RedirectResponse(address("/labels", product_id=product_id, said="withdraw"), 303)


async def _queue_page(
    request: Request,
    services: Services,
    person: Person,
    channel: str,
    *,
    notice: str | None = None,
    problem: Problem | None = None,
) -> HTMLResponse:
    services.require_index()
    chosen = Channel(channel) if channel else None
    items = await services.desk.items(chosen, SHOWN)
    pending = services.explanations.prepare(item.text for item in items)
    return render(
        request,
        "queue.html",
        {
            "title": "Queue",
            "live": None,
            "channel": channel,
            "items": [(item, marked(item.text, services.explanations)) for item in items],
            "pending": pending,
            "waiting": services.desk.line.waiting(chosen),
            "complete": services.desk.line.complete,
            "explanation": EXPLANATION,
            "agent": person.name if person.role >= Role.AGENT else None,
            "meanings": MEANINGS,
            "can_label": services.desk.label_log is not None,
            "notice": notice,
            "problem": problem,
            "now": services.clock(),
        },
        200 if problem is None else problem.status,
    )


async def _labels_page(
    request: Request,
    services: Services,
    person: Person,
    product_id: str,
    *,
    notice: str | None = None,
    problem: Problem | None = None,
) -> HTMLResponse:
    await known_product(services.counts, product_id)
    history = services.desk.history(person, product_id)
    latest = {event.review_id: event for event in reversed(history)}
    return render(
        request,
        "labels.html",
        {
            "title": f"Labels of {product_id}",
            "live": None,
            "product_id": product_id,
            "history": history,
            "latest": latest,
            "trouble": services.desk.label_log.trouble if services.desk.label_log else None,
            "notice": notice,
            "problem": problem,
        },
        200 if problem is None else problem.status,
    )


def _read(model: type[Form], fields: dict[str, str]) -> Form:
    try:
        return model.model_validate({name: fields[name] for name in fields if name in model.model_fields})
    except ValidationError as error:
        first = error.errors()[0]
        raise bad_parameter(".".join(map(str, first["loc"])), first["msg"]) from error
