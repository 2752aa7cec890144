"""Sockets that were inherited: served like our own, left to others as they were, and never removed."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from netkit.services.echo import Echo

if TYPE_CHECKING:
    from tests.conftest import Place
    from tests.contract.conftest import Serve


class Inherited:
    """A socket that listens, with the endpoint that inherits it, while we keep the socket as systemd does."""

    def __init__(self, sock: socket.socket, place: Place) -> None:
        self.sock = sock
        query = "?tls" if place.kind == "tls" else ""
        self.place = replace(place, listen=f"fd://{os.dup(sock.fileno())}{query}")


@pytest.fixture
def handed(endpoint: Place) -> Iterator[Inherited]:
    """One for each kind of address."""
    with ExitStack() as stack:
        if endpoint.kind == "unix":
            sock = stack.enter_context(socket.socket(socket.AF_UNIX))
            sock.bind(endpoint.listen.removeprefix("unix://"))
        else:
            family = socket.AF_INET6 if endpoint.kind == "tcp6" else socket.AF_INET
            sock = stack.enter_context(socket.socket(family))
            sock.bind(("::1" if endpoint.kind == "tcp6" else "127.0.0.1", 0))
        sock.listen()
        yield Inherited(sock, endpoint)


async def test_it_is_served_under_its_real_address(serve: Serve, handed: Inherited) -> None:
    site = await serve(Echo(), handed.place)
    name = handed.sock.getsockname()
    real = site.endpoint
    assert real.scheme == {"tcp6": "tcp"}.get(handed.place.kind, handed.place.kind)
    assert (real.path or (real.host, real.port)) == (name if isinstance(name, str) else name[:2])
    client = await site.connect()
    await client.send(b"one")
    assert await client.read(3) == b"one"


async def test_it_goes_on_to_listen_when_we_have_stopped(serve: Serve, handed: Inherited) -> None:
    """Whoever connects while nobody accepts waits for the next server."""
    site = await serve(Echo(), handed.place)
    await (await site.connect()).close()
    knocking, address = site.knock()
    await site.stop()
    with knocking:
        knocking.connect(address)
        handed.sock.setblocking(True)
        handed.sock.settimeout(20)
        handed.sock.accept()[0].close()
        if isinstance(address, str):
            assert stat.S_ISSOCK(os.stat(address).st_mode)


async def test_whoever_waits_at_the_stop_is_left_to_the_next_server(serve: Serve, handed: Inherited) -> None:
    first = await serve(Echo(), handed.place)
    knocking, address = first.knock()
    stopping = asyncio.create_task(first.stop())
    await asyncio.sleep(0)  # nobody accepts any more
    with knocking:
        knocking.setblocking(False)
        await asyncio.get_running_loop().sock_connect(knocking, address)
        await stopping
        second = await serve(Echo(), Inherited(handed.sock, replace(handed.place, listen="")).place)
        client = await second.talk(knocking.dup(), handed.place.client_tls)
        await client.send(b"one")
        assert await client.read(3) == b"one"


async def test_connections_get_what_ours_get(serve: Serve, handed: Inherited) -> None:
    if handed.sock.family == socket.AF_UNIX:
        return
    await serve(Echo(), handed.place)
    options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY), (socket.SOL_SOCKET, socket.SO_OOBINLINE)]
    options.append((socket.SOL_SOCKET, socket.SO_KEEPALIVE))
    assert [handed.sock.getsockopt(*option) for option in options] == [1, 1, 1]


async def test_datagrams(serve: Serve, new_place: Callable[[str, Path], Place]) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock, socket.socket(type=socket.SOCK_DGRAM) as client:
        sock.bind(("127.0.0.1", 0))
        client.connect(sock.getsockname())
        site = await serve(Echo(), Inherited(sock, new_place("tcp", Path())).place)
        assert str(site.endpoint) == f"udp://127.0.0.1:{sock.getsockname()[1]}"
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        client.send(b"one")
        async with asyncio.timeout(20):
            assert await loop.sock_recv(client, 10) == b"one"
