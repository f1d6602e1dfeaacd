"""How a server process is started, watched and stopped."""

import itertools
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from embedded.processes import ServerProcess, data_folder, free_ports
from schemas.errors import StackError


def test_free_ports_are_distinct_and_can_be_listened_on() -> None:
    ports = free_ports(20)

    assert len(set(ports)) == 20
    for port in ports:
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_a_port_in_use_is_not_free() -> None:
    taken = free_ports(1)
    with socket.create_server(("127.0.0.1", taken[0])):
        assert not set(taken) & set(free_ports(9_000))


def test_a_server_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    server = ServerProcess("Rocket", ["/bin/sh", "-c", "echo no fuel; exit 3"], tmp_path)

    with pytest.raises(StackError, match=r"Rocket ended with exit code 3(.|\n)*no fuel"):
        server.wait_until(lambda: False, timeout=60)
    server.stop()


def test_a_server_that_never_answers_is_reported_after_its_deadline(tmp_path: Path) -> None:
    server = ServerProcess("Rocket", ["/bin/sleep", "600"], tmp_path)
    seconds = itertools.count(step=10.0)

    with pytest.raises(StackError, match="Rocket did not answer within 25 s"):
        server.wait_until(lambda: False, timeout=25, clock=lambda: next(seconds))
    server.kill()


def test_a_server_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    script = "trap '' TERM; echo ready; exec sleep 600"
    server = ServerProcess("Rocket", ["/bin/sh", "-c", script], tmp_path)
    server.wait_until(lambda: "ready" in (tmp_path / "server.log").read_text(), timeout=60)

    server.stop(grace=0.1)

    assert not server.alive


def test_ctrl_c_at_the_terminal_does_not_reach_a_server(tmp_path: Path) -> None:
    server = ServerProcess("Rocket", ["/bin/sleep", "600"], tmp_path)
    try:
        assert os.getpgid(server.pid) == server.pid != os.getpgid(0)
    finally:
        server.kill()


def test_a_server_ends_when_the_process_that_started_it_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from embedded import ValkeyServer;"
        "print(ValkeyServer(Path(sys.argv[1])).start().url, flush=True); sys.stdin.read()"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        port = int(owner.stdout.readline().rpartition(":")[2].removesuffix("/0\n"))
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.sendall(b"PING\r\n")
            assert connection.recv(100) == b"+PONG\r\n"

            owner.kill()

            assert connection.recv(100) == b""


def test_a_given_data_folder_is_made_and_kept(tmp_path: Path) -> None:
    with data_folder(tmp_path / "new", "test") as folder:
        (folder / "file").touch()

    assert (tmp_path / "new" / "file").exists()


def test_a_temporary_data_folder_is_removed() -> None:
    with data_folder(None, "test") as folder:
        (folder / "file").touch()

    assert not folder.exists()
