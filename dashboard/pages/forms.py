"""Forms as browsers send them."""

from urllib.parse import parse_qsl

from starlette.requests import Request

MAX_FORM_BYTES = 16_384
"""A reason of 1,000 characters takes up to 12,000, each byte of it being escaped."""


async def form_of(request: Request, most: int = MAX_FORM_BYTES) -> dict[str, str]:
    """The fields of a form, or of its beginning."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            break
    return dict(parse_qsl(body[:most].decode("ascii", "replace"), keep_blank_values=True))
