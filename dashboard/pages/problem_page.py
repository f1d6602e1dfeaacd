"""The page of an error: what is wrong, and what to do."""

from starlette.requests import Request
from starlette.responses import Response

from dashboard.pages import rendering
from dashboard.problems import Problem


def render(request: Request, problem: Problem) -> Response:
    """A whole page with the status of the problem; one that passes by itself looks again by itself."""
    return rendering.render(
        request,
        "problem.html",
        {"title": problem.title, "problem": problem, "live": None},
        problem.status,
        **{name.replace("-", "_"): value for name, value in problem.headers.items()},
    )
