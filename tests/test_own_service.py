"""The example of a service of one's own: alone, in memory and on sockets on every layer, and as a program."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

import netkit
from netkit.testing import Script, serve_in_memory
from tests.process import Program, Server

EXAMPLE = Path(__file__).parent.parent / "examples" / "own_service.py"


@pytest.fixture(scope="module")
def shout() -> Callable[[], netkit.Service]:
    """The class of the example, which is not in a package."""
    spec = spec_from_file_location("own_service", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    made: Callable[[], netkit.Service] = module.Shout
    return made


def test_alone_it_is_compared_by_value(shout: Callable[[], netkit.Service]) -> None:
    with Script(shout()) as script:
        ann = script.opened("ann")
        script.received(ann, b"hello\n")
        script.expect(b"HELLO\n")


async def test_in_memory_it_shouts_on_every_layer(shout: Callable[[], netkit.Service], layer: str) -> None:
    async with serve_in_memory(shout(), layer=layer) as server:
        peer = await server.connect()
        peer.fragment(2)
        peer.feed(b"hello\n")
        assert await peer.wait_sent(6) == b"HELLO\n"


async def test_on_a_socket_it_shouts_on_every_layer(shout: Callable[[], netkit.Service], layer: str) -> None:
    async with netkit.serve(shout(), listen=["tcp://127.0.0.1:0"], layer=layer) as server, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.endpoints[0].port)
        writer.write(b"hello\n")
        writer.write_eof()
        assert await reader.read() == b"HELLO\n"
        writer.close()
        await writer.wait_closed()


def ask(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        sock.sendall(b"hello\n")
        return sock.recv(100)


def test_it_is_served_by_its_name() -> None:
    options = ("--service", "own_service:Shout", "--layer", "protocols", "--listen", "0")
    with Server(*options, cwd=EXAMPLE.parent) as server:
        assert server.ready.startswith("service own_service:Shout, layer protocols, loop ")
        assert ask(int(server.port())) == b"HELLO\n"
        assert server.stop() == 0


def test_it_runs_by_itself() -> None:
    with Program(sys.executable, EXAMPLE, "tcp://127.0.0.1:0") as program:
        ready = program.output.line().decode()
        assert ready.startswith("listening on tcp://127.0.0.1:")
        assert ask(int(ready.rpartition(":")[2])) == b"HELLO\n"
        program.signal(signal.SIGINT)
        assert program.wait() == 0
        assert program.errors.rest() == b""
