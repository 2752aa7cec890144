"""Tier 8, protocols, for pipes: the loop calls an object of ours whenever something happens to the input.

What this tier gives over transports: the connection is the protocol of the pipe that is read, and the loop says when it
writes too fast. What it leaves to us: the pipe that is written must have a protocol too, which passes on.
"""

from __future__ import annotations

import asyncio
from typing import cast

from ...stdio import Pipes
from ..delivery import Delivery
from ..session import Session


class Connection(asyncio.Protocol):
    """The session over two pipes: the protocol object of the one that is read."""

    session: Session
    input: asyncio.ReadTransport
    output: asyncio.WriteTransport

    def __init__(self, pipes: Pipes, delivery: Delivery) -> None:
        """Take over both pipes."""
        self.pipes = pipes
        self.delivery = delivery
        self.timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Take a place, and give both pipes to the loop. The one that is read comes last: it brings bytes at once."""
        loop = self.delivery.loop
        self.session = self.delivery.admit("stdio", self.pipes.address, asyncio.current_task())
        try:
            self.output, _ = await loop.connect_write_pipe(lambda: _Output(self), self.pipes.output)
            await loop.connect_read_pipe(lambda: self, self.pipes.input)
        except (OSError, asyncio.CancelledError) as exc:
            self.delivery.lost(self.session, exc)

    def opened(self, transport: asyncio.BaseTransport) -> None:
        """Both can be used, unless whoever was to read the output has left already."""
        self.input = cast(asyncio.ReadTransport, transport)
        if self.output.is_closing():
            self.input.close()
            return
        self.delivery.opened(self.session, self, self.output)
        self.idle()

    def received(self, data: bytes) -> None:
        """Bytes in: the loop brings them."""
        self.delivery.received(self.session, data)

    def ended(self) -> None:
        """The input has ended, and the loop closes it. The last reply is still written."""
        self.delivery.ended(self.session)

    def broken(self, exc: Exception | None) -> None:
        """The input is closed. With an error it was not we who closed it, and it has not ended either."""
        if exc is not None:
            self.delivery.broken(self.session, exc)

    def lost(self, exc: Exception | None) -> None:
        """The output is closed, and so all is over."""
        if self.timer is not None:
            self.timer.cancel()
        if self.session.handshake is None:
            self.input.close()
        self.delivery.start(self.pipes.close(self.delivery.limits.grace))
        self.delivery.lost(self.session, exc)

    def write(self, data: bytes) -> None:
        """Bytes out. If too many wait then, the loop calls ``paused``."""
        self.output.write(data)

    def paused(self) -> None:
        """Writing too fast: the loop says so."""
        self.delivery.paused(self.session)

    def resumed(self) -> None:
        """Enough has been written to go on: the loop says so."""
        self.delivery.resumed(self.session)

    def hold(self) -> None:
        """Reading too fast: no more calls of ``received``."""
        self.input.pause_reading()

    def release(self) -> None:
        """Read again."""
        self.input.resume_reading()

    def idle(self) -> None:
        """Silence: a timer, set anew for what is left of the time since the last byte."""
        if self.delivery.idle is None:
            return
        left = self.session.seen + self.delivery.idle - self.delivery.time()
        if left > 0:
            self.timer = self.delivery.loop.call_later(left, self.idle)
        else:
            self.delivery.idled(self.session)

    def finish(self) -> None:
        """Close the output after what is queued: it is our side, and there is no other half of it."""
        self.output.close()

    def close(self) -> None:
        """Stop accepting: there is nobody else to come. The session goes on."""

    # The same by the names that asyncio calls.
    connection_made = opened
    data_received = received
    eof_received = ended
    connection_lost = broken


class _Output(asyncio.BaseProtocol):
    """The protocol of the pipe that is written: it passes each call on."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def pause_writing(self) -> None:
        self.connection.paused()

    def resume_writing(self) -> None:
        self.connection.resumed()

    def connection_lost(self, exc: Exception | None) -> None:
        self.connection.lost(exc)
