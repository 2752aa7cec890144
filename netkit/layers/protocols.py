"""Tier 8, protocols: the loop calls an object of ours, one per connection, whenever something happens.

What this tier gives over transports: accepting is done for us, the object is the connection, and the loop says when
it writes too fast. What it leaves to us: every step is a call from outside, so nothing can wait, and what must be
remembered between two calls stands in attributes.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from functools import partial
from typing import cast

from .accepting import Handshakes, by_hand, on
from .admission import Refused
from .delivery import Delivery
from .session import Session

#: Accepts per turn, and asyncio's tries per second while descriptors are short, each of which is reported.
ACCEPT_BATCH = 16


class Listener:
    """Accepts on one bound socket with ``loop.create_server``, which makes a protocol per connection."""

    def __init__(self, sock: socket.socket, delivery: Delivery, tls: ssl.SSLContext | None) -> None:
        """Take over a socket that listens; with a TLS context every connection must shake hands first."""
        self.sock = sock
        self.delivery = delivery
        self.tls = tls
        self.server: asyncio.Server | Handshakes | None = None

    async def start(self) -> None:
        """Begin to accept."""
        if by_hand(self.sock, self.tls):
            self.server = Handshakes(self.sock, self.delivery, self.tls, partial(Connection, self))
            return
        loop = self.delivery.loop
        serve = loop.create_unix_server if self.sock.family == socket.AF_UNIX else loop.create_server
        self.server = await serve(self.accept, backlog=ACCEPT_BATCH, **on(self.sock))
        self.sock.listen(self.delivery.limits.backlog)  # again: it now has the length of ACCEPT_BATCH

    def accept(self) -> Connection:
        """A connection was accepted: the loop asks for its protocol."""
        return Connection(self)

    def close(self) -> None:
        """Stop accepting. Connections that are there go on."""
        if self.server is not None:
            self.server.close()


class Connection(asyncio.Protocol):
    """One connection: the protocol object itself."""

    __slots__ = ("delivery", "eof", "listener", "session", "shaken", "timer", "transport")

    session: Session
    transport: asyncio.Transport

    def __init__(self, listener: Listener, shaken: Session | None = None) -> None:
        """Wait for the transport, which comes with ``opened``. After a handshake there is a session already."""
        self.listener = listener
        self.delivery = listener.delivery
        self.shaken = shaken
        self.eof = False
        self.timer: asyncio.TimerHandle | None = None

    def opened(self, transport: asyncio.BaseTransport) -> None:
        """Take a place, unless the handshake has, and begin."""
        self.transport = cast(asyncio.Transport, transport)
        try:
            peer = transport.get_extra_info("peername")
            self.session = self.shaken or self.delivery.admit("tcp", peer)
        except Refused as refusal:
            transport.set_protocol(asyncio.Protocol())  # nothing more of it comes here
            self.transport.write(self.delivery.farewell(refusal.reason))
            transport.close()
            return
        self.begin()

    def begin(self) -> None:
        """The connection can be used."""
        self.delivery.opened(self.session, self, self.transport)
        self.idle()

    def received(self, data: bytes) -> None:
        """Bytes in: the loop brings them."""
        self.delivery.received(self.session, data)

    def ended(self) -> bool:
        """The peer has finished sending. True keeps our side open until the last reply is written."""
        self.eof = True
        self.delivery.ended(self.session)
        return self.listener.tls is None

    def lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        if self.timer is not None:
            self.timer.cancel()
        self.delivery.lost(self.session, exc)

    def write(self, data: bytes) -> None:
        """Bytes out. If too many wait then, the loop calls ``paused``."""
        self.transport.write(data)

    def paused(self) -> None:
        """Writing too fast: the loop says so."""
        self.delivery.paused(self.session)

    def resumed(self) -> None:
        """Enough has been written to go on: the loop says so."""
        self.delivery.resumed(self.session)

    def hold(self) -> None:
        """Reading too fast: no more calls of ``received``."""
        self.transport.pause_reading()

    def release(self) -> None:
        """Read again."""
        self.transport.resume_reading()

    def idle(self) -> None:
        """Silence: a timer of its own, set anew for what is left of the time since the last byte."""
        if self.delivery.idle is None:
            return
        left = self.session.seen + self.delivery.idle - self.delivery.time()
        if left > 0:
            self.timer = self.delivery.loop.call_later(left, self.idle)
        else:
            self.delivery.idled(self.session)

    def finish(self) -> None:
        """End our side after what is queued; close once both sides have ended, or at once over TLS."""
        if self.eof or not self.transport.can_write_eof():
            self.transport.close()
        else:
            self.transport.write_eof()

    # The same by the names that asyncio calls.
    connection_made = opened
    data_received = received
    eof_received = ended
    connection_lost = lost
    pause_writing = paused
    resume_writing = resumed
