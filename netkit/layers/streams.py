"""Tier 9, streams: a coroutine per connection that reads, and waits where it has to.

What this tier gives over protocols: the order of things is the order of the lines in ``opened``, waiting is an
``await``, and what must be remembered stands in the coroutine. What it costs: a task, a reader with its own buffer
and a copy of every byte per connection, and a turn of the loop between a byte's arrival and the coroutine.

Chunks are read, not lines: telnet may hold the byte 0x0A within, and ``readline`` hands out the tail of a too long
line as if it were one.
"""

from __future__ import annotations

import asyncio
import socket
import ssl

from .accepting import Handshakes, by_hand, on
from .admission import Refused
from .delivery import Delivery
from .session import Session

ACCEPT_BATCH = 16  # per turn, and tries per second while descriptors are short, each of which asyncio reports

READ_SIZE = 64 * 1024  # most bytes taken from the reader at once; it stops the transport at twice as many


class Listener:
    """Accepts on one bound socket with ``asyncio.start_server``, which makes a reader and a writer per connection."""

    def __init__(self, sock: socket.socket, delivery: Delivery, tls: ssl.SSLContext | None) -> None:
        """Take over a socket that listens; with a TLS context every connection must shake hands first."""
        self.sock = sock
        self.delivery = delivery
        self.tls = tls
        self.server: asyncio.Server | Handshakes | None = None

    async def start(self) -> None:
        """Begin to accept."""
        if by_hand(self.sock, self.tls):
            self.server = Handshakes(self.sock, self.delivery, self.tls, self.shaken)
            return
        serve = asyncio.start_unix_server if self.sock.family == socket.AF_UNIX else asyncio.start_server
        self.server = await serve(self.accept, limit=READ_SIZE, backlog=ACCEPT_BATCH, **on(self.sock))
        self.sock.listen(self.delivery.limits.backlog)  # again: it now has the length of ACCEPT_BATCH

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, shaken: Session | None = None) -> None:
        """A connection was accepted: start its coroutine. After a handshake there is a session already."""
        self.delivery.start(Connection(self, reader, writer).opened(shaken))

    def shaken(self, session: Session) -> asyncio.StreamReaderProtocol:
        """Make a reader and a writer after the handshake, as ``asyncio.start_server`` does without one."""
        loop = self.delivery.loop
        reader = asyncio.StreamReader(READ_SIZE, loop=loop)
        return asyncio.StreamReaderProtocol(
            reader, lambda reader, writer: self.accept(reader, writer, session), loop=loop
        )

    def close(self) -> None:
        """Stop accepting. Connections that are there go on."""
        if self.server is not None:
            self.server.close()


class Connection:
    """One connection: its coroutine, ``opened``, and what others need to reach it."""

    __slots__ = ("delivery", "drain", "eof", "gate", "listener", "reader", "session", "writer")

    session: Session

    def __init__(self, listener: Listener, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Prepare for ``opened`` to run."""
        self.listener = listener
        self.delivery = listener.delivery
        self.reader = reader
        self.writer = writer
        self.eof = False
        self.gate: asyncio.Event | None = None
        self.drain: asyncio.Task[None] | None = None

    async def opened(self, shaken: Session | None) -> None:
        """Take a place, unless the handshake has, and serve the connection to its end."""
        try:
            peer = self.writer.get_extra_info("peername")
            self.session = shaken or self.delivery.admit("tcp", peer)
        except Refused as refusal:
            self.writer.write(self.delivery.farewell(refusal.reason))
            self.writer.close()
            return
        exc: BaseException | None = None
        try:
            self.begin()
            await self.received()
            self.ended()
            await self.writer.wait_closed()
        except (OSError, asyncio.CancelledError) as error:
            exc = error.with_traceback(None)  # the reader keeps it, and its traceback would keep this frame
        finally:
            self.lost(exc)

    def begin(self) -> None:
        """The connection can be used."""
        self.delivery.opened(self.session, self, self.writer.transport)

    async def received(self) -> None:
        """Bytes in: read them, until the peer has finished sending."""
        while not self.eof:
            deadline = self.idle()
            try:
                async with deadline:
                    while not self.eof:
                        while self.gate is not None:
                            await self.gate.wait()
                        if data := await self.reader.read(READ_SIZE):
                            self.delivery.received(self.session, data)
                        else:
                            self.eof = True
            except TimeoutError:
                if not deadline.expired():
                    raise  # ETIMEDOUT, from the network

    def ended(self) -> None:
        """The peer has finished sending. Without TLS our side stays open until the last reply is written."""
        self.delivery.ended(self.session)

    def lost(self, exc: BaseException | None) -> None:
        """The connection is gone."""
        self.writer.close()
        if self.drain is not None:
            self.drain.cancel()
        self.delivery.lost(self.session, exc)

    def write(self, data: bytes) -> None:
        """Bytes out. Whether too many wait now is seen in the transport's buffer."""
        if self.session.transport.is_closing():
            return  # it broke, and the coroutine sees that a turn later
        self.writer.write(data)
        if self.drain is None and self.session.transport.get_write_buffer_size() > self.delivery.limits.high:
            self.paused()

    def paused(self) -> None:
        """Writing too fast: a task waits until that is over, for the coroutine goes on reading."""
        self.delivery.paused(self.session)
        self.drain = self.delivery.loop.create_task(self.resumed())

    async def resumed(self) -> None:
        """Enough has been written to go on when ``drain`` returns."""
        try:
            await self.writer.drain()
        except OSError:
            self.release()  # the reading side meets the same error, and ends the connection
        self.drain = None
        self.delivery.resumed(self.session)

    def hold(self) -> None:
        """Reading too fast: no more calls of ``read``."""
        self.gate = self.gate or asyncio.Event()

    def release(self) -> None:
        """Read again."""
        if self.gate is not None:
            self.gate.set()
            self.gate = None

    def idle(self) -> asyncio.Timeout:
        """Silence: a deadline around the reading, set anew for what is left of the time since the last byte."""
        if self.delivery.idle is None or self.session.closing:
            return asyncio.timeout(None)
        when = self.session.seen + self.delivery.idle
        if when > self.delivery.time():
            return asyncio.timeout_at(when)
        self.delivery.idled(self.session)
        return asyncio.timeout(None)

    def finish(self) -> None:
        """End our side after what is queued; close once both sides have ended, or at once over TLS."""
        if self.eof or not self.writer.can_write_eof():
            self.writer.close()
        else:
            self.writer.write_eof()
