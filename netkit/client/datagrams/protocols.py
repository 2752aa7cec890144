"""Tier 8, protocols, for datagrams: the loop calls an object of ours.

What this tier gives over transports: the loop looks up the host and connects, and says when too much waits to be
written. What it leaves to us: what arrives is kept here until somebody asks for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, cast

from ...datagrams import QUEUE, sendto
from ..route import Route


class Connection(asyncio.DatagramProtocol):
    """One peer: the protocol object itself."""

    transport: asyncio.DatagramTransport

    def __init__(self, route: Route) -> None:
        """Wait for the transport, which comes with ``open``."""
        self.route = route
        self.arrived = deque[bytes]()
        self.fault: Exception | None = None
        self.readable, self.writable, self.closed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.writable.set()

    async def open(self) -> None:
        """Make a transport for this object with ``loop.create_datagram_endpoint``."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, remote_addr=self.route.address)

    def opened(self, transport: asyncio.BaseTransport) -> None:
        """The connection can be used."""
        self.transport = cast(asyncio.DatagramTransport, transport)

    async def send(self, data: bytes) -> None:
        """A datagram out. If too many wait then, ``paused`` has been called, and we wait for ``resumed``."""
        if not self.transport.is_closing():
            sendto(self.transport, data)
            await self.writable.wait()
        if self.transport.is_closing():
            raise self.fault or ConnectionResetError("the peer has closed it")

    def paused(self) -> None:
        """Writing too fast: the loop says so."""
        self.writable.clear()

    def resumed(self) -> None:
        """Enough has been written to go on: the loop says so."""
        self.writable.set()

    async def receive(self) -> bytes | None:
        """A datagram in: the oldest one kept."""
        while not self.arrived:
            if self.fault is not None:
                raise self.fault
            self.readable.clear()
            await self.readable.wait()
        return self.arrived.popleft()

    def received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """A datagram in: the loop brings it."""
        if len(self.arrived) < QUEUE:
            self.arrived.append(data)
        self.readable.set()

    def failed(self, exc: Exception) -> None:
        """The network reports an error."""
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

    # The same by the names that asyncio calls.
    connection_made = opened
    datagram_received = received
    error_received = failed
    connection_lost = lost
    pause_writing = paused
    resume_writing = resumed
