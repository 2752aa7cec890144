"""Tier 7, transports: sockets are accepted by hand, and each becomes a transport that is held in the hand.

What this tier gives over sockets: buffered writes, TLS, and a call when something arrives. What it leaves to us:
accepting, looking at the transports' buffers, and memory: all connections are read into one buffer. A transport must
have a protocol to call, so each has a shim that passes on to the record.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from typing import cast

from .accepting import accepted, stop
from .admission import Address, Refused
from .delivery import Delivery
from .session import Session

#: Most bytes read at once, as much as asyncio's own transports ask for. The buffer is there once, for all.
READ_SIZE = 256 * 1024

#: Sweeps in each idle time: a silent connection lives at most a sixteenth longer than it should.
SWEEPS = 16


class Listener:
    """Accepts on one bound socket with ``loop.sock_accept``, and keeps a record per transport."""

    def __init__(self, sock: socket.socket, delivery: Delivery, tls: ssl.SSLContext | None) -> None:
        """Take over a socket that listens; with a TLS context every connection must shake hands first."""
        self.sock = sock
        self.delivery = delivery
        self.tls = tls
        self.buffer = memoryview(bytearray(READ_SIZE))
        self.connections: dict[asyncio.Transport, Connection] = {}
        self.sweeper: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Begin to accept."""
        self.accepting = self.delivery.start(self.accept())
        self.sweep()

    async def accept(self) -> None:
        """Accept connections, and give each to a task of its own: a handshake takes time."""
        async for sock, address in accepted(self.sock):
            self.delivery.start(Connection(self).opened(sock, address))

    def sweep(self) -> None:
        """Look for silent connections, now and again."""
        for connection in list(self.connections.values()):
            connection.idle()
        if self.delivery.idle is not None:
            self.sweeper = self.delivery.loop.call_later(self.delivery.idle / SWEEPS, self.sweep)

    def close(self) -> None:
        """Stop accepting. Connections that are there go on."""
        stop(self.accepting, self.sock)
        if self.sweeper is not None:
            self.sweeper.cancel()


class Connection:
    """One connection: a record kept by its transport."""

    __slots__ = ("delivery", "eof", "listener", "session", "transport")

    session: Session
    transport: asyncio.Transport

    def __init__(self, listener: Listener) -> None:
        """Wait for the socket, which comes with ``opened``."""
        self.listener = listener
        self.delivery = listener.delivery
        self.eof = False

    async def opened(self, sock: socket.socket, address: Address) -> None:
        """Take a place and make a transport of the socket, which shakes hands where TLS is asked for."""
        tls = self.listener.tls
        try:
            self.session = self.delivery.admit("tls" if tls else "tcp", address, asyncio.current_task())
        except Refused as refusal:
            with sock, suppress(OSError):  # the peer may have left
                sock.send(b"" if tls else self.delivery.farewell(refusal.reason))
            return
        try:
            await self.delivery.loop.connect_accepted_socket(
                lambda: _Shim(self),
                sock,
                ssl=tls,
                ssl_handshake_timeout=self.delivery.limits.handshake if tls else None,
            )
        except (OSError, asyncio.CancelledError) as exc:
            self.delivery.lost(self.session, exc.with_traceback(None))  # frames of asyncio's keep it, and the transport

    def begin(self, transport: asyncio.Transport) -> None:
        """The connection can be used."""
        self.transport = transport
        self.listener.connections[transport] = self
        self.delivery.opened(self.session, self, transport)

    def received(self, size: int) -> None:
        """Bytes in: they are in the shared buffer, where the next read overwrites them."""
        self.delivery.received(self.session, bytes(self.listener.buffer[:size]))

    def ended(self) -> bool:
        """The peer has finished sending. True keeps our side open until the last reply is written."""
        self.eof = True
        self.delivery.ended(self.session)
        return self.listener.tls is None

    def lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        del self.listener.connections[self.transport]
        self.delivery.lost(self.session, exc)

    def write(self, data: bytes) -> None:
        """Bytes out. Whether too many wait now is seen in the transport's buffer."""
        self.transport.write(data)
        if self.transport.get_write_buffer_size() > self.delivery.limits.high and not self.session.stalled:
            self.paused()

    def paused(self) -> None:
        """Writing too fast."""
        self.delivery.paused(self.session)

    def resumed(self) -> None:
        """Enough has been written to go on: the shim passes it on."""
        self.delivery.resumed(self.session)

    def hold(self) -> None:
        """Reading too fast: the transport stops."""
        self.transport.pause_reading()

    def release(self) -> None:
        """Read again."""
        self.transport.resume_reading()

    def idle(self) -> None:
        """Silence: the sweep has come by."""
        if self.delivery.idle is not None and self.session.seen + self.delivery.idle <= self.delivery.time():
            self.delivery.idled(self.session)

    def finish(self) -> None:
        """End our side after what is queued; close once both sides have ended, or at once over TLS."""
        if self.eof or not self.transport.can_write_eof():
            self.transport.close()
        else:
            self.transport.write_eof()


class _Shim(asyncio.BufferedProtocol):
    """What a transport must have: it passes each call on to the record of that transport."""

    __slots__ = ("buffer", "connection")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.buffer = connection.listener.buffer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.connection.begin(cast(asyncio.Transport, transport))

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.connection.received(nbytes)

    def eof_received(self) -> bool:
        return self.connection.ended()

    def resume_writing(self) -> None:
        self.connection.resumed()

    def connection_lost(self, exc: Exception | None) -> None:
        self.connection.lost(exc)
        del self.connection  # asyncio's TLS keeps methods of ours, and the record keeps the transport
