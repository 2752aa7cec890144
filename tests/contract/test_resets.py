"""Peers that break off: nothing is logged above INFO, nothing is left, and the server goes on."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from netkit.limits import Limits
from netkit.service import Conn, Effects, Send, Service
from netkit.services.echo import Echo

if TYPE_CHECKING:
    from tests.conftest import Place
    from tests.contract.conftest import Recorder, Serve, Site

#: Not a number of times that could come out right by chance.
CROWD = 17

#: A close with this is a reset (socket(7)).
LINGER_RESET = b"\1\0\0\0\0\0\0\0"


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def loudest(caplog: pytest.LogCaptureFixture) -> int:
    return max((record.levelno for record in caplog.records), default=0)


def connect_and_reset(site: Site) -> None:
    """Be gone before the server has even accepted: nothing of the loop runs in between."""
    sock, address = site.knock()
    sock.connect(address)
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
    sock.close()


async def test_in_the_middle_of_a_write(
    serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder], caplog: pytest.LogCaptureFixture
) -> None:
    service = recorder(Echo())
    site = await serve(service, endpoint)
    for number in range(CROWD):
        client = await site.connect()
        sending = asyncio.create_task(client.send(bytes(8 << 20)))
        await service.until("received", service.told["received"] + 1)
        client.reset()
        await asyncio.gather(sending, return_exceptions=True)
        await service.until("lost", number + 1)
    assert (service.told["opened"], service.told["lost"], site.server.connections) == (CROWD, CROWD, 0)
    survivor = await site.connect()
    await survivor.send(b"still there")
    assert await survivor.read(11) == b"still there"
    assert loudest(caplog) == logging.INFO


async def test_at_once(serve: Serve, endpoint: Place, caplog: pytest.LogCaptureFixture) -> None:
    site = await serve(Echo(), endpoint)
    for _ in range(CROWD):
        connect_and_reset(site)
    await site.empty()
    survivor = await site.connect()
    await survivor.send(b"still there")
    assert await survivor.read(11) == b"still there"
    assert site.server.connections == 1
    assert loudest(caplog) == logging.INFO


async def test_at_once_where_no_place_is_free(serve: Serve, endpoint: Place, caplog: pytest.LogCaptureFixture) -> None:
    class Full(Echo):
        def refused(self, reason: str) -> bytes:
            return b"full\n"

    service = Full()
    site = await serve(service, endpoint, limits=Limits(connections=1))
    first = await site.connect()
    await first.send(b"1")
    assert await first.read(1) == b"1"
    for _ in range(CROWD):
        connect_and_reset(site)
    for _ in range(CROWD):
        await first.send(b"2")
        assert await first.read(1) == b"2"
    assert service.endings == {"server-full": CROWD}
    assert sum(line.startswith("refused") for line in caplog.messages) == 1
    assert loudest(caplog) == logging.INFO


async def test_while_a_broadcast_is_on_its_way(
    serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder]
) -> None:
    """Half of an audience leaves in the turn in which something is sent to all."""

    class Shout(Service):
        def received(self, conn: Conn, data: bytes, now: float) -> Effects:
            yield Send(list(service.conns), data)

    service = recorder(Shout())
    site = await serve(service, endpoint)
    audience = [await site.connect() for _ in range(10)]
    await service.until("opened", 10)
    for leaver in audience[5:]:
        leaver.reset()
    await audience[0].send(b"hello")
    assert await asyncio.gather(*(each.read(5) for each in audience[:5])) == [b"hello"] * 5
    await service.until("lost", 5)
    assert site.server.connections == 5
