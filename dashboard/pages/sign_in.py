"""Signing in with a token, and out."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dashboard.access import COOKIE, SESSION, SIGN_IN, is_local_path
from dashboard.pages.forms import form_of
from dashboard.pages.rendering import render
from dashboard.services import InjectedServices

router = APIRouter(include_in_schema=False)

MAX_FORM_BYTES = 4096

Next = Annotated[str, Query(alias="next", max_length=2000)]


@router.get(SIGN_IN)
async def form(request: Request, next_page: Next = "/") -> Response:
    """Asks for the token."""
    return _page(request, next_page, refused=False)


@router.post(SIGN_IN)
async def sign_in(request: Request, services: InjectedServices, next_page: Next = "/") -> Response:
    """Opens a session, in a cookie that no script can read, and that other sites can only use to link here."""
    given = (await form_of(request, MAX_FORM_BYTES)).get("token", "")
    person = services.tokens.person_of(given.strip())
    if person is None:
        return _page(request, next_page, refused=True)
    response = RedirectResponse(next_page if is_local_path(next_page) else "/", 303)
    response.set_cookie(
        COOKIE,
        services.tokens.open_session(person, services.clock()),
        max_age=int(SESSION.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response


@router.post("/sign-out")
async def sign_out() -> Response:
    """Ends the session in this browser."""
    response = RedirectResponse(SIGN_IN, 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="lax")
    return response


def _page(request: Request, next_page: str, *, refused: bool) -> Response:
    values = {"title": "Sign in", "live": None, "next_page": next_page, "refused": refused}
    return render(request, "sign_in.html", values, 401 if refused else 200)
