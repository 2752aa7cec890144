"""The writing side: what leaves at once, what waits, and when the protocol is told to stop.

Room is what flow control is about: a real transport gives the kernel what fits into the socket's buffer and keeps the
rest. Here the room is what the test says, to the byte: none after ``stall()``, and ``release(n)`` makes more of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from .core import Core

#: Bytes that may wait before the protocol is told to stop, as asyncio's own transports have it.
HIGH = 64 * 1024

#: The low mark is this part of the high one where only one of them is given, as in asyncio.
RATIO = 4

Data: TypeAlias = bytes | bytearray | memoryview

CLOSED = "{} after close(): a real transport throws the bytes away, and only logs a warning after some such writes"


class Flow(Core):
    """The two marks, and the calls of ``pause_writing`` and ``resume_writing`` when what waits crosses them."""

    def __init__(self, protocol: asyncio.BaseProtocol | None, extra: Mapping[str, object] | None) -> None:
        self._high, self._low = HIGH, HIGH // RATIO
        # The protocol was told to stop.
        self._stopped = False
        # Bytes (datagrams) that may still leave. None: as many as there are.
        self._room: int | None = None
        self._write_due = False
        # What the next attempt to write meets.
        self._write_fault: Exception | None = None
        super().__init__(protocol, extra)

    def get_write_buffer_size(self) -> int:
        """Bytes that wait."""
        raise NotImplementedError

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set the marks. ``pause_writing`` is called when more than ``high`` bytes wait, in the middle of the write.

        Args:
            high: in bytes; four times ``low``, or 64 KiB, where it is not given.
            low: in bytes; ``resume_writing`` is called when no more than that wait. A quarter of ``high`` by default.

        Raises:
            ValueError: ``high >= low >= 0`` does not hold.
        """
        if high is None:
            high = HIGH if low is None else RATIO * low
        if low is None:
            low = high // RATIO
        if not high >= low >= 0:
            raise ValueError(f"high >= low >= 0 must hold, not {high!r}, {low!r}")
        self._high, self._low = high, low
        self._filled()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """The marks, the low one first."""
        return self._low, self._high

    # Controls for the test.

    def stall(self) -> None:
        """Let nothing leave any more: what is written waits, as for a peer that does not read."""
        self._room = 0

    def release(self, n: int | None = None) -> None:
        """Let leave what waits, a turn later.

        Args:
            n: make room for so many bytes (datagrams) more, and no others. None: for all, and the stall is over.

        Raises:
            ValueError: ``n`` is negative.
        """
        if n is not None and n < 0:
            raise ValueError(f"{n} cannot leave")
        if n is None:
            self._room = None
        elif self._room is not None:
            self._room += n
        self._write_soon()

    # For the sides that write.

    def _filled(self) -> None:
        """More waits than before."""
        if self.get_write_buffer_size() > self._high and not self._stopped:
            self._stopped = True
            self._tell(self._protocol.pause_writing, "pause_writing")

    def _emptied(self) -> None:
        """Less waits than before."""
        if self._stopped and self.get_write_buffer_size() <= self._low:
            self._stopped = False
            self._tell(self._protocol.resume_writing, "resume_writing")

    def _tell(self, call: Callable[[], object], name: str) -> None:
        try:
            call()
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as exc:
            self._report(exc, f"protocol.{name}() failed")

    def _room_left(self) -> int | None:
        """How many may leave now, None for all."""
        return self._room

    def _write_soon(self) -> None:
        """Try to write what waits, a turn later."""
        if self._unsent() and not self._write_due:
            self._write_due = True
            self._soon(self._writable)

    def _writable(self) -> None:
        """What the loop calls when the network takes something."""
        self._write_due = False
        if self._losing or not self._unsent():
            return
        if self._write_fault is not None:
            self._break(self._write_fault)
            return
        self._flush()
        if not self._unsent() and not self._losing:
            self._written()

    def _flush(self) -> None:
        """Let leave what has room."""
        raise NotImplementedError

    def _written(self) -> None:
        """All that waited has left."""
        if self._closing:
            self._call_lost(None)


