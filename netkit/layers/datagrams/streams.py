"""Tier 9, streams, for datagrams: a coroutine reads, and waits where it has to.

What this tier gives over protocols: the order of things is the order of the lines in ``received``, and a reply waits
with an ``await``. What it costs: a task, a queue, and a turn of the loop between a datagram's arrival and the
coroutine. asyncio has no such streams; netkit's own are built as asyncio's are.
"""

from __future__ import annotations

import socket
from typing import Any

from ...datagrams import DatagramStream, open_datagrams
from .exchange import UNREAD, UNSENT, Exchange


class Listener:
    """Answers the datagrams of one bound socket, in a coroutine."""

    def __init__(self, sock: socket.socket, exchange: Exchange) -> None:
        """Take over a bound socket."""
        self.sock = sock
        self.exchange = exchange

    async def start(self) -> None:
        """Make a stream of the socket, and start the coroutine that reads it."""
        self.opened(await open_datagrams(sock=self.sock, failed=self.failed))

    def opened(self, stream: DatagramStream) -> None:
        """The stream can be used."""
        self.stream = stream
        self.exchange.opened(stream.transport, self.sock)
        self.exchange.delivery.start(self.received())

    async def received(self) -> None:
        """Datagrams in: read them, one after the other, until the stream is closed."""
        dropped = 0
        try:
            async for data, address in self.stream:
                self.exchange.drop(UNREAD, self.stream.dropped - dropped)
                dropped = self.stream.dropped
                reply = self.exchange.answer(data, address)
                if reply is not None:
                    await self.send(reply, address)
        except ConnectionResetError:  # closed, with some still unanswered
            self.exchange.drop(UNSENT)
        await self.stream.wait_closed()
        self.lost(None)

    async def send(self, data: bytes, address: tuple[Any, ...]) -> None:
        """Send a reply, as soon as no more waits than should."""
        await self.stream.send(data, address)

    def failed(self, exc: Exception) -> None:
        """The network reports an error: the stream says so."""
        self.exchange.failed(exc)

    def lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self.exchange.lost(self.stream.transport)

    def close(self) -> None:
        """Read nothing more, and close once all is written."""
        self.stream.close()
