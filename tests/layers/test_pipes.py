"""The three layers on pipes in memory, whose room is known to the byte: what waits, and what happens then."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from io import FileIO
from typing import Any, cast

import pytest

from netkit.layers import pipes
from netkit.layers.delivery import Delivery
from netkit.limits import Limits
from netkit.service import Conn, Effects, Hold, Service
from netkit.services.echo import Echo
from netkit.stdio import Pipes
from netkit.testing import MemoryReadTransport, MemoryWriteTransport

LIMITS = Limits(low=10, high=100, hard=1000, grace=5)


class Telling(Echo):
    """An echo that writes down what it is told; what follows a ``!`` is held back for so many seconds."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        if data.startswith(b"!"):
            return (Hold(conn, float(data[1:])),)
        return super().received(conn, data, now)

    def opened(self, conn: Conn, now: float) -> Effects:
        self.told.append("opened")
        return ()

    def ended(self, conn: Conn, now: float) -> Effects:
        self.told.append("ended")
        return ()

    def paused(self, conn: Conn, now: float) -> Effects:
        self.told.append("paused")
        return super().paused(conn, now)

    def resumed(self, conn: Conn, now: float) -> Effects:
        self.told.append("resumed")
        return super().resumed(conn, now)

    def lost(self, conn: Conn, now: float) -> Effects:
        self.told.append("lost")
        return ()


class Greedy(Telling):
    """Answers each byte with a hundred, and does not stop for anybody."""

    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        return (data * 100,)

    def paused(self, conn: Conn, now: float) -> Effects:
        return ()


class Loop:
    """The running loop, but that it makes transports in memory of whatever pipes it is given."""

    input: MemoryReadTransport
    output: MemoryWriteTransport

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    async def connect_read_pipe(self, factory: Callable[[], asyncio.BaseProtocol], pipe: FileIO) -> Any:
        protocol = factory()
        self.input = MemoryReadTransport(protocol)
        await self.input.settled()
        return self.input, protocol

    async def connect_write_pipe(self, factory: Callable[[], asyncio.BaseProtocol], pipe: FileIO) -> Any:
        protocol = factory()
        self.output = MemoryWriteTransport(protocol)
        await self.output.settled()
        return self.output, protocol


async def connect(layer: str, service: Service) -> tuple[Delivery, Loop]:
    """Begin the session of one server."""
    delivery = Delivery(service, LIMITS)
    loop = Loop()
    delivery.loop = cast(asyncio.AbstractEventLoop, loop)
    source, sink = (FileIO(os.open(os.devnull, os.O_RDWR), "rb+") for _ in range(2))
    await pipes.load(layer).Connection(Pipes(source, sink), delivery).start()
    await loop.input.settled()
    return delivery, loop


async def over(delivery: Delivery) -> None:
    async with asyncio.timeout(20):
        await delivery.gone()


async def test_a_pipe_that_is_full_stops_the_reading_until_there_is_room(layer: str) -> None:
    service = Telling()
    delivery, loop = await connect(layer, service)
    loop.output.stall()
    loop.input.feed(b"x" * 101)  # one more than the high mark
    await loop.output.wait_waiting(101)
    await loop.input.settled()
    loop.input.feed(b"y" * 50)
    await loop.input.settled()
    assert (service.told, loop.output.waiting) == (["opened", "paused"], b"x" * 101)
    loop.output.release(90)
    await loop.output.settled()
    assert service.told == ["opened", "paused"]  # eleven wait, more than the low mark
    loop.output.release()
    await loop.output.wait_sent(151)
    loop.input.feed_eof()
    await over(delivery)
    assert loop.output.sent == b"x" * 101 + b"y" * 50
    assert service.told == ["opened", "paused", "resumed", "ended", "lost"]


async def test_what_waits_beyond_the_hard_mark_ends_it(layer: str) -> None:
    service = Greedy()
    delivery, loop = await connect(layer, service)
    loop.output.stall()
    loop.input.fragment(1)
    loop.input.feed(b"z" * 20)
    await over(delivery)
    assert loop.output.sent == b""
    assert service.told == ["opened", "lost"]
    assert loop.input.is_closing()


async def test_what_is_held_is_not_read(layer: str, tick: float) -> None:
    service = Telling()
    delivery, loop = await connect(layer, service)
    loop.input.feed(b"!%f" % tick)
    await loop.input.settled()
    loop.input.feed(b"later")
    await loop.input.settled()
    assert loop.output.sent == b""
    await loop.output.wait_sent(5)
    loop.input.feed_eof()
    await over(delivery)
    assert loop.output.sent == b"later"


async def test_an_input_that_is_held_does_not_hide_that_the_output_is_closed(layer: str) -> None:
    service = Telling()
    delivery, loop = await connect(layer, service)
    loop.input.feed(b"!1000")
    await loop.input.settled()
    loop.output.reset()
    await over(delivery)
    assert service.told == ["opened", "lost"]


async def test_the_last_reply_is_written_to_a_slow_reader(layer: str) -> None:
    service = Telling()
    delivery, loop = await connect(layer, service)
    loop.output.stall()
    loop.input.feed(b"last")
    loop.input.feed_eof()
    await loop.output.wait_waiting(4)
    loop.output.release()
    await over(delivery)
    assert loop.output.sent == b"last"
    assert service.told == ["opened", "ended", "lost"]


async def test_an_output_that_breaks_with_bytes_waiting(layer: str) -> None:
    service = Telling()
    delivery, loop = await connect(layer, service)
    loop.output.stall()
    loop.input.feed(b"x" * 101)
    await loop.output.wait_waiting(101)
    loop.output.reset()
    await over(delivery)
    assert service.told == ["opened", "paused", "lost"]


async def test_an_input_that_breaks_ends_it_without_an_end(layer: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "netkit")
    service = Telling()
    delivery, loop = await connect(layer, service)
    loop.input._break(OSError(5, "Input/output error"))
    await over(delivery)
    assert service.told == ["opened", "lost"]
    assert "closed stdio:: lost (Input/output error)" in caplog.messages
