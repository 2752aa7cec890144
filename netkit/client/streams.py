"""Tier 9, streams: a reader and a writer, and an ``await`` wherever there is something to wait for.

What this tier gives over protocols: all that the two lower files keep by hand, what has arrived, who waits for it, when
to stop and when to go on, is in the reader and the writer. What it costs: a copy of every byte, and a turn of the loop
between a byte's arrival and whoever waits for it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from .route import Route, keep_urgent

READ_SIZE = 64 * 1024  # most bytes taken from the reader at once; it stops the transport at twice as many

GOODBYE = 1.0  # seconds that a TLS peer has for its side of the goodbye


class Connection:
    """One connection: its reader and its writer."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def __init__(self, route: Route) -> None:
        """Wait for both, which come with ``open``."""
        self.route = route

    async def open(self) -> None:
        """Connect with ``asyncio.open_connection``."""
        route = self.route
        goodbye = None if route.tls is None else GOODBYE
        if route.endpoint.scheme == "unix":
            self.opened(*await asyncio.open_unix_connection(route.endpoint.path, limit=READ_SIZE))
            return
        self.opened(
            *await asyncio.open_connection(
                *route.address,
                limit=READ_SIZE,
                ssl=route.tls,
                server_hostname=route.server_name,
                ssl_shutdown_timeout=goodbye,
            )
        )

    def opened(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The connection can be used."""
        self.reader, self.writer = reader, writer
        keep_urgent(writer.transport)

    async def send(self, data: bytes) -> None:
        """Bytes out. If too many wait then, ``drain`` waits too."""
        if self.writer.is_closing():
            raise ConnectionResetError("the peer has closed it")
        self.writer.write(data)
        await self.writer.drain()

    async def receive(self) -> bytes | None:
        """Bytes in: all that has arrived, up to a bound. The reader raises what broke the connection."""
        return await self.reader.read(READ_SIZE) or None

    def finish(self) -> None:
        """End our side after what is queued. Over TLS that would end both, so nothing is done."""
        if self.writer.can_write_eof() and not self.writer.is_closing():
            self.writer.write_eof()

    def abort(self) -> None:
        """End both sides at once."""
        self.writer.transport.abort()

    async def close(self) -> None:
        """End both sides after what is queued."""
        self.writer.close()
        with suppress(OSError):  # what broke it has been raised already
            await self.writer.wait_closed()
