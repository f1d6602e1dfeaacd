"""``serve`` as its users start it: a process that says where it is, and leaves when it is asked to."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from urllib.request import urlopen

from click.testing import CliRunner

from console.main import cli
from embedded import ValkeyServer
from schemas.errors import ConfigurationError


def test_it_says_where_it_is_and_leaves_at_sigterm_also_with_an_open_stream(
    valkey: ValkeyServer, redis_prefix: str
) -> None:
    command = [sys.executable, "-m", "console.main", "serve", "--listen-port", "0", "--redis-url", valkey.url]
    environment = os.environ | {"REVIEWSTREAM_REDIS_PREFIX": redis_prefix}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr
        said = next(line for line in process.stderr if "http://" in line)
        match = re.search(r"http://\S+/", said)
        assert match
        with urlopen(f"{match.group()}healthz", timeout=60) as answer:
            assert json.load(answer) == {"status": "ok"}
        with urlopen(f"{match.group()}api/v1/changes", timeout=60) as stream:
            assert stream.readline().strip() == b"event: ready"

            process.send_signal(signal.SIGTERM)

            process.stderr.read()
            assert process.wait(30) in (0, -signal.SIGTERM)


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        result = CliRunner().invoke(cli, ["serve", "--listen-port", str(port)])

    assert isinstance(result.exception, ConfigurationError)
    assert f"port {port}" in str(result.exception)


def test_an_address_that_others_reach_is_refused_without_a_token() -> None:
    result = CliRunner().invoke(cli, ["serve", "--listen-host", "0.0.0.0"])

    assert result.exit_code == 2
    assert "a token is needed" in result.output
