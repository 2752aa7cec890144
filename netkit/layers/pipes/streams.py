"""Tier 9, streams, for pipes: a coroutine reads the one, and writes to the other.

What this tier gives over protocols: the order of things is the order of the lines in ``opened``. What it leaves to us:
asyncio pairs a reader and a writer for sockets alone, so here each is made by hand, and whoever waits for input does
not hear that the output is closed.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from ...stdio import Pipes
from ..delivery import Delivery
from ..session import Session

READ_SIZE = 64 * 1024  # most bytes taken from the reader at once; it stops the transport at twice as many


class Connection:
    """The session over two pipes: its coroutine, ``opened``, and what others need to reach it."""

    session: Session
    input: asyncio.ReadTransport
    writer: asyncio.StreamWriter

    def __init__(self, pipes: Pipes, delivery: Delivery) -> None:
        """Take over both pipes."""
        self.pipes = pipes
        self.delivery = delivery
        self.reader = asyncio.StreamReader(READ_SIZE)
        self.eof = False
        self.gate: asyncio.Event | None = None
        self.drain: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take a place, make a writer and a reader of the pipes, and start the coroutine."""
        loop = self.delivery.loop
        self.session = self.delivery.admit("stdio", self.pipes.address, asyncio.current_task())
        protocol = asyncio.StreamReaderProtocol(self.reader)
        try:
            output, flow = await loop.connect_write_pipe(lambda: _Output(asyncio.StreamReader()), self.pipes.output)
            self.writer = asyncio.StreamWriter(output, flow, self.reader, loop)
            self.input, _ = await loop.connect_read_pipe(lambda: protocol, self.pipes.input)
        except (OSError, asyncio.CancelledError) as exc:
            self.delivery.lost(self.session, exc)
            return
        self.delivery.start(self.opened())
        self.delivery.start(self.closed())

    async def opened(self) -> None:
        """Serve the session to its end, unless whoever was to read the output has left already."""
        exc: BaseException | None = None
        try:
            if not self.writer.is_closing():
                self.delivery.opened(self.session, self, self.writer.transport)
                await self.received()
                self.ended()
            await self.writer.wait_closed()
        except (OSError, asyncio.CancelledError) as error:
            exc = error
        finally:
            self.lost(exc)

    async def received(self) -> None:
        """Bytes in: read them, until there are no more to come."""
        while not self.eof:
            deadline = self.idle()
            with suppress(TimeoutError):
                async with deadline:
                    while not self.eof:
                        while self.gate is not None:
                            await self.gate.wait()
                        if data := await self.reader.read(READ_SIZE):
                            self.delivery.received(self.session, data)
                        else:
                            self.eof = True

    def ended(self) -> None:
        """The input has ended, or was closed with the output. The last reply is still written."""
        if not self.writer.is_closing():
            self.delivery.ended(self.session)

    async def closed(self) -> None:
        """The output is closed: the coroutine must not wait for input any more."""
        with suppress(OSError):
            await self.writer.wait_closed()
        self.input.close()
        self.release()

    def lost(self, exc: BaseException | None) -> None:
        """The output is closed, or the input broke, and so all is over."""
        if not self.writer.is_closing():
            self.writer.transport.abort()
        if self.drain is not None:
            self.drain.cancel()
        self.delivery.start(self.pipes.close(self.delivery.limits.grace))
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
            return  # the output broke, which ``closed`` sees
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
        """Close the output after what is queued: it is our side, and there is no other half of it."""
        self.writer.close()

    def close(self) -> None:
        """Stop accepting: there is nobody else to come. The session goes on."""


class _Output(asyncio.StreamReaderProtocol):
    """What the pipe that is written must have. For a writer it is that of a reader, which here has nothing to read."""

    def eof_received(self) -> bool:
        return False  # uvloop calls this when nobody reads the pipe any more, and would keep it open