class Writing(Flow, asyncio.WriteTransport):
    """Writes a stream of bytes."""

    def __init__(self, protocol: asyncio.BaseProtocol | None, extra: Mapping[str, object] | None) -> None:
        self._buffer = bytearray()
        self._sent = bytearray()
        # write_eof() was called, and then: nothing waits before it.
        self._ended = False
        self._end_sent = False
        super().__init__(protocol, extra)

    # The transport, as its protocol uses it.

    def write(self, data: Data) -> None:
        """Send some bytes, or keep what has no room.

        Raises:
            TypeError: that is not bytes.
            RuntimeError: the protocol has closed the transport or ended its side, or returned from ``eof_received``
                what closes it. Of a connection that broke it cannot know yet: then the bytes are dropped, as for real.
        """
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"data must be bytes, bytearray or memoryview, not {type(data).__name__}")
        if self._ended:
            raise RuntimeError("write() after write_eof()")
        if not data or self._broken:
            return
        if self._closing:
            raise RuntimeError(CLOSED.format("write()"))
        if not self._buffer:
            if self._write_fault is not None:
                self._break(self._write_fault)
                return
            data = memoryview(data).cast("B")
            data = data[self._leave(data) :]
            if not data:
                return
        self._buffer += data
        self._news.set()
        self._filled()

    def writelines(self, list_of_data: Iterable[Data]) -> None:
        """Write all of them at once."""
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        """End this side after what waits. What the peer sends still arrives. Does nothing when it is closing."""
        if not self._closing and not self._ended:
            self._ended = True
            if not self._buffer:
                self._send_end()

    def can_write_eof(self) -> bool:
        """True."""
        return True

    def get_write_buffer_size(self) -> int:
        """Bytes that wait."""
        return len(self._buffer)

    # Controls for the test.

    @property
    def sent(self) -> bytes:
        """All bytes that have left so far."""
        return bytes(self._sent)

    @property
    def sent_eof(self) -> bool:
        """Whether the end of this side has left: after ``write_eof()``, or at the end of the connection."""
        return self._end_sent or self._lost

    @property
    def waiting(self) -> bytes:
        """The bytes that have not left."""
        return bytes(self._buffer)

    async def wait_sent(self, size: int) -> bytes:
        """Wait until so many bytes have left in all, for a protocol that does not answer at once.

        Returns:
            All that has left.

        Raises:
            asyncio.IncompleteReadError: the connection ended before.
        """
        await self._when(lambda: len(self._sent) >= size, size)
        return self.sent

    async def wait_waiting(self, size: int) -> bytes:
        """Wait until so many bytes wait, in a transport that is stalled.

        Returns:
            All that waits.

        Raises:
            asyncio.IncompleteReadError: the connection ended before.
        """
        await self._when(lambda: len(self._buffer) >= size, size)
        return self.waiting

    # Within.

    async def _when(self, true: Callable[[], bool], size: int) -> None:
        while not true():
            if self._lost:
                raise asyncio.IncompleteReadError(self.sent, size)
            self._news.clear()
            await self._news.wait()

    def _unsent(self) -> bool:
        return bool(self._buffer)

    def _discard(self) -> None:
        self._buffer.clear()

    def _leave(self, data: Data) -> int:
        """Let leave what has room, and tell how many bytes that were."""
        room = self._room_left()
        left = bytes(data if room is None else data[:room])
        if left:
            if self._room is not None:
                self._room -= len(left)
            self._sent += left
            self._news.set()
            self._carry(left)
        return len(left)

    def _carry(self, data: bytes) -> None:
        """Bytes have left."""

    def _send_end(self) -> None:
        """The end of this side leaves."""
        self._end_sent = True
        self._news.set()

    def _flush(self) -> None:
        del self._buffer[: self._leave(self._buffer)]
        self._emptied()

    def _written(self) -> None:
        super()._written()
        if self._ended and not self._losing:
            self._send_end()

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, {len(self._sent)} sent, {len(self._buffer)} waiting>"
