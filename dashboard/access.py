"""Who may do what: tokens with roles, sessions for browsers, and the hosts by which we may be called."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import IntEnum
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.problems import Problem, problem_response
from dashboard.watch import Clock
from schemas.dashboard_settings import DashboardSettings

COOKIE = "reviewstream_session"

SESSION = timedelta(hours=12)
"""A working day; then the token is asked for again."""

SIGN_IN = "/sign-in"

_OPEN = ("/static/", SIGN_IN, "/healthz")
"""Paths that hold nothing of customers."""


class Role(IntEnum):
    """What someone may do; each role may do what those before it may."""

    READ = 1
    AGENT = 2
    ADMIN = 3


class Tokens:
    """The tokens that are set, and the sessions that they open.

    A session is the role, when it ends, and a keyed hash of both; the key is the token, so another token ends it.
    """

    def __init__(self, tokens: Mapping[Role, str]) -> None:
        self._tokens = dict(tokens)

    @classmethod
    def of(cls, settings: DashboardSettings) -> "Tokens":
        """Those of the settings."""
        given = {
            Role.READ: settings.read_token,
            Role.AGENT: settings.agent_token,
            Role.ADMIN: settings.admin_token,
        }
        return cls({role: token.get_secret_value() for role, token in given.items() if token is not None})

    @property
    def required(self) -> bool:
        """Without any token, this machine's own user may do everything."""
        return bool(self._tokens)

    def role_of(self, token: str) -> Role | None:
        """The role that a token gives. Every token is compared, so the time taken tells nothing."""
        found = None
        for role, known in self._tokens.items():
            if hmac.compare_digest(known.encode(), token.encode()):
                found = role
        return found

    def open_session(self, role: Role, now: datetime) -> str:
        """The value of the cookie."""
        ends = int((now + SESSION).timestamp())
        return f"{role.name}.{ends}.{self._signature(role, ends)}"

    def session_role(self, cookie: str, now: datetime) -> Role | None:
        """The role of an open session."""
        name, _, rest = cookie.partition(".")
        ends, _, signature = rest.partition(".")
        if name not in Role.__members__ or not (ends.isascii() and ends.isdecimal() and len(ends) < 12):
            return None
        role = Role[name]
        if role not in self._tokens or int(ends) < now.timestamp():
            return None
        signed = self._signature(role, int(ends))
        return role if hmac.compare_digest(signed.encode(), signature.encode()) else None

    def _signature(self, role: Role, ends: int) -> str:
        return hmac.new(
            self._tokens[role].encode(), f"session {role.name} {ends}".encode(), hashlib.sha256
        ).hexdigest()


class Guard:
    """Lets in who has a token or a session; the role stands in ``request.state.role``.

    Where no token is set we listen to this machine only, and answer only to its own names: otherwise a page on the web
    whose name is made to lead here could read what stands here, through its reader's browser.
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
            role: Role | None = Role.ADMIN if _host_is_ours(headers.get("host", "")) else None
            if role is None:
                await problem_response(path, WRONG_HOST)(scope, receive, send)
                return
        else:
            role = self._role(headers)
        scope.setdefault("state", {})["role"] = role
        if role is not None or path.startswith(_OPEN):
            await self._app(scope, receive, send)
        elif path.startswith("/api/"):
            response = problem_response(path, NO_TOKEN)
            response.headers["WWW-Authenticate"] = "Bearer"
            await response(scope, receive, send)
        else:
            query = scope["query_string"].decode("ascii", "replace")
            wanted = quote(path + (f"?{query}" if query else ""), safe="")
            await RedirectResponse(f"{SIGN_IN}?next={wanted}", 303)(scope, receive, send)

    def _role(self, headers: Headers) -> Role | None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._tokens.role_of(token.strip())
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return None
        return None if cookie is None else self._tokens.session_role(cookie.value, self._clock())


NO_TOKEN = Problem(
    "token-needed",
    401,
    "A token is needed",
    "Send it as 'Authorization: Bearer TOKEN', or sign in at /sign-in.",
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
