"""Tier 8, protocols: the loop calls an object of ours whenever something happens.

What this tier gives over transports: the loop looks up the host and connects, and says when too much waits to be
written. What it leaves to us: every step is a call from outside, so whoever waits for one waits for an event that the
call sets, and what arrives meanwhile is kept here.
"""

from __future__ import annotations

import asyncio
from typing import cast

from .route import Route, keep_urgent

KEPT = 64 * 1024  # most bytes kept for a slow reader: with them the transport stops, and one read may come on top

GOODBYE = 1.0  # seconds that a TLS peer has for its side of the goodbye


class Connection(asyncio.Protocol):
    """One connection: the protocol object itself."""

    transport: asyncio.Transport

    def __init__(self, route: Route) -> None:
        """Wait for the transport, which comes with ``open``."""
        self.route = route
        self.arrived = bytearray()
        self.eof = False
        self.fault: Exception | None = None
        self.readable, self.writable, self.closed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.writable.set()

    async def open(self) -> None:
        """Connect with ``loop.create_connection``, which makes a transport for this object."""
        loop, route = asyncio.get_running_loop(), self.route
        goodbye = None if route.tls is None else GOODBYE
        if route.endpoint.scheme == "unix":
            await loop.create_unix_connection(lambda: self, route.endpoint.path)
            return
        await loop.create_connection(
            lambda: self, *route.address, ssl=route.tls, server_hostname=route.server_name, ssl_shutdown_timeout=goodbye
        )

    def opened(self, transport: asyncio.BaseTransport) -> None:
        """The connection can be used."""
        self.transport = cast(asyncio.Transport, transport)
        keep_urgent(transport)

    async def send(self, data: bytes) -> None:
        """Bytes out. If too many wait then, ``paused`` has been called, and we wait for ``resumed``."""
        if not self.transport.is_closing():
            self.transport.write(data)
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
        """Bytes in: all that has arrived since the last time."""
        await self.readable.wait()
        if not self.arrived:
            if self.fault is not None and not self.eof:
                raise self.fault
            return None
        data = bytes(self.arrived)
        self.arrived.clear()
        if not self.eof and not self.closed.is_set():
            self.readable.clear()
            self.transport.resume_reading()
        return data

    def received(self, data: bytes) -> None:
        """Bytes in: the loop brings them. Where too many are kept it shall stop."""
        self.arrived += data
        if len(self.arrived) > KEPT:
            self.transport.pause_reading()
        self.readable.set()

    def ended(self) -> bool:
        """The peer has finished sending. True keeps our side open; over TLS it cannot be."""
        self.eof = True
        self.readable.set()
        return self.route.tls is None

    def lost(self, exc: Exception | None) -> None:
        """The connection is gone, and whoever waits is told."""
        self.fault = exc
        for event in (self.readable, self.writable, self.closed):
            event.set()

    def finish(self) -> None:
        """End our side after what is queued. Over TLS that would end both, so nothing is done."""
        if self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()

    def abort(self) -> None:
        """End both sides at once."""
        self.transport.abort()

    async def close(self) -> None:
        """End both sides after what is queued: ``lost`` is called then."""
        self.transport.close()
        await self.closed.wait()

    # The same by the names that asyncio calls.
    connection_made = opened
    data_received = received
    eof_received = ended
    connection_lost = lost
    pause_writing = paused
    resume_writing = resumed
