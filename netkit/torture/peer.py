"""A client of which everything is known: what it sent, what it got, and how its connection ended."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import cast

from .sent import Sent

#: Seconds for a server to answer, to accept or to read on, before it counts as stuck.
PATIENCE = 5.0

#: Bytes that are handed to the transport at once.
BLOCK = 64 * 1024

#: Bytes that are written one by one, before others may go on.
APART = 100

#: Bytes of what was received that are kept, the last ones.
KEPT = 16 * 1024 * 1024

#: A close with this is a reset (socket(7), SO_LINGER).
LINGER_RESET = struct.pack("ii", 1, 0)

#: How a connection stands: open, ended by the server, or broken by it.
OPEN, ENDED, RESET = "open", "ended", "reset"


class Peer(asyncio.Protocol):
    """One connection to the server.

    Args:
        read: whether it reads from the start.
        answer: is told each line that comes, and gives what must be answered at once, as to a ``PING``.
        on_data: is told each piece that comes, and when.

    Attributes:
        sent: what it has sent.
        heard: what it has got, the last ``KEPT`` bytes.
        received: how many bytes it has got in all.
        state: ``OPEN``, ``ENDED`` or ``RESET``.
    """

    def __init__(
        self,
        *,
        read: bool = True,
        answer: Callable[[bytes], bytes] | None = None,
        on_data: Callable[[bytes], None] | None = None,
    ) -> None:
        self.sent = Sent()
        self.heard = bytearray()
        self.received = 0
        self.state = OPEN
        self._read = read
        self._answer = answer
        self._on_data = on_data
        self._line = bytearray()
        self._news = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()

    # What a fault does

    async def send(self, data: bytes, times: int = 1, *, within: float = PATIENCE) -> bool:
        """Send bytes so many times in a row, as fast as the server takes them.

        Returns:
            Whether the connection is still open: a server may well have had enough.

        Raises:
            TimeoutError: the server has taken nothing for ``within`` seconds.
        """
        self.sent.note(data, times)
        at_once = max(1, BLOCK // max(1, len(data)))
        while times > 0 and self.state == OPEN:
            self.transport.write(data * min(times, at_once))
            times -= at_once
            async with asyncio.timeout(within):
                await self._writable.wait()
            await asyncio.sleep(0)  # to see whether it has ended, and to let others go on
        return self.state == OPEN

    async def send_apart(self, data: bytes, *, within: float = PATIENCE) -> bool:
        """Send each byte in a write of its own: in a segment of its own too, while the server takes them.

        Returns:
            Whether the connection is still open.

        Raises:
            TimeoutError: the server has taken nothing for ``within`` seconds.
        """
        for at in range(0, len(data), APART):
            some = data[at : at + APART]
            self.sent.note(some)
            for byte in some:
                if not self.transport.is_closing():  # or asyncio logs each
                    self.transport.write(bytes((byte,)))
            async with asyncio.timeout(within):
                await self._writable.wait()
            await asyncio.sleep(0)
            if self.state != OPEN:
                return False
        return self.state == OPEN

    def urge(self, data: bytes) -> None:
        """Send bytes as urgent data (RFC 6093); all that was sent before must be with the kernel already."""
        self.sent.note(data)
        if self.state == OPEN:
            with self.transport.get_extra_info("socket").dup() as sock:
                sock.send(data, socket.MSG_OOB)

    async def wait(self, met: Callable[[], bool], within: float = PATIENCE) -> bool:
        """Wait for a condition to be met by what comes, or for the end. Whether it was met in time."""
        deadline = asyncio.get_running_loop().time() + within
        while not met():
            if self.state != OPEN:
                return False
            self._news.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._news.wait()
            except TimeoutError:
                return met()
        return True

    async def hears(self, what: bytes, within: float = PATIENCE) -> bool:
        """Wait for some bytes to come. Whether they came in time."""
        return await self.wait(lambda: what in self.heard, within)

    async def gets(self, number: int, within: float = PATIENCE) -> bool:
        """Wait for ``received`` to be so many bytes. Whether they came in time."""
        return await self.wait(lambda: self.received >= number, within)

    async def ends(self, within: float = PATIENCE) -> bool:
        """Wait for the server to end the connection. Whether it did in time."""
        await self.wait(lambda: False, within)
        return self.state != OPEN

    def lines(self) -> list[bytes]:
        """The whole lines that came, without their ends."""
        return bytes(self.heard).replace(b"\r\n", b"\n").split(b"\n")[:-1]

    def put(self, data: bytes) -> None:
        """Send bytes, and neither note them nor wait until they are taken."""
        self.transport.write(data)

    def since(self, before: int) -> bytes:
        """What has come after ``before`` bytes, see ``received``, as far as it is kept."""
        return bytes(self.heard[max(0, before - self.received + len(self.heard)) :])

    def stop_reading(self) -> None:
        """Leave what comes in the kernel."""
        self.transport.pause_reading()

    def go_on_reading(self) -> None:
        """Read again."""
        self.transport.resume_reading()

    def finish(self) -> None:
        """End our side, and read on where the transport can: over TLS it closes (asyncio has no half-close there)."""
        if self.transport.is_closing():
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def reset(self) -> None:
        """Break it off: the server gets a reset."""
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
        self.transport.abort()

    def close(self) -> None:
        """Go at once, without a word."""
        self.transport.abort()

    @property
    def unsent(self) -> int:
        """Bytes that were to be sent and that the kernel has not taken yet."""
        return self.transport.get_write_buffer_size()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See ``asyncio.BaseProtocol``."""
        self.transport = cast(asyncio.Transport, transport)
        if not self._read:
            self.transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``."""
        self.received += len(data)
        self.heard += data
        if len(self.heard) > KEPT:
            del self.heard[:-KEPT]
        if self._on_data is not None:
            self._on_data(data)
        if self._answer is not None:
            self._answer_lines(self._answer, data)
        self._news.set()

    def _answer_lines(self, answer: Callable[[bytes], bytes], data: bytes) -> None:
        self._line += data
        *lines, rest = self._line.split(b"\n")
        self._line = rest[-BLOCK:]
        for line in lines:
            if reply := answer(bytes(line.rstrip(b"\r"))):
                self.put(reply)

    def eof_received(self) -> bool:
        """See ``asyncio.Protocol``. Our side stays open, where that can be."""
        self._over(ENDED)
        return self.transport.can_write_eof()

    def pause_writing(self) -> None:
        """See ``asyncio.BaseProtocol``."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """See ``asyncio.BaseProtocol``."""
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """See ``asyncio.BaseProtocol``."""
        self._over(ENDED if exc is None else RESET)

    def _over(self, state: str) -> None:
        if self.state == OPEN:
            self.state = state
        self._writable.set()
        self._news.set()
