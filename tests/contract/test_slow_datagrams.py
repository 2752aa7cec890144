"""What becomes of replies where they cannot be written: over UDP they are dropped and counted, or waited for.

Over loopback UDP is never slow, so the same listeners stand on Unix sockets of datagrams here, whose reader can be.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest_asyncio

from netkit.layers import datagrams
from netkit.layers.datagrams import exchange
from netkit.layers.delivery import Delivery
from netkit.limits import Limits
from netkit.services.echo import Echo
from tests.contract.conftest import PATIENCE

#: Below the grace of the defaults.
SOON = 0.8

#: More than a datagram of these tests has.
SIZE = 200


class Slow:
    """A listener of one layer on a Unix socket, and a peer that does not read."""

    def __init__(self, layer: str, folder: Path, sock: socket.socket, peer: socket.socket, limits: Limits) -> None:
        sock.bind(f"{folder}/server")
        sock.setblocking(False)
        peer.bind(f"{folder}/peer")
        peer.setblocking(False)  # and not connected: the queues of two that are do not fill up
        self.peer = peer
        self.address = f"{folder}/server"
        self.delivery = Delivery(Echo(), limits)
        self.exchange = Anyone(self.delivery)
        self.listener = datagrams.load(layer).Listener(sock, self.exchange)

    async def send(self, count: int) -> list[bytes]:
        """Send so many, as fast as they are taken."""
        some = [b"%100d" % number for number in range(count)]
        for data in some:
            await self.until(lambda data=data: self.takes(data))  # type: ignore[misc]
        return some

    def takes(self, data: bytes) -> bool:
        try:
            self.peer.sendto(data, self.address)
        except BlockingIOError:
            return False
        return True

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let the loop run until something holds."""
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110  # no event tells
                await asyncio.sleep(0)

    async def receive(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await asyncio.get_running_loop().sock_recv(self.peer, SIZE)

    def waiting(self) -> int:
        """Bytes that wait to be written."""
        return sum(cast(asyncio.WriteTransport, each).get_write_buffer_size() for each in self.exchange.transports)

    async def stop(self) -> float:
        """Stop it, and tell how many seconds that took."""
        begun = self.delivery.time()
        self.listener.close()
        self.exchange.stop()
        await self.delivery.gone()
        await self.exchange.gone()
        return self.delivery.time() - begun


class Anyone(exchange.Exchange):
    """Answers addresses without a port too, and counts."""

    answered = 0

    def refusal(self, key: str | None, address: object) -> str:
        self.answered += 1
        return ""


@pytest_asyncio.fixture
async def slow(layer: str, short_path: Path, tick: float) -> AsyncIterator[Slow]:
    limits = Limits(low=1000, high=3000, hard=4000, grace=tick)
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer,
    ):
        made = Slow(layer, short_path, sock, peer, limits)
        await made.listener.start()
        yield made
        await made.stop()


async def test_what_cannot_be_sent_is_dropped_and_counted(layer: str, slow: Slow) -> None:
    sent = await slow.send(400)
    received: list[bytes] = []
    dropped = slow.exchange.dropped
    while len(received) + dropped.total() < len(sent):
        received.append(await slow.receive())
    assert received == sorted(set(received))
    assert set(received) < set(sent)
    assert set(dropped) == {exchange.UNREAD if layer == "streams" else exchange.UNSENT}
    await slow.send(1)
    assert await slow.receive() == sent[0]


async def test_what_had_to_wait_is_forgotten_once_it_is_written(slow: Slow) -> None:
    """Python 3.13.0 to 3.13.5 forgets it in part, and after a while would not write again."""
    for _ in range(25):
        sent = await slow.send(30)
        assert [await slow.receive() for _ in sent] == sent
    assert not slow.exchange.dropped


async def test_what_is_queued_is_written_before_the_end(slow: Slow) -> None:
    slow.exchange.limits = replace(slow.exchange.limits, grace=PATIENCE)
    sent = await slow.send(30)
    await slow.until(lambda: slow.exchange.answered == len(sent))
    assert slow.waiting() > 0
    stopping = asyncio.create_task(slow.stop())
    assert [await slow.receive() for _ in sent] == sent
    assert await stopping < PATIENCE


async def test_whoever_does_not_read_cannot_put_off_the_end(
    slow: Slow, tick: float, loop_errors: list[dict[str, Any]]
) -> None:
    await slow.send(400)
    await slow.until(lambda: slow.waiting() > 3000)
    assert tick / 2 < await slow.stop() < tick + SOON
    # uvloop's transport reports each datagram that it throws away, and asyncio's none.
    assert {type(each["transport"]).__name__ for each in loop_errors} <= {"UDPTransport"}


async def test_abort_does_not_wait_for_what_is_queued(slow: Slow, loop_errors: list[dict[str, Any]]) -> None:
    slow.exchange.limits = replace(slow.exchange.limits, grace=600.0)
    await slow.send(400)
    await slow.until(lambda: slow.waiting() > 3000)
    stopping = asyncio.create_task(slow.stop())
    await asyncio.sleep(0)
    assert not slow.exchange.empty.is_set()
    slow.exchange.abort()
    assert await stopping < SOON
    assert {type(each["transport"]).__name__ for each in loop_errors} <= {"UDPTransport"}
