"""``netkit serve --state`` as people meet it: what was said is there after a restart, and after a kill."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRWPair
from pathlib import Path

import pytest

from tests.process import NETKIT, PATIENCE, Server, environment

LISTEN = ("--listen", "tcp://127.0.0.1:0")


class Ann:
    """Somebody in the chat."""

    def __init__(self, file: BufferedRWPair) -> None:
        self.file = file

    def says(self, *said: str) -> None:
        self.file.write("".join(f"{line}\n" for line in said).encode())
        self.file.flush()

    def reads(self, until: str) -> list[str]:
        """Lines up to the one that begins so."""
        got: list[str] = []
        while not got or not got[-1].startswith(until):
            line = self.file.readline()
            assert line, got
            got.append(line.decode().rstrip("\r\n"))
        return got


@contextmanager
def ann(server: Server) -> Iterator[Ann]:
    """She comes in, and has her name."""
    with socket.create_connection(("127.0.0.1", int(server.port())), PATIENCE) as sock, sock.makefile("rwb") as file:
        yield Ann(file)


@pytest.fixture
def options(state: Path) -> tuple[str, ...]:
    return (*LISTEN, "--state", str(state), "--no-rate-limit", "--loop", "asyncio")


def test_a_chat_goes_on_where_it_ended(options: tuple[str, ...], state: Path) -> None:
    with Server(*options) as server:
        with ann(server) as she:
            she.says("/nick ann", "/topic tea", *(f"line {number}" for number in range(1, 251)), "/json", "line 251")
            she.reads('{"type": "ok", "room": "#lobby", "number": 251}')
        assert server.stop() == 0

    with Server(*options) as server:
        second = subprocess.run(
            (*NETKIT, "serve", *options),
            env=environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        pid = server.process.pid
        told = (
            f"netkit: another netkit (process {pid}) keeps its state in {state}: stop it, or give each a directory of"
        )
        assert (second.returncode, second.stderr) == (1, f"{told} its own\n")
        with ann(server) as she:
            assert "*** topic: tea" in she.reads("<ann> line 251")
            she.says("/nick ann", "line 252", "/replay 1")
            lines = [line for line in she.reads("*** there is more: ") if line.startswith("#")]
            assert lines == [f"#{number} <ann> line {number}" for number in range(1, 201)]  # not in memory any more
        server.signal(signal.SIGKILL)
        server.wait()

    with Server(*options) as server, ann(server) as she:
        assert she.reads("<ann> line 252")
        she.says("/json", "later")
        last = she.reads('{"type": "ok"')[-1]
        assert int(last.rpartition(" ")[2].rstrip("}")) > 252
