"""Templates, and how numbers and texts are written in them. Everything is escaped; nothing is marked as safe."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from consumers.read.counts import Share
from dashboard.access import COOKIE, Person, Role
from dashboard.api.models import SMALL
from dashboard.statistics import Difference
from dashboard.wording import NOTHING, number, signed_points
from schemas.events import Channel

EXCERPT_CHARACTERS = 280
"""Of a text before one has to ask for more."""

_AHEAD = timedelta(minutes=2)
"""By how much a time may lie ahead before a clock must be wrong."""

VIEWS = (
    ("/", "Overview", Role.READ),
    ("/products", "Products", Role.READ),
    ("/compare", "Compare", Role.READ),
    ("/campaigns", "Campaigns", Role.READ),
    ("/brand", "Brand", Role.READ),
    ("/queue", "Queue", Role.READ),
    ("/customers", "Customers", Role.AGENT),
    ("/pipeline", "Pipeline", Role.READ),
)
"""Path, name, and the least role that may open it."""

CHANNEL_NAMES = {
    Channel.REVIEW: "Reviews",
    Channel.SUPPORT: "Support",
    Channel.AD: "Ads",
    Channel.SOCIAL: "Social",
}


def render(
    request: Request, template: str, values: Mapping[str, Any], status: int = 200, **headers: str
) -> HTMLResponse:
    """A page.

    Args:
        request: that is answered.
        template: name of its file.
        values: for the template.
        status: of the answer.
        headers: of the answer, with underscores for dashes.
    """
    person: Person | None = request.state.person
    html = _ENVIRONMENT.get_template(template).render(
        path=request.url.path,
        signed_in=COOKIE in request.cookies,
        views=[] if person is None else [view for view in VIEWS if person.role >= view[2]],
        **values,
    )
    return HTMLResponse(html, status, {name.replace("_", "-"): value for name, value in headers.items()})


def percent(value: float | None) -> str:
    """0.824 as 82 %."""
    return NOTHING if value is None else f"{value * 100:.0f} %"


def interval(share: Share) -> str:
    """In words, as a screen reader should say it."""
    few = ", a small sample" if share.n < SMALL else ""
    return (
        f"{percent(share.value)} of {number(share.n)}, "
        f"95 % interval {percent(share.low)} to {percent(share.high)}{few}"
    )


def change_words(change: Difference | None) -> str:
    """What a change is worth, in words."""
    if change is None:
        return "nothing to compare with"
    span = f"{signed_points(change.low)} to {signed_points(change.high)}"
    verdict = "more than noise" if change.p < 0.05 else "may be noise"
    return f"{signed_points(change.value)} points ({span}), {verdict}"


def age(moment: datetime | None, now: datetime) -> str:
    """How long ago, and that a clock is wrong where that is in the future."""
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    if -seconds > _AHEAD.total_seconds():
        return f"{_span(-seconds)} in the future: a clock is wrong"
    return "just now" if seconds < 60 else f"{_span(seconds)} ago"


def _span(seconds: float) -> str:
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{number(count)} {name}{'' if count == 1 else 's'}"
    return f"{int(seconds)} seconds"


def minutes(span: timedelta) -> str:
    """Rounded up, so that nobody is told 0."""
    count = max(1, -(-span // timedelta(minutes=1)))
    return f"{count} minute{'' if count == 1 else 's'}"


def cut(text: str) -> tuple[str, str]:
    """What is shown of a text at first, cut between words where there are any, and the rest."""
    if len(text) <= EXCERPT_CHARACTERS * 5 // 4:
        return text, ""
    space = text.rfind(" ", EXCERPT_CHARACTERS // 2, EXCERPT_CHARACTERS)
    at = EXCERPT_CHARACTERS if space < 0 else space
    return text[:at], text[at:]


def day_name(day: date) -> str:
    """1 March."""
    return f"{day.day} {day:%b}"


def instant(moment: datetime) -> str:
    """In UTC, to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def address(path: str, **parameters: object) -> str:
    """A link within the dashboard; what is None or empty is left out."""
    given = {name.rstrip("_"): value for name, value in parameters.items() if value not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path


_ENVIRONMENT = Environment(
    loader=PackageLoader("dashboard", "pages/templates"),
    autoescape=True,
    undefined=StrictUndefined,
    auto_reload=False,  # else each page asks the file system whether a template changed
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {
    "percent": percent,
    "number": number,
    "points": signed_points,
    "interval": interval,
    "change_words": change_words,
    "cut": cut,
    "minutes": minutes,
    "day_name": day_name,
    "instant": instant,
}
_ENVIRONMENT.globals |= {"address": address, "age": age, "channel_names": CHANNEL_NAMES, "small": SMALL}
