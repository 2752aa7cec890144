"""Tier 8, protocols, for datagrams: the loop calls an object of ours whenever something happens.

What this tier gives over transports: the listener is the protocol, and the loop says when it writes too fast. What it
leaves to us: every step is a call from outside, so a reply cannot wait.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any, cast

from ...datagrams import sendto
from .exchange import UNSENT, Exchange


class Listener(asyncio.DatagramProtocol):
    """Answers the datagrams of one bound socket: the protocol object itself."""

    transport: asyncio.DatagramTransport

    def __init__(self, sock: socket.socket, exchange: Exchange) -> None:
        """Take over a bound socket."""
        self.sock = sock
        self.exchange = exchange
        self.full = False

    async def start(self) -> None:
        """Let the loop read the socket."""
        await self.exchange.delivery.loop.create_datagram_endpoint(lambda: self, sock=self.sock)

    def opened(self, transport: asyncio.BaseTransport) -> None:
        """The transport can be used: the loop brings it."""
        self.transport = cast(asyncio.DatagramTransport, transport)
        self.exchange.opened(self.transport, self.sock)

    def received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """A datagram came in: the loop brings it."""
        reply = self.exchange.answer(data, addr)
        if reply is not None:
            self.send(reply, addr)

    def send(self, data: bytes, address: tuple[Any, ...]) -> None:
        """Send a reply, unless the loop has said that it is too much."""
        if self.full:
            self.exchange.drop(UNSENT)
        else:
            sendto(self.transport, data, address)

    def paused(self) -> None:
        """Writing too fast: the loop says so."""
        self.full = True

    def resumed(self) -> None:
        """Enough has been written to go on: the loop says so."""
        self.full = False

    def failed(self, exc: Exception) -> None:
        """The network reports an error: the loop says so."""
        self.exchange.failed(exc)

    def lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self.exchange.lost(self.transport)

    def close(self) -> None:
        """Read nothing more, and close once all is written."""
        self.transport.close()

    # The same by the names that asyncio calls.
    connection_made = opened
    datagram_received = received
    pause_writing = paused
    resume_writing = resumed
    error_received = failed
    connection_lost = lost
