"""An address that takes connections and never answers, among those of the brokers, is passed over."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from kafka import KafkaAdminClient
from raw_topics import client_of

from embedded import KafkaCluster
from embedded.processes import LOOPBACK

SILENT = 3
PATIENCE_MS = 1000


@pytest.fixture
def silent() -> Iterator[list[str]]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server((LOOPBACK, 0))) for _ in range(SILENT)]
        yield [f"{LOOPBACK}:{server.getsockname()[1]}" for server in sockets]


def test_a_client_gets_in_by_the_one_that_answers(kafka: KafkaCluster, silent: list[str]) -> None:
    servers = ",".join([*silent, kafka.bootstrap_servers])

    with KafkaAdminClient(**client_of(servers) | {"request_timeout_ms": PATIENCE_MS}) as admin:
        assert len(admin.describe_cluster()["brokers"]) == 1
