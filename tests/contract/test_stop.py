"""How a server ends: everybody is told, what is queued arrives, and whoever does not read it cannot put it off."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from netkit.limits import Limits
from netkit.service import Conn, Effects, Send, Service, Wake
from netkit.services.echo import Echo

if TYPE_CHECKING:
    from tests.conftest import Place
    from tests.contract.conftest import Client, Recorder, Serve, Site

MIB = 1 << 20

#: Below the grace and the linger of the defaults, so that a stop that waits for either is found out.
SOON = 0.8


class Closing(Service):
    """Gives everybody a mebibyte at the start, and a line at the end."""

    def __init__(self) -> None:
        self.guests: list[Conn] = []

    def opened(self, conn: Conn, now: float) -> Effects:
        self.guests.append(conn)
        return (bytes(MIB),)

    def stopping(self, now: float) -> Effects:
        return (Send(self.guests, b"closing\n"), Wake(0))


class Clogging(Service):
    """Sends to everybody until nobody takes any more. In pieces: with TLS one large write is not seen to wait."""

    def __init__(self) -> None:
        self.taking: list[Conn] = []

    def opened(self, conn: Conn, now: float) -> Effects:
        self.taking.append(conn)
        return (Wake(0),)

    def paused(self, conn: Conn, now: float) -> Effects:
        self.taking.remove(conn)
        return ()

    def woken(self, now: float) -> Effects:
        if self.taking:
            yield Send(tuple(self.taking), bytes(64 * 1024))
            yield Wake(0)


async def leave(client: Client) -> bytes:
    """Read all there is, then leave as netcat does."""
    said = await client.rest()
    await client.close()
    return said


async def test_everybody_gets_what_is_queued_and_the_last_line(
    serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder]
) -> None:
    service = recorder(Closing())
    site = await serve(service, endpoint, limits=Limits(hard=4 * MIB))
    clients = [await site.connect() for _ in range(3)]
    await service.until("opened", 3)
    stopping = asyncio.create_task(site.stop())
    said = await asyncio.gather(*map(leave, clients))
    assert said == [bytes(MIB) + b"closing\n"] * 3
    assert await stopping < SOON
    assert service.told["lost"] == 3
    # Nothing happens any more after the end.
    assert service.told["woken"] == 0


async def test_silent_clients_are_closed(
    serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder]
) -> None:
    service = recorder(Echo())
    site = await serve(service, endpoint)
    clients = [await site.connect() for _ in range(5)]
    await service.until("opened", 5)
    stopping = asyncio.create_task(site.stop())
    assert await asyncio.gather(*map(leave, clients)) == [b""] * 5
    assert await stopping < SOON


async def test_nobody_is_accepted_any_more(serve: Serve, endpoint: Place) -> None:
    site = await serve(Echo(), endpoint)
    await (await site.connect()).close()
    await site.stop()
    with pytest.raises((ConnectionRefusedError, FileNotFoundError)):
        await site.connect()


async def test_who_does_not_read_is_cut_when_the_grace_is_over(
    serve: Serve,
    endpoint: Place,
    tick: float,
    recorder: Callable[[Service], Recorder],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "netkit")
    service = recorder(Clogging())
    grace = 2 * tick
    site = await serve(service, endpoint, limits=Limits(grace=grace, linger=grace))
    await site.connect(buffers=4096)
    await service.until("paused")
    took = await site.stop()
    assert grace - tick < took < grace + SOON
    assert service.told["lost"] == 1
    assert caplog.messages[-2].endswith(": shutdown")
    assert caplog.messages[-1] == "endings: shutdown 1"


async def test_abort_ends_it_at_once(serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder]) -> None:
    service = recorder(Clogging())
    site = await serve(service, endpoint)
    for _ in range(3):
        await site.connect(buffers=4096)
    await service.until("paused", 3)
    site.server.abort()
    assert await site.stop() < SOON
    assert service.told["lost"] == 3


async def test_abort_while_stopping(serve: Serve, endpoint: Place, recorder: Callable[[Service], Recorder]) -> None:
    """What a second signal does."""
    service = recorder(Clogging())
    site = await serve(service, endpoint, limits=Limits(grace=600, linger=600))
    await site.connect(buffers=4096)
    await service.until("paused")
    stopping = asyncio.create_task(site.stop())
    await service.until("stopping")
    site.server.abort()
    assert await stopping < SOON


@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("layer", ["transports"], indirect=True)
async def test_who_comes_in_the_turn_of_the_stop(serve: Serve, endpoint: Place, turns: int) -> None:
    """A connection may be accepted and not yet have its place when the server stops."""
    await stop_while_one_comes(await serve(Echo(), endpoint, limits=Limits(linger=0)), turns)


@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("endpoint", ["tls"], indirect=True)
async def test_who_comes_in_the_turn_of_the_stop_with_tls(serve: Serve, endpoint: Place, turns: int) -> None:
    """So it is on the other layers where they accept by hand; elsewhere it is asyncio that accepts."""
    await stop_while_one_comes(await serve(Echo(), endpoint, limits=Limits(linger=0)), turns)


async def stop_while_one_comes(site: Site, turns: int) -> None:
    await site.empty()
    sock, address = site.knock()
    with sock:
        sock.connect(address)
        sock.setblocking(False)
        for _ in range(turns):
            await asyncio.sleep(0)
        assert await site.stop() < SOON
        assert site.server.connections == 0
        try:
            async with asyncio.timeout(10):
                assert await asyncio.get_running_loop().sock_recv(sock, 1) == b""
        except ConnectionError:
            return  # it was still in the backlog
