"""TLS in front of a server that speaks none: the embedded Valkey is built without it."""

import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer

from embedded.processes import LOOPBACK

CHUNK = 65_536


def server_context(certificate: str, client_authority: str | None = None) -> ssl.SSLContext:
    """For a server that shows ``certificate`` and, if an authority is given, asks its clients for theirs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if client_authority:
        context.load_verify_locations(client_authority)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


@contextmanager
def tls_proxies(target: int, *contexts: ssl.SSLContext) -> Iterator[list[int]]:
    """The ports on which the server on the port ``target`` can be reached over TLS, one for each context."""
    with ExitStack() as stack:
        servers = [stack.enter_context(_Proxy(target, context)) for context in contexts]
        for server in servers:
            threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
            stack.callback(server.shutdown)
        yield [server.server_address[1] for server in servers]


class _Proxy(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False  # a client may keep its connection

    def __init__(self, target: int, context: ssl.SSLContext) -> None:
        super().__init__((LOOPBACK, 0), _Connection)
        self.target = target
        self.context = context


class _Connection(BaseRequestHandler):
    server: _Proxy

    def handle(self) -> None:
        with (
            suppress(OSError),
            self.server.context.wrap_socket(
                self.request, server_side=True, do_handshake_on_connect=False
            ) as client,
        ):
            try:
                client.do_handshake()
            except ssl.SSLError:
                _hang_up(client)
                return
            with socket.create_connection((LOOPBACK, self.server.target)) as behind:
                _pump(client, behind)


def _hang_up(client: ssl.SSLSocket) -> None:
    """In order: a close with something unread would destroy the alert that is on its way."""
    client.shutdown(socket.SHUT_WR)
    while client.recv(CHUNK):
        pass


def _pump(client: ssl.SSLSocket, behind: socket.socket) -> None:
    """Both ways in one thread: OpenSSL allows no two at one connection."""
    while True:
        readable = [client] if client.pending() else select.select([client, behind], [], [])[0]
        for source in readable:
            data = source.recv(CHUNK)
            if not data:
                return
            (behind if source is client else client).sendall(data)
