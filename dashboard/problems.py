"""Errors as RFC 9457 problem details in the API, and as a page for people."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from redis.exceptions import RedisError, ResponseError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from schemas.refusals import refusal_of

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

RETRY_AFTER_S = 5


@dataclass(frozen=True)
class Problem:
    """What went wrong: a stable code, and a sentence about this case."""

    code: str
    status: int
    title: str
    detail: str
    retry_after_s: int | None = None
    errors: Sequence[Mapping[str, str]] = field(default=())
    """Each parameter that is wrong, and why."""
    holder: str | None = None
    """Who has claimed what was asked for."""

    @property
    def type(self) -> str:
        """A name, for there is no page to look it up at."""
        return f"urn:reviewstream:problem:{self.code}"

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}


REDIS_AWAY = Problem(
    "redis-away",
    503,
    "The counts cannot be read now",
    "Redis does not answer. This recovers by itself as soon as it does.",
    RETRY_AFTER_S,
)

REDIS_UNREADABLE = Problem(
    "redis-unreadable",
    503,
    "The counts cannot be read",
    "What stands in Redis is not what should stand there; the log of this server says more.",
    RETRY_AFTER_S,
)


class ProblemError(Exception):
    """Ends a request with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def unknown_product(product_id: str) -> ProblemError:
    """Nothing was ever counted for it."""
    return ProblemError(
        Problem("unknown-product", 404, "Unknown product", f"Nothing was ever counted for {product_id!r}.")
    )


def unlisted_review(product_id: str, review_id: str) -> ProblemError:
    """It is none of the latest strong negatives."""
    detail = f"{review_id!r} is none of the latest strong negatives of {product_id!r}."
    return ProblemError(Problem("unlisted-review", 404, "No such review", detail))


def page_beyond_end(page: int, pages: int) -> ProblemError:
    """There are fewer pages."""
    there = "there is nothing to list" if pages == 0 else f"the last one is {pages}"
    return ProblemError(
        Problem("page-beyond-end", 404, "No such page", f"Page {page} is beyond the end: {there}.")
    )


def bad_parameter(name: str, message: str) -> ProblemError:
    """A parameter that makes no sense."""
    return ProblemError(_invalid([{"parameter": name, "message": message}]))


def problem_response(path: str, problem: Problem) -> Response:
    """As JSON."""
    body: dict[str, Any] = {
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": path,
    }
    if problem.errors:
        body["errors"] = list(problem.errors)
    if problem.holder:
        body["holder"] = problem.holder
    return JSONResponse(body, problem.status, problem.headers, MEDIA_TYPE)


PageOf = Callable[[Request, Problem], Response]


def add_problems(app: FastAPI, page_of: PageOf) -> None:
    """Answer every error with a problem.

    Args:
        app: gets the handlers.
        page_of: makes the page of a problem, for requests from outside the API.
    """

    def answer(request: Request, problem: Problem) -> Response:
        if request.url.path.startswith("/api/"):
            return problem_response(request.url.path, problem)
        return page_of(request, problem)

    async def on_problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, ProblemError)
        return answer(request, error.problem)

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return answer(
            request,
            _invalid(
                [
                    {"parameter": _parameter(one), "message": one["msg"].removeprefix("Value error, ")}
                    for one in error.errors()
                ]
            ),
        )

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        title = HTTPStatus(error.status_code).phrase
        details = {
            404: f"There is nothing at {request.url.path}.",
            405: f"{request.method} is not possible at {request.url.path}.",
        }
        code = title.lower().replace(" ", "-")
        detail = details.get(error.status_code, error.detail)
        response = answer(request, Problem(code, error.status_code, title, detail))
        response.headers.update(error.headers or {})
        return response

    async def on_redis(request: Request, error: Exception) -> Response:
        log.warning("%s: Redis: %s", request.url.path, error)
        return answer(request, redis_problem(error))

    async def on_bug(request: Request, error: Exception) -> Response:  # noqa: ARG001 -- logged by the server
        detail = "This is a fault of the server; its log says more."
        return answer(request, Problem("internal", 500, "Something went wrong", detail))

    app.add_exception_handler(ProblemError, on_problem)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RedisError, on_redis)
    app.add_exception_handler(Exception, on_bug)


def _parameter(error: Mapping[str, Any]) -> str:
    """Its name, or that it is the body as a whole."""
    where = error["loc"][1:]
    return ".".join(map(str, where)) if where and error["type"] != "json_invalid" else "body"


def _invalid(errors: Sequence[Mapping[str, str]]) -> Problem:
    detail = "; ".join(f"{error['parameter']}: {error['message']}" for error in errors)
    return Problem("invalid-parameter", 422, "A parameter makes no sense", detail, errors=errors)


def redis_problem(error: Exception) -> Problem:
    """What is to be told when Redis is away, refuses us, or answers with an error."""
    if refusal_of(error) is not None:
        detail = "Redis refuses this server; its log says what to change."
        return Problem("redis-refuses", 503, "The counts cannot be read", detail, RETRY_AFTER_S)
    if isinstance(error, ResponseError):
        detail = "Redis answers with an error; the log of this server says which."
        return Problem("redis-error", 503, "The counts cannot be read", detail, RETRY_AFTER_S)
    return REDIS_AWAY
