"""Tier 7, transports: a socket is connected by hand, and becomes a transport that is held in the hand.

What this tier gives over sockets: buffered writes, TLS, and a call when something arrives. What it leaves to us:
looking up the host, connecting, looking at the transport's buffer, and memory: all is read into one buffer, and nothing
more is read until that has been taken. A transport must have a protocol to call, so it has a shim that passes on.
"""

from __future__ import annotations

import asyncio
import socket
from typing import cast

from .route import Route, connected, keep_urgent

READ_SIZE = 64 * 1024  # most bytes read at once: the size of the buffer

HIGH = 64 * 1024  # bytes waiting to be written above which we wait: asyncio's own high-water mark

GOODBYE = 1.0  # seconds that a TLS peer has for its side of the goodbye


class Connection:
    """One connection: what is known of its transport."""

    transport: asyncio.Transport

    def __init__(self, route: Route) -> None:
        """Wait for the transport, which comes with ``open``."""
        self.route = route
        self.buffer = memoryview(bytearray(READ_SIZE))
        self.arrived = 0
        self.eof = False
        self.fault: Exception | None = None
        self.readable, self.writable, self.closed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def open(self) -> None:
        """Connect a socket with ``loop.sock_connect``, and make a transport of it."""
        loop, route = asyncio.get_running_loop(), self.route
        goodbye = None if route.tls is None else GOODBYE
        sock = await connected(route.endpoint)
        if sock.family == socket.AF_UNIX:
            await loop.create_unix_connection(lambda: _Shim(self), sock=sock)
            return
        await loop.create_connection(
            lambda: _Shim(self),
            sock=sock,
            ssl=route.tls,
            server_hostname=route.server_name,
            ssl_shutdown_timeout=goodbye,
        )

    def opened(self, transport: asyncio.BaseTransport) -> None:
        """The connection can be used: the shim brings its transport."""
        self.transport = cast(asyncio.Transport, transport)
        keep_urgent(transport)
        self.transport.set_write_buffer_limits(HIGH)

    async def send(self, data: bytes) -> None:
        """Bytes out. Whether too many wait now is seen in the transport's buffer."""
        if not self.transport.is_closing():
            self.transport.write(data)
            if self.transport.get_write_buffer_size() > HIGH:
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
        """Bytes in: what the buffer holds, which is free then."""
        await self.readable.wait()
        if not self.arrived:
            if self.fault is not None and not self.eof:
                raise self.fault
            return None
        data = bytes(self.buffer[: self.arrived])
        self.arrived = 0
        if not self.eof and not self.closed.is_set():
            self.readable.clear()
            self.transport.resume_reading()
        return data

    def received(self, size: int) -> None:
        """Bytes in: they are in the buffer, where the next read would overwrite them."""
        self.arrived = size
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


class _Shim(asyncio.BufferedProtocol):
    """What a transport must have: it passes each call on."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.connection.opened(transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.connection.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.connection.received(nbytes)

    def eof_received(self) -> bool:
        return self.connection.ended()

    def resume_writing(self) -> None:
        self.connection.resumed()

    def connection_lost(self, exc: Exception | None) -> None:
        self.connection.lost(exc)
