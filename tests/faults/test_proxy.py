"""The breakable network breaks as it says."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from proxy import Proxy

from embedded.processes import LOOPBACK

DELAY_S = 0.2
PATIENCE_S = 30.0


class Echo:
    """Sends back what it gets, after its own name."""

    def __init__(self, name: bytes) -> None:
        self._name = name
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            while True:
                try:
                    got = connection.recv(100)
                except ConnectionError:
                    return
                if not got:
                    return
                connection.sendall(self._name + got)


@pytest.fixture
def echo() -> Iterator[Echo]:
    with closing(Echo(b"echo ")) as server:
        yield server


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    with Proxy(echo.port) as between:
        yield between


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection((LOOPBACK, proxy.port), timeout=PATIENCE_S)


def ask(connection: socket.socket, question: bytes) -> bytes:
    connection.sendall(question)
    return connection.recv(100)


def test_bytes_pass_in_both_directions(proxy: Proxy) -> None:
    with connect(proxy) as connection:
        assert ask(connection, b"hello") == b"echo hello"


def test_a_delay_holds_each_direction_back(proxy: Proxy) -> None:
    proxy.delay(DELAY_S)

    with connect(proxy) as connection:
        before = time.monotonic()
        assert ask(connection, b"hello") == b"echo hello"

        assert time.monotonic() - before >= 2 * DELAY_S


def test_a_frozen_line_says_nothing_until_it_is_healed(proxy: Proxy) -> None:
    with connect(proxy) as old:
        assert ask(old, b"before") == b"echo before"
        proxy.freeze()
        with connect(proxy) as new:
            for connection in (old, new):
                connection.settimeout(0.1)
                with pytest.raises(TimeoutError):
                    ask(connection, b"frozen")

            proxy.heal()

            for connection in (old, new):
                connection.settimeout(PATIENCE_S)
                assert connection.recv(100) == b"echo frozen"


def test_a_cut_ends_connections_and_refuses_new_ones_until_it_is_healed(proxy: Proxy) -> None:
    with connect(proxy) as connection:
        assert ask(connection, b"before") == b"echo before"

        proxy.cut()

        assert connection.recv(100) == b""
        with pytest.raises(ConnectionRefusedError):
            connect(proxy)
    proxy.heal()
    with connect(proxy) as connection:
        assert ask(connection, b"after") == b"echo after"


def test_a_reset_ends_connections_by_an_error_and_takes_new_ones(proxy: Proxy) -> None:
    with connect(proxy) as connection:
        assert ask(connection, b"before") == b"echo before"

        proxy.reset()

        with pytest.raises(ConnectionResetError):
            connection.recv(100)
    with connect(proxy) as connection:
        assert ask(connection, b"after") == b"echo after"


def test_a_failover_leads_clients_to_the_other_server(proxy: Proxy) -> None:
    with closing(Echo(b"other ")) as other, connect(proxy) as connection:
        assert ask(connection, b"before") == b"echo before"

        proxy.point_to(other.port)

        with connect(proxy) as again:
            assert ask(again, b"after") == b"other after"
