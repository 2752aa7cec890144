"""The reading side: what is fed arrives piece by piece, one in each turn of the loop, while the protocol reads."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import repeat
from typing import cast

from .core import Core
from .writing import Data

#: Most bytes that arrive at once, as much as asyncio's own transports ask for.
READ_SIZE = 256 * 1024


def connection_reset() -> ConnectionResetError:
    """What the system says of a peer that broke off."""
    return ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))


class Reading(Core, asyncio.ReadTransport):
    """Reads a stream of bytes."""

    def __init__(self, protocol: asyncio.BaseProtocol | None, extra: Mapping[str, object] | None) -> None:
        self._incoming = bytearray()
        self._paused = False
        # The end was fed, and then: has arrived.
        self._end_fed = False
        self._end_seen = False
        # What reading meets after the bytes.
        self._read_fault: Exception | None = None
        self._sizes: Iterator[int] = iter(())
        self._read_due = False
        super().__init__(protocol, extra)

    # The transport, as its protocol uses it.

    def pause_reading(self) -> None:
        """Let nothing arrive: it is kept. Pausing again does nothing."""
        if self.is_reading():
            self._paused = True

    def resume_reading(self) -> None:
        """Let it arrive. Does nothing unless it is paused."""
        if self._paused and not self._closing:
            self._paused = False
            self._read_soon()

    def is_reading(self) -> bool:
        """Whether it is neither paused nor closing."""
        return not self._paused and not self._closing

    # Controls for the test.

    @property
    def unread(self) -> bytes:
        """The bytes that were fed and have not arrived."""
        return bytes(self._incoming)

    def feed(self, data: Data) -> None:
        """Let the peer send some bytes. Two feeds before the next turn may arrive as one, as they do for real.

        Raises:
            RuntimeError: ``connection_lost`` has been called, or the peer has ended its side or broken off.
        """
        self._feedable("feed()")
        self._arrive(data)

    def feed_eof(self) -> None:
        """Let the peer end its side.

        Raises:
            RuntimeError: it has, or has broken off, or ``connection_lost`` has been called.
        """
        self._feedable("feed_eof()")
        self._arrive_end()

    def fragment(self, sizes: int | Iterable[int] | None = None) -> None:
        """Cut what arrives from now on into pieces.

        Args:
            sizes: in bytes. One number: of every piece. Several: of the next pieces, and what comes after them arrives
                whole, as it does with None. A piece is shorter where no more is there.

        Raises:
            ValueError: a size below one.
        """
        chosen = [sizes] if isinstance(sizes, int) else list(sizes or ())
        if any(size < 1 for size in chosen):
            raise ValueError(f"a piece has at least one byte, not {min(chosen)}")
        self._sizes = repeat(sizes) if isinstance(sizes, int) else iter(chosen)

    # Within.

    def _begin(self) -> None:
        super()._begin()
        self._read_soon()

    def _feedable(self, call: str) -> None:
        if self._lost:
            raise RuntimeError(f"{call} after connection_lost()")
        if self._end_fed or self._read_fault is not None:
            raise RuntimeError(f"{call} after {'feed_eof()' if self._end_fed else 'reset()'}")

    def _arrive(self, data: Data) -> None:
        self._incoming += data
        self._read_soon()

    def _arrive_end(self) -> None:
        self._end_fed = True
        self._read_soon()

    def _taken(self) -> None:
        """Fewer bytes are unread than before."""

    def _readable(self) -> bool:
        there = self._incoming or self._end_fed or self._read_fault is not None
        return bool(there) and self._begun and self.is_reading() and not self._end_seen

    def _read_soon(self) -> None:
        """Read in the next turn, if there is something to read and it is wanted."""
        if self._readable() and not self._read_due:
            self._read_due = True
            self._soon(self._read)

    def _read(self) -> None:
        """What the loop calls when something can be read."""
        self._read_due = False
        if not self._readable():
            return
        doing = "get_buffer"
        try:
            protocol = self._protocol
            room: memoryview | None = None
            if isinstance(protocol, asyncio.BufferedProtocol):
                room = memoryview(protocol.get_buffer(-1)).cast("B")
                if not room:
                    raise RuntimeError("get_buffer() returned an empty buffer")
            if self._incoming:
                piece = self._piece(READ_SIZE if room is None else len(room))
                doing = "data_received" if room is None else "buffer_updated"
                self._deliver(piece, room)
            elif self._read_fault is not None:
                self._break(self._read_fault)
            else:
                doing = "eof_received"
                self._deliver_end()
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as exc:
            self._report(exc, f"protocol.{doing}() failed")
            self._break(exc)
        self._read_soon()

    def _piece(self, most: int) -> bytes:
        size = min(next(self._sizes, READ_SIZE), most)
        piece = bytes(self._incoming[:size])
        del self._incoming[:size]
        self._taken()
        return piece

    def _deliver(self, piece: bytes, room: memoryview | None) -> None:
        if room is None:
            cast(asyncio.Protocol, self._protocol).data_received(piece)
        else:
            room[: len(piece)] = piece
            cast(asyncio.BufferedProtocol, self._protocol).buffer_updated(len(piece))

    def _deliver_end(self) -> None:
        keep_open = cast(asyncio.Protocol, self._protocol).eof_received()
        self._end_seen = True
        if not keep_open:
            self.close()
