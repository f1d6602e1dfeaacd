"""Bodies are read into memory, so they may not be of any length."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 1_000_000
"""A text of 20,000 characters takes 240,000 bytes at most, each written as two escapes of six."""


class BodyLimit:
    """Ends a request whose body is longer, as soon as anybody reads it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        read = 0

        async def receive_some() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MAX_BODY_BYTES:
                raise HTTPException(413, f"A body may have {MAX_BODY_BYTES:,} bytes.")
            return message

        await self._app(scope, receive_some, send)
