"""Tier 7, transports, for datagrams: the transport of a socket is held in the hand.

What this tier gives: buffered writes, and a call when something arrives. What it leaves to us: looking at the
transport's buffer before each reply. A transport must have a protocol to call, so it has a shim that passes on.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any, cast

from ...datagrams import sendto
from .exchange import UNSENT, Exchange


class Listener:
    """Answers the datagrams of one bound socket, with the transport of that socket."""

    transport: asyncio.DatagramTransport

    def __init__(self, sock: socket.socket, exchange: Exchange) -> None:
        """Take over a bound socket."""
        self.sock = sock
        self.exchange = exchange

    async def start(self) -> None:
        """Make a transport of the socket."""
        loop = self.exchange.delivery.loop
        self.transport, _ = await loop.create_datagram_endpoint(lambda: _Shim(self), sock=self.sock)

    def opened(self, transport: asyncio.BaseTransport) -> None:
        """The transport can be used: the shim brings it before ``start`` has it."""
        self.transport = cast(asyncio.DatagramTransport, transport)
        self.buffer = cast(asyncio.WriteTransport, transport)  # the same: its type does not say that it has one
        self.exchange.opened(self.transport, self.sock)

    def received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """A datagram came in: the shim passes it on."""
        reply = self.exchange.answer(data, addr)
        if reply is not None:
            self.send(reply, addr)

    def send(self, data: bytes, address: tuple[Any, ...]) -> None:
        """Send a reply, unless the transport's buffer is too full."""
        _, high = self.buffer.get_write_buffer_limits()
        if self.buffer.get_write_buffer_size() > high:
            self.exchange.drop(UNSENT)
        else:
            sendto(self.transport, data, address)

    def failed(self, exc: Exception) -> None:
        """The network reports an error: the shim passes it on."""
        self.exchange.failed(exc)

    def lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self.exchange.lost(self.transport)

    def close(self) -> None:
        """Read nothing more, and close once all is written."""
        self.transport.close()


class _Shim(asyncio.DatagramProtocol):
    """What a transport must have: it passes each call on."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.listener.opened(transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self.listener.received(data, addr)

    def error_received(self, exc: Exception) -> None:
        self.listener.failed(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        self.listener.lost(exc)
