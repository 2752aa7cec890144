"""Tier 7, transports, for datagrams: a socket is connected by hand, and its transport held in the hand.

What this tier gives: buffered writes, and a call when something arrives. What it leaves to us: looking up the host, and
looking at the transport's buffer after each datagram. A transport must have a protocol to call, so it has a shim.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, cast

from ...datagrams import QUEUE, sendto
from ..route import Route, connected


class Connection:
    """One peer: what is known of the transport."""

    transport: asyncio.DatagramTransport

    def __init__(self, route: Route) -> None:
        """Wait for the transport, which comes with ``open``."""
        self.route = route
        self.arrived = deque[bytes]()
        self.fault: Exception | None = None
        self.readable, self.writable, self.closed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def open(self) -> None:
        """Connect a socket with ``loop.sock_connect``, and make a transport of it."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: _Shim(self), sock=await connected(self.route.endpoint))

    def opened(self, transport: asyncio.BaseTransport) -> None:
        """The connection can be used: the shim brings its transport."""
        self.transport = cast(asyncio.DatagramTransport, transport)
        self.buffer = cast(asyncio.WriteTransport, transport)  # the same: its type does not say that it has one

    async def send(self, data: bytes) -> None:
        """A datagram out. Whether too many wait now is seen in the transport's buffer."""
        if not self.transport.is_closing():
            sendto(self.transport, data)
            _, high = self.buffer.get_write_buffer_limits()
            if self.buffer.get_write_buffer_size() > high:
                await self.paused()
        if self.transport.is_closing():
            raise self.fault or ConnectionResetError("the peer has closed it")

    async def paused(self) -> None:
        """Writing too fast: wait."""
        self.writable.clear()
        await self.writable.wait()

    def resumed(self) -> None:
        """Enough has been written to go on: the shim passes it on."""
        self.writable.set()

    async def receive(self) -> bytes | None:
        """A datagram in: the oldest one kept."""
        while not self.arrived:
            if self.fault is not None:
                raise self.fault
            self.readable.clear()
            await self.readable.wait()
        return self.arrived.popleft()

    def received(self, data: bytes) -> None:
        """A datagram in: the shim passes it on."""
        if len(self.arrived) < QUEUE:
            self.arrived.append(data)
        self.readable.set()

    def failed(self, exc: Exception) -> None:
        """The network reports an error: the shim passes it on."""
        self.fault = exc
        self.transport.close()
        self.readable.set()

    def lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self.writable.set()
        self.closed.set()

    def finish(self) -> None:
        """UDP has no end: nothing tells the peer."""

    def abort(self) -> None:
        """Close at once."""
        self.transport.abort()

    async def close(self) -> None:
        """Close once all is written: ``lost`` is called then."""
        self.transport.close()
        await self.closed.wait()


class _Shim(asyncio.DatagramProtocol):
    """What a transport must have: it passes each call on."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.connection.opened(transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self.connection.received(data)

    def error_received(self, exc: Exception) -> None:
        self.connection.failed(exc)

    def resume_writing(self) -> None:
        self.connection.resumed()

    def connection_lost(self, exc: Exception | None) -> None:
        self.connection.lost(exc)
