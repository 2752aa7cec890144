"""A server inside a program of one's own, as the package's docstring shows it."""

from __future__ import annotations

import asyncio
import os
import socket
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import netkit
from netkit import CertificateError, EndpointError, ListenError, server
from netkit.endpoints import Endpoint, bind
from netkit.service import Conn, Effects
from netkit.services.echo import Echo

if TYPE_CHECKING:
    from tests.conftest import Place

LOOPBACK = ["tcp://127.0.0.1:0"]


class Shout(netkit.Service):
    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        yield data.upper()


async def ask(port: int, data: bytes) -> bytes:
    """Send something, end, and read all that comes back."""
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    return answer


def refuses(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) != 0


async def test_a_service_of_three_lines(layer: str) -> None:
    async with netkit.serve(Shout(), listen=LOOPBACK, layer=layer) as server:
        (endpoint,) = server.endpoints
        assert (endpoint.scheme, endpoint.host) == ("tcp", "127.0.0.1")
        assert await ask(endpoint.port, b"hello") == b"HELLO"
    assert refuses(endpoint.port)


async def test_it_waits_until_it_is_stopped(layer: str) -> None:
    async with netkit.serve(Shout(), listen=LOOPBACK, layer=layer) as server:
        waiting = asyncio.create_task(server.wait())
        assert await ask(server.endpoints[0].port, b"a") == b"A"
        assert not waiting.done()
        assert not server.stopping
        server.stop()
        server.stop()
        assert server.stopping
        await waiting


async def test_two_servers_in_one_loop(layer: str) -> None:
    async with (
        netkit.serve(Shout(), listen=LOOPBACK, layer=layer) as one,
        netkit.serve(Echo(), listen=LOOPBACK, layer=layer) as two,
    ):
        first, second = await asyncio.gather(ask(one.endpoints[0].port, b"a"), ask(two.endpoints[0].port, b"a"))
        assert (first, second) == (b"A", b"a")


async def test_one_after_the_other_on_one_port(layer: str) -> None:
    port = 0
    for _ in range(3):
        async with netkit.serve(Shout(), listen=[f"tcp://127.0.0.1:{port}"], layer=layer) as server:
            port = server.endpoints[0].port
            assert await ask(port, b"a") == b"A"


async def test_several_listeners_are_one_server(layer: str, endpoint: Place) -> None:
    async with netkit.serve(
        Shout(), listen=[*LOOPBACK, endpoint.listen], layer=layer, tls=endpoint.server_tls
    ) as server:
        assert len(server.endpoints) == 2
        assert await ask(server.endpoints[0].port, b"a") == b"A"


