"""Stopping as a process: a signal lets everybody hear the last line, and a second one waits for nobody."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from netkit import layers
from tests.process import PATIENCE, READ_SIZE, Server

#: A service that ends its server when it is told to.
MORTAL = """
import netkit

class Mortal(netkit.Service):
    def received(self, conn, data, now):
        yield b"I die"
        yield netkit.Stop()
"""

SIGNALS = [signal.SIGTERM, signal.SIGINT]


@contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", int(server.port())), PATIENCE) as sock:
        yield sock


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> str:
    if request.param == "uvloop":
        pytest.importorskip("uvloop", reason="uvloop is not installed")
    return str(request.param)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_everybody_hears_the_last_line(layer: str, loop: str, number: signal.Signals) -> None:
    with Server("--listen", "0", "--layer", layer, "--loop", loop) as server, connected(server) as sock:
        heard = sock.makefile("rb")
        while b"nobody else is here yet" not in heard.readline():
            pass
        server.signal(number)
        assert heard.read() == b"*** the server is stopping: goodbye (shutdown)\r\n"
        sock.close()
        heard.close()
        assert server.wait() == 0
        assert server.errors.rest() == b""


def fill(sock: socket.socket) -> None:
    """Send to an echo without reading, until it has more to write than the sockets take."""
    sock.settimeout(0.5)
    try:
        while True:
            sock.send(b"x" * READ_SIZE)
    except TimeoutError:
        return


@pytest.mark.parametrize("name", layers.NAMES)
@pytest.mark.parametrize("second", SIGNALS, ids=lambda number: number.name)
def test_a_second_signal_ends_it_at_once(name: str, second: signal.Signals) -> None:
    """The peer does not read, and there would be an hour to wait for it."""
    options = ("-v", "--listen", "0", "--service", "echo", "--layer", name, "--grace", "3600")
    with Server(*options) as server, connected(server) as sock:
        fill(sock)
        server.signal(signal.SIGTERM)
        server.errors.until(b"INFO SIGTERM: stopping\n")
        server.signal(second)
        assert server.wait() == 0
        said = server.errors.rest().decode().splitlines()
    assert said[0].endswith(f"INFO {second.name} again: ending at once")
    assert [line.partition(": ")[2] for line in said[1:]] == ["shutdown", "shutdown 1"]


def test_a_service_can_stop_its_server(layer: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MORTAL)
    with (
        Server("-v", "--listen", "0", "--service", "mine:Mortal", "--layer", layer, cwd=tmp_path) as server,
        connected(server) as sock,
    ):
        sock.sendall(b"die")
        assert sock.makefile("rb").read() == b"I die"
        sock.close()
        assert server.wait() == 0
        said = [line.partition(" INFO ")[2] for line in server.errors.rest().decode().splitlines()]
    assert said[1] == "the service stops the server"
    assert said[2].endswith(": shutdown")
    assert said[3:] == ["endings: shutdown 1"]
