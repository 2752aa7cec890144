"""Tier 9, streams, for datagrams: an ``await`` wherever there is something to wait for.

What this tier gives over protocols: all that the two lower files keep by hand is in the stream. asyncio has no such
streams; netkit's own are built as asyncio's are.
"""

from __future__ import annotations

from ...datagrams import DatagramStream, open_datagrams
from ..route import Route


class Connection:
    """One peer: the stream."""

    stream: DatagramStream

    def __init__(self, route: Route) -> None:
        """Wait for the stream, which comes with ``open``."""
        self.route = route
        self.fault: Exception | None = None

    async def open(self) -> None:
        """Connect with ``netkit.open_datagrams``."""
        self.opened(await open_datagrams(remote=self.route.address, failed=self.failed))

    def opened(self, stream: DatagramStream) -> None:
        """The connection can be used."""
        self.stream = stream

    async def send(self, data: bytes) -> None:
        """A datagram out, as soon as no more waits than should."""
        if self.fault is not None:
            raise self.fault
        await self.stream.send(data)

    async def receive(self) -> bytes | None:
        """A datagram in: the next one of the stream, which ends where it failed."""
        async for data, _ in self.stream:
            return data
        raise self.fault or ConnectionResetError("the peer has closed it")

    def failed(self, exc: Exception) -> None:
        """The network reports an error: the stream says so."""
        self.fault = exc
        self.stream.close()

    def finish(self) -> None:
        """UDP has no end: nothing tells the peer."""

    def abort(self) -> None:
        """Close at once."""
        self.stream.transport.abort()

    async def close(self) -> None:
        """Close once all is written."""
        self.stream.close()
        await self.stream.wait_closed()
