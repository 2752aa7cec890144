"""Datagrams as a stream: UDP with the ``async for`` and the ``await`` that asyncio's own streams give TCP.

::

    import asyncio
    import netkit

    async def main():
        server = await netkit.open_datagrams(local=("127.0.0.1", 0))
        client = await netkit.open_datagrams(remote=server.address[:2])
        await client.send(b"ping")
        async for data, address in server:
            await server.send(data.upper(), address)
            break
        answer, _ = await anext(client)
        print(answer)
        for stream in (client, server):
            stream.close()
            await stream.wait_closed()

    asyncio.run(main())

asyncio has no streams for UDP. This one stands on tier 8 as those for TCP do: a protocol feeds it, and a queue (tier 6)
holds what its reader has not taken yet. The rules:

- What arrives while the queue is full is dropped and counted, as the kernel does with a full socket buffer.
- ``send`` waits while the transport has too much to write, and never otherwise.
- An error that the network reports, such as a port that nobody listens on, ends nothing: ``failed`` is told of it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self, TypeAlias, cast

#: A source or a destination: host and port, for IPv6 also flow and scope.
Address: TypeAlias = tuple[Any, ...]

#: Datagrams that wait for their reader unless ``open_datagrams`` is told otherwise: two rounds of reading on uvloop,
#: which reads up to 32 before a coroutine has its turn, and at most 4 MiB.
QUEUE = 64

#: Bytes that asyncio in Python 3.13.0 to 3.13.5 goes on counting for each datagram that had to wait (gh-135444), until
#: it would never write again: so the high and the low mark rise with them.
LEAKS = 8 if (3, 13) <= sys.version_info < (3, 13, 6) else 0


async def open_datagrams(
    *,
    local: tuple[str, int] | None = None,
    remote: tuple[str, int] | None = None,
    sock: socket.socket | None = None,
    queue: int = QUEUE,
    failed: Callable[[Exception], None] | None = None,
) -> DatagramStream:
    """Open a stream of datagrams on the running loop.

    Args:
        local: host and port to bind; port 0 is a free one.
        remote: host and port of the only peer: others are not heard, and ``send`` needs no address.
        sock: a socket that is bound or connected already, instead of both. The stream closes it.
        queue: how many datagrams wait for a slow reader before the next are dropped.
        failed: is called with each error that the network reports. Without it they are passed over.

    Raises:
        OSError: the address cannot be had.
        ValueError: ``queue`` is less than 1.
    """
    if queue < 1:
        raise ValueError("queue must be more than 0")
    loop = asyncio.get_running_loop()
    transport, feed = await loop.create_datagram_endpoint(
        lambda: _Feed(queue, failed), local_addr=local, remote_addr=remote, sock=sock
    )
    return DatagramStream(transport, feed)


class DatagramStream:
    """Datagrams that arrive, by ``async for``, and ``send``. Comes from ``open_datagrams``.

    Attributes:
        transport: what it reads and writes with.
        address: where it is bound: host and port, for IPv6 also flow and scope.
    """

    def __init__(self, transport: asyncio.DatagramTransport, feed: _Feed) -> None:
        self.transport = transport
        self.address: Address = transport.get_extra_info("sockname")
        self._feed = feed

    @property
    def dropped(self) -> int:
        """How many datagrams were dropped because their reader was too slow."""
        return self._feed.dropped

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[bytes, Address]:
        """The next datagram and where it came from. After ``close``, what is queued still comes, then the end."""
        received = await self._feed.queue.get()
        if received is None:
            self._feed.queue.put_nowait(None)  # for whoever else waits, or asks again
            raise StopAsyncIteration
        return received

    async def send(self, data: bytes, address: Address | None = None) -> None:
        """Send one datagram, once no more than the transport's high-water mark waits to be written.

        Args:
            data: at most 65,507 bytes over IPv4; none at all is a datagram too.
            address: where to; None where the stream was opened with ``remote``.

        Raises:
            ConnectionResetError: the stream is closed.
        """
        while not self._feed.writable.is_set():
            await self._feed.writable.wait()
        if self.transport.is_closing():
            raise ConnectionResetError("the stream is closed")
        sendto(self.transport, data, address)

    def close(self) -> None:
        """Read nothing more, and close once all that was sent is written."""
        self.transport.close()

    async def wait_closed(self) -> None:
        """Wait until it is closed."""
        await self._feed.closed.wait()


class _Feed(asyncio.DatagramProtocol):
    """What the transport calls: it fills the queue, and lets ``send`` wait."""

    def __init__(self, most: int, failed: Callable[[Exception], None] | None) -> None:
        self.most = most
        # The place beyond is for the end, which must always fit.
        self.queue: asyncio.Queue[tuple[bytes, Address] | None] = asyncio.Queue(most + 1)
        self.failed = failed
        self.dropped = 0
        self.closed = asyncio.Event()
        self.writable = asyncio.Event()
        self.writable.set()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if self.queue.qsize() < self.most:
            self.queue.put_nowait((data, addr))
        else:
            self.dropped += 1

    def error_received(self, exc: Exception) -> None:
        if self.failed is not None:
            self.failed(exc)

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.queue.put_nowait(None)
        self.writable.set()
        self.closed.set()


def sendto(transport: asyncio.DatagramTransport, data: bytes, address: Address | None = None) -> None:
    """What ``transport.sendto`` should be, on every loop: it sends empty datagrams, and forgets what was written."""
    if not data:
        _send_empty(transport, address)
        return
    buffer = cast(asyncio.WriteTransport, transport)
    waited = buffer.get_write_buffer_size()
    transport.sendto(data, address)
    if LEAKS and buffer.get_write_buffer_size() - waited > len(data):
        low, high = buffer.get_write_buffer_limits()
        buffer.set_write_buffer_limits(high + LEAKS, low + LEAKS)


def _send_empty(transport: asyncio.DatagramTransport, address: Address | None) -> None:
    """Go past the transport: asyncio before 3.13 and uvloop send nothing for ``sendto(b"")``."""
    descriptor = os.dup(transport.get_extra_info("socket").fileno())
    # Where the socket is full it is lost, as any datagram may be.
    with socket.socket(fileno=descriptor) as sock, suppress(OSError):
        if address is None:
            sock.send(b"")
        else:
            sock.sendto(b"", cast("tuple[str, int]", address))
