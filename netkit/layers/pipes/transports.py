"""Tier 7, transports, for pipes: one transport that reads and one that writes are held in the hand.

What this tier gives: buffered writes, and a call when something arrives. What it leaves to us: looking at the buffer of
the transport that writes. Each must have a protocol to call, so each has a shim that passes on.
"""

from __future__ import annotations

import asyncio
from typing import cast

from ...stdio import Pipes
from ..delivery import Delivery
from ..session import Session

#: Looks for silence in each idle time: it lasts at most a sixteenth longer than it should.
SWEEPS = 16


class Connection:
    """The session over two pipes: a record of both transports."""

    session: Session
    input: asyncio.ReadTransport
    output: asyncio.WriteTransport

    def __init__(self, pipes: Pipes, delivery: Delivery) -> None:
        """Take over both pipes."""
        self.pipes = pipes
        self.delivery = delivery
        self.timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Take a place, and make both transports. The one that reads comes last: it brings bytes at once."""
        loop = self.delivery.loop
        self.session = self.delivery.admit("stdio", self.pipes.address, asyncio.current_task())
        try:
            self.output, _ = await loop.connect_write_pipe(lambda: _Output(self), self.pipes.output)
            await loop.connect_read_pipe(lambda: _Input(self), self.pipes.input)
        except (OSError, asyncio.CancelledError) as exc:
            self.delivery.lost(self.session, exc)

    def opened(self, transport: asyncio.BaseTransport) -> None:
        """Both can be used, unless whoever was to read the output has left already. The shim comes before ``start``."""
        self.input = cast(asyncio.ReadTransport, transport)
        if self.output.is_closing():
            self.input.close()
            return
        self.delivery.opened(self.session, self, self.output)
        self.idle()

    def received(self, data: bytes) -> None:
        """Bytes in: the shim passes them on."""
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
        """Bytes out. Whether too many wait now is seen in the transport's buffer."""
        self.output.write(data)
        if self.output.get_write_buffer_size() > self.delivery.limits.high and not self.session.stalled:
            self.paused()

    def paused(self) -> None:
        """Writing too fast."""
        self.delivery.paused(self.session)

    def resumed(self) -> None:
        """Enough has been written to go on: the shim passes it on."""
        self.delivery.resumed(self.session)

    def hold(self) -> None:
        """Reading too fast: the transport stops."""
        self.input.pause_reading()

    def release(self) -> None:
        """Read again."""
        self.input.resume_reading()

    def idle(self) -> None:
        """Silence: it is looked for now and again."""
        if self.delivery.idle is None:
            return
        if self.session.seen + self.delivery.idle > self.delivery.time():
            self.timer = self.delivery.loop.call_later(self.delivery.idle / SWEEPS, self.idle)
        else:
            self.delivery.idled(self.session)

    def finish(self) -> None:
        """Close the output after what is queued: it is our side, and there is no other half of it."""
        self.output.close()

    def close(self) -> None:
        """Stop accepting: there is nobody else to come. The session goes on."""


class _Input(asyncio.Protocol):
    """What the transport that reads must have: it passes each call on."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.connection.opened(transport)

    def data_received(self, data: bytes) -> None:
        self.connection.received(data)

    def eof_received(self) -> None:
        self.connection.ended()

    def connection_lost(self, exc: Exception | None) -> None:
        self.connection.broken(exc)


class _Output(asyncio.BaseProtocol):
    """What the transport that writes must have: it passes each call on."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def resume_writing(self) -> None:
        self.connection.resumed()

    def connection_lost(self, exc: Exception | None) -> None:
        self.connection.lost(exc)