async def test_a_port_in_use_leaves_nothing_listening(layer: str, short_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        text = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        free = netkit.serve(Shout(), listen=[f"unix://{short_path}/s", text], layer=layer)
        with pytest.raises(ListenError) as refused:
            await free.__aenter__()
    assert str(refused.value).startswith(f"{text} is in use: ")
    assert os.listdir(short_path) == []


async def test_a_port_given_twice_leaves_nothing_listening(layer: str) -> None:
    """Both can be bound (SO_REUSEADDR), and only one can listen: the trouble shows when one does already."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    text = f"tcp://127.0.0.1:{port}"
    with pytest.raises(ListenError) as refused:
        await netkit.serve(Shout(), listen=[text, text], layer=layer).__aenter__()
    assert str(refused.value).startswith(f"{text} is in use: ")
    assert refuses(port)


async def test_sockets_that_are_bound_already(layer: str) -> None:
    (bound,) = bind(Endpoint.parse(LOOPBACK[0]))
    async with netkit.serve(Shout(), listen=[bound], layer=layer) as server:
        assert server.endpoints == [bound.endpoint]
        assert await ask(bound.endpoint.port, b"hello") == b"HELLO"
    assert bound.sock.fileno() == -1
    assert refuses(bound.endpoint.port)


async def test_what_is_asked_wrongly(layer: str) -> None:
    with pytest.raises(EndpointError):
        await netkit.serve(Shout(), listen=["nonsense"], layer=layer).__aenter__()
    with pytest.raises(CertificateError, match=r"^tls://127\.0\.0\.1:0 needs a certificate"):
        await netkit.serve(Shout(), listen=[*LOOPBACK, "tls://127.0.0.1:0"], layer=layer).__aenter__()
    with pytest.raises(ValueError, match=r"^no layer is called 'sockets'"):
        await netkit.serve(Shout(), listen=LOOPBACK, layer="sockets").__aenter__()


async def test_an_exception_in_the_block_stops_it_too(layer: str) -> None:
    ports = []

    async def main() -> None:
        async with netkit.serve(Shout(), listen=LOOPBACK, layer=layer) as server:
            ports.append(server.endpoints[0].port)
            raise KeyError

    with pytest.raises(KeyError):
        await main()
    assert refuses(ports[0])


async def test_cancelling_it_stops_it_too(layer: str) -> None:
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def main() -> None:
        async with netkit.serve(Shout(), listen=LOOPBACK, layer=layer) as server:
            ready.set_result(server.endpoints[0].port)
            await server.wait()

    running = asyncio.create_task(main())
    port = await ready
    assert await ask(port, b"a") == b"A"
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert refuses(port)


class Shelf:
    """A storage that keeps what it is given in a list."""

    def __init__(self) -> None:
        self.kept: list[object] = []
        self.closed = 0

    def put(self, record: object) -> None:
        assert not self.closed
        self.kept.append(record)

    def recall(self, query: object) -> Future[object]:
        raise NotImplementedError

    def close(self) -> None:
        self.closed += 1


class Mortal(netkit.Service):
    """Is over with its first guest."""

    def opened(self, conn: Conn, now: float) -> Effects:
        return (netkit.Store("opened"), netkit.Stop())

    def lost(self, conn: Conn, now: float) -> Effects:
        return (netkit.Store(conn.ending),)


@pytest.mark.parametrize("listen", ["nonsense", "tls://127.0.0.1:0"])
async def test_a_storage_is_closed_where_nothing_can_be_served(layer: str, listen: str) -> None:
    shelf = Shelf()
    with pytest.raises(netkit.NetkitError):
        await netkit.serve(Mortal(), listen=[listen], layer=layer, storage=shelf).__aenter__()
    assert shelf.closed == 1


async def test_a_storage_is_closed_where_the_block_fails(layer: str) -> None:
    shelf = Shelf()
    with pytest.raises(KeyError):
        async with netkit.serve(Mortal(), listen=LOOPBACK, layer=layer, storage=shelf):
            raise KeyError
    assert shelf.closed == 1


def test_a_service_stops_its_server_and_the_storage_has_it_all(layer: str) -> None:
    shelf = Shelf()
    guests: list[socket.socket] = []

    def visit(line: str) -> None:
        if line.startswith("listening on "):
            guests.append(socket.create_connection(("127.0.0.1", int(line.rpartition(":")[2]))))

    config = server.Config(
        service=Mortal(),
        service_name="mortal",
        layer=layer,
        listen=(Endpoint.parse(LOOPBACK[0]),),
        limits=netkit.Limits(linger=0),
        storage=shelf,
    )
    server.run(config, visit)
    guests.pop().close()
    assert (shelf.kept, shelf.closed) == (["opened", "shutdown"], 1)


async def test_it_counts_who_is_there(layer: str) -> None:
    async with netkit.serve(Shout(), listen=LOOPBACK, layer=layer, limits=netkit.Limits(linger=0)) as server:
        assert server.connections == 0
        reader, writer = await asyncio.open_connection("127.0.0.1", server.endpoints[0].port)
        writer.write(b"a")
        assert await reader.readexactly(1) == b"A"
        assert server.connections == 1
        server.abort()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readexactly(1)
        writer.close()
