"""Who may do what: tokens with roles, sessions for browsers, and the hosts by which we may be called."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import IntEnum
from http.cookies import CookieError, SimpleCookie
from typing import NamedTuple
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.problems import Problem, ProblemError, problem_response
from dashboard.watch import Clock
from schemas.dashboard_settings import DashboardSettings

COOKIE = "reviewstream_session"

SESSION = timedelta(hours=12)
"""A working day; then the token is asked for again."""

SIGN_IN = "/sign-in"

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_OUR_SITES = ("same-origin", "none")
"""What browsers say of a request that one of our own pages made, or the person."""

_OPEN = ("/static/", SIGN_IN, "/healthz")
"""Paths that hold nothing of customers."""


class Role(IntEnum):
    """What someone may do; each role may do what those before it may."""

    READ = 1
    AGENT = 2
    ADMIN = 3


class Person(NamedTuple):
    """Who asks: what they may do, and the name under which they claim and label. Those who share a token share a name."""

    role: Role
    name: str


def require_agent(person: Person, otherwise: Problem) -> None:
    """See that somebody is an agent, or may do all that an agent may.

    Raises:
        ProblemError: they may only read; it says ``otherwise``.
    """
    if person.role < Role.AGENT:
        raise ProblemError(otherwise)


THIS_MACHINE = Person(Role.ADMIN, "local")
"""Where no token is set."""


class Tokens:
    """The tokens that are set, and the sessions that they open.

    A session is the person, when it ends, and a keyed hash of both; the key is the token, so another token ends it.
    """

    def __init__(self, tokens: Mapping[Role, str], agents: Mapping[str, str] | None = None) -> None:
        shared = {Person(role, role.name.lower()): token for role, token in tokens.items()}
        named = {Person(Role.AGENT, name): token for name, token in (agents or {}).items()}
        self._tokens = shared | named

    @classmethod
    def of(cls, settings: DashboardSettings) -> "Tokens":
        """Those of the settings."""
        given = {
            Role.READ: settings.read_token,
            Role.AGENT: settings.agent_token,
            Role.ADMIN: settings.admin_token,
        }
        set_ones = {role: token.get_secret_value() for role, token in given.items() if token is not None}
        return cls(set_ones, settings.tokens_by_agent)

    @property
    def required(self) -> bool:
        """Without any token, this machine's own user may do everything."""
        return bool(self._tokens)

    def person_of(self, token: str) -> Person | None:
        """Whose token it is. Every token is compared, so the time taken tells nothing."""
        found = None
        for person, known in self._tokens.items():
            if hmac.compare_digest(known.encode(), token.encode()):
                found = person
        return found

    def open_session(self, person: Person, now: datetime) -> str:
        """The value of the cookie."""
        ends = int((now + SESSION).timestamp())
        return f"{person.role.name}.{person.name}.{ends}.{self._signature(person, ends)}"

    def session_person(self, cookie: str, now: datetime) -> Person | None:
        """Whose open session it is."""
        role, _, rest = cookie.partition(".")
        name, _, rest = rest.partition(".")
        ends, _, signature = rest.partition(".")
        if role not in Role.__members__ or not (ends.isascii() and ends.isdecimal() and len(ends) < 12):
            return None
        person = Person(Role[role], name)
        if person not in self._tokens or int(ends) < now.timestamp():
            return None
        signed = self._signature(person, int(ends))
        return person if hmac.compare_digest(signed.encode(), signature.encode()) else None

    def _signature(self, person: Person, ends: int) -> str:
        said = f"session {person.role.name} {person.name} {ends}"
        return hmac.new(self._tokens[person].encode(), said.encode(), hashlib.sha256).hexdigest()


class Guard:
    """Lets in who has a token or a session; who that is stands in ``request.state.person``.

    Where no token is set we listen to this machine only, and answer only to its own names: otherwise a page on the web
    whose name is made to lead here could read what stands here, through its reader's browser. Nor may a page of another
    site make its reader's browser change anything here.
    """

    def __init__(self, app: ASGIApp, tokens: Tokens, clock: Clock) -> None:
        self._app = app
        self._tokens = tokens
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, path = Headers(scope=scope), scope["path"]
        if not self._tokens.required:
            person: Person | None = THIS_MACHINE if _host_is_ours(headers.get("host", "")) else None
            if person is None:
                await problem_response(path, WRONG_HOST)(scope, receive, send)
                return
        else:
            person = self._person(headers)
        if scope["method"] not in _SAFE_METHODS and headers.get("sec-fetch-site", "none") not in _OUR_SITES:
            await problem_response(path, OTHER_SITE)(scope, receive, send)
            return
        scope.setdefault("state", {})["person"] = person
        if person is not None or path.startswith(_OPEN):
            await self._app(scope, receive, send)
        elif path.startswith("/api/"):
            response = problem_response(path, NO_TOKEN)
            response.headers["WWW-Authenticate"] = "Bearer"
            await response(scope, receive, send)
        else:
            query = scope["query_string"].decode("ascii", "replace")
            wanted = quote(path + (f"?{query}" if query else ""), safe="")
            await RedirectResponse(f"{SIGN_IN}?next={wanted}", 303)(scope, receive, send)

    def _person(self, headers: Headers) -> Person | None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._tokens.person_of(token.strip())
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return None
        return None if cookie is None else self._tokens.session_person(cookie.value, self._clock())


NO_TOKEN = Problem(
    "token-needed",
    401,
    "A token is needed",
    "Send it as 'Authorization: Bearer TOKEN', or sign in at /sign-in.",
)
OTHER_SITE = Problem(
    "other-site", 403, "Not from there", "A page of another site may not change anything here."
)
WRONG_HOST = Problem(
    "wrong-host",
    421,
    "Not by this name",
    "Without a token this server answers only to localhost, 127.0.0.1 and [::1].",
)


def _host_is_ours(host: str) -> bool:
    name = host[: host.rindex(":")] if ":" in host and not host.endswith("]") else host
    return name.lower() in ("localhost", "127.0.0.1", "[::1]")


def is_local_path(path: str) -> bool:
    """Whether a redirection there stays with us."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
