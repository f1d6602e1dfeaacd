"""A network that a test can break: a TCP proxy on the loopback interface, between a client and its server."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Self

from embedded.processes import LOOPBACK, free_ports

_CHUNK = 65_536
_STEP_TIMEOUT_S = 30.0
_RST_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER of zero seconds


class Proxy:
    """Forwards connections to ``target``, until told to delay, freeze, cut or reset them.

    Args:
        target: port of the server; it may be named later, by ``point_to``.
    """

    def __init__(self, target: int = 0) -> None:
        (self.port,) = free_ports(1)
        self._target = target
        self._delay_s = 0.0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._flowing = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._transports: set[asyncio.WriteTransport] = set()
        self._links: set[asyncio.Task[None]] = set()

    def point_to(self, target: int) -> None:
        """Lead new connections to another port, and reset those that stand: what a failover does."""
        self._target = target
        self.reset()

    def delay(self, seconds: float) -> None:
        """Let each chunk of up to 64 KiB wait, in both directions: a far and a thin line."""
        self._delay_s = seconds

    def freeze(self) -> None:
        """Pass nothing on. Connections stay open, and new ones are accepted: nobody learns that the line is dead."""
        self._run(self._set_flowing(flowing=False))

    def cut(self) -> None:
        """End all connections in order, and refuse new ones."""
        self._run(self._cut())

    def reset(self) -> None:
        """End all connections by an RST, whatever is under way in them; new ones are accepted."""
        self._run(self._reset())

    def heal(self) -> None:
        """Forward at once again; what was frozen goes on where it stood."""
        self._delay_s = 0.0
        self._run(self._listen())
        self._run(self._set_flowing(flowing=True))

    def __enter__(self) -> Self:
        self._thread.start()
        self.heal()
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, step: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(step, self._loop).result(_STEP_TIMEOUT_S)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._link, LOOPBACK, self.port)

    async def _set_flowing(self, *, flowing: bool) -> None:
        (self._flowing.set if flowing else self._flowing.clear)()

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self._end_links(lambda transport: transport.close())

    async def _reset(self) -> None:
        def reset(transport: asyncio.WriteTransport) -> None:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
            transport.abort()

        self._end_links(reset)

    async def _end(self) -> None:
        await self._cut()
        for link in self._links:
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)

    def _end_links(self, end: Callable[[asyncio.WriteTransport], None]) -> None:
        for transport in self._transports:
            end(transport)
        for link in self._links:
            link.cancel()

    async def _link(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        link = asyncio.current_task()
        assert link is not None
        self._links.add(link)
        writers = [to_client]
        self._transports.add(to_client.transport)
        try:
            await self._flowing.wait()
            from_server, to_server = await asyncio.open_connection(LOOPBACK, self._target)
            writers.append(to_server)
            self._transports.add(to_server.transport)
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._pump(from_client, to_server))
                pumps.create_task(self._pump(from_server, to_client))
        except* (OSError, asyncio.CancelledError):
            pass  # one end is gone, or we end the link
        finally:
            for writer in writers:
                self._transports.discard(writer.transport)
                writer.close()
            self._links.discard(link)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while chunk := await source.read(_CHUNK):
            if self._delay_s:
                await asyncio.sleep(self._delay_s)
            await self._flowing.wait()
            sink.write(chunk)
            await sink.drain()
        with suppress(OSError):
            sink.write_eof()
