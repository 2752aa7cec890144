"""Silence ends a connection, activity puts that off. The waits in here are what is tested, by the server's clock."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from netkit.limits import Limits
from netkit.service import Conn, Effects, Service
from netkit.services.echo import Echo

if TYPE_CHECKING:
    from tests.conftest import Place
    from tests.contract.conftest import Recorder, Serve

#: Loops count in milliseconds, and round.
EARLY = 0.002


class Silences(Echo):
    """An echo that knows when it last heard of each peer, and when each was lost."""

    def __init__(self) -> None:
        self.opened_at: dict[Conn, float] = {}
        self.heard_at: dict[Conn, float] = {}
        self.lost_at: dict[Conn, float] = {}

    def opened(self, conn: Conn, now: float) -> Effects:
        self.opened_at[conn] = self.heard_at[conn] = now
        return ()

    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        self.heard_at[conn] = now
        return super().received(conn, data, now)

    def lost(self, conn: Conn, now: float) -> Effects:
        self.lost_at[conn] = now
        return ()


async def test_silence_closes_and_activity_puts_it_off(
    serve: Serve,
    all_places: list[Place],
    recorder: Callable[[Service], Recorder],
    tick: float,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "netkit")
    idle = 20 * tick  # far more than between two messages, for a process that stands still now and then
    service = Silences()
    record = recorder(service)
    site = await serve(record, *all_places, limits=Limits(idle=idle))

    async def live(number: int) -> None:
        """Be active for longer than the server bears silence, then be silent."""
        client = await site.connect(number)
        until = asyncio.get_running_loop().time() + idle + 4 * tick
        while asyncio.get_running_loop().time() < until:
            await client.send(b"?")
            assert await client.read(1) == b"?"
            await asyncio.sleep(tick)
        assert await client.rest() == b""
        await client.close()

    await asyncio.gather(*(live(number) for number in range(len(all_places))))
    await record.until("lost", len(all_places))
    for conn, lost in service.lost_at.items():
        assert service.heard_at[conn] - service.opened_at[conn] > idle
        assert lost - service.heard_at[conn] >= idle - EARLY
    assert sum(line.endswith(": idle") for line in caplog.messages) == len(all_places)


async def test_who_says_nothing_at_all(serve: Serve, endpoint: Place, tick: float) -> None:
    site = await serve(Echo(), endpoint, limits=Limits(idle=tick))
    client = await site.connect()
    assert await client.rest() == b""


async def test_who_is_closed_for_its_silence_is_told(
    serve: Serve, endpoint: Place, tick: float, recorder: Callable[[Service], Recorder]
) -> None:
    class Polite(Echo):
        def refused(self, reason: str) -> bytes:
            return f"sorry: {reason}\n".encode()

    service = recorder(Polite())
    client = await (await serve(service, endpoint, limits=Limits(idle=tick))).connect()
    assert await client.rest() == b"sorry: idle\n"
    await client.close()
    await service.until("lost")
    assert (service.endings, service.told["refused"]) == ({"idle": 1}, 1)


async def test_what_the_service_says_where_the_limits_do_not(serve: Serve, tick: float) -> None:
    class Hasty(Echo):
        idle = tick

    client = await (await serve(Hasty())).connect()
    assert await client.rest() == b""


async def test_zero_is_never(serve: Serve, tick: float) -> None:
    class Hasty(Echo):
        idle = tick

    client = await (await serve(Hasty(), limits=Limits(idle=0))).connect()
    await asyncio.sleep(3 * tick)
    await client.send(b"?")
    assert await client.read(1) == b"?"


async def test_who_stays_after_that_is_cut(serve: Serve, tick: float, recorder: Callable[[Service], Recorder]) -> None:
    """Our side ends in order, then there is ``linger`` for the other one, and no more."""
    service = recorder(Echo())
    site = await serve(service, limits=Limits(idle=tick, linger=tick))
    client = await site.connect()
    assert await client.rest() == b""
    await service.until("lost")
    assert site.server.connections == 0
