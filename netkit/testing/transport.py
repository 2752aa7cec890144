"""Transports of a stream in memory: one whose peer is the test, two that are each other's peer, and asyncio's streams.

What they leave out: no bytes take time, and none are lost; there is no TLS and no ``sendfile``; ``get_extra_info`` has
what it is given, and no socket. A transport that is never closed says nothing, as it holds nothing.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable, Mapping

from .core import Core
from .reading import Reading, connection_reset
from .writing import Writing

#: Bytes under way between the two of a pair, as many as one direction of a small socket holds.
CAPACITY = 64 * 1024


class MemoryTransport(Reading, Writing, asyncio.Transport):
    """The transport of one's own protocol or streams, with the peer in the hand of the test."""

    def __init__(
        self, protocol: asyncio.BaseProtocol | None = None, *, extra: Mapping[str, object] | None = None
    ) -> None:
        """Connect a protocol on the running loop: ``connection_made`` is called in the next turn.

        Args:
            protocol: an ``asyncio.Protocol`` or ``asyncio.BufferedProtocol``. None: it comes with ``attach``.
            extra: for ``get_extra_info``, such as ``{"peername": ("192.0.2.7", 50312)}``.

        Raises:
            RuntimeError: no loop is running.
        """
        super().__init__(protocol, extra)

    def reset(self, exc: Exception | None = None) -> None:
        """Let the peer break off. It is noticed as with a socket: by reading, after the bytes that came before, or by
        writing, at once. While reading is paused and nothing is written, nobody notices.

        Args:
            exc: what ``connection_lost`` is called with; a ``ConnectionResetError`` where it is not given.

        Raises:
            RuntimeError: it has broken off before, or ``connection_lost`` has been called.
        """
        if self._lost or self._read_fault is not None:
            raise RuntimeError(f"reset() after {'connection_lost()' if self._lost else 'reset()'}")
        self._fail(exc or connection_reset())

    def _fail(self, reading: Exception, writing: Exception | None = None) -> None:
        self._read_fault = reading
        self._write_fault = writing or reading
        self._read_soon()
        self._write_soon()


class _Paired(MemoryTransport):
    """One of a pair. What leaves it arrives at the other, which has room for so many unread bytes."""

    _peer: _Paired

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self._capacity = capacity

    def _room_left(self) -> int | None:
        free = max(0, self._capacity - len(self._peer._incoming))
        return free if self._room is None else min(free, self._room)

    def _carry(self, data: bytes) -> None:
        self._peer._arrive(data)

    def _taken(self) -> None:
        self._peer._write_soon()

    def _send_end(self) -> None:
        super()._send_end()
        self._peer._arrive_end()

    def _gone(self) -> None:
        """What a socket does that is closed: end its side, or break off if it has not read all."""
        peer = self._peer
        if peer._lost:
            return
        peer._write_fault = BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        if self._incoming:
            peer._read_fault = connection_reset()
            peer._read_soon()
        elif not peer._end_fed:
            peer._arrive_end()
        peer._write_soon()

    def _ends(self) -> tuple[Core, ...]:
        return self, self._peer


def pair(
    protocol_factory_a: Callable[[], asyncio.BaseProtocol],
    protocol_factory_b: Callable[[], asyncio.BaseProtocol],
    *,
    capacity: int = CAPACITY,
) -> tuple[MemoryTransport, MemoryTransport]:
    """Two transports that are connected: what is written to one arrives at the other.

    Where one stops reading, so many bytes go on arriving and no more: then they wait at the other, whose protocol is
    told to stop. ``stall`` and ``fragment`` work on each direction; ``feed`` puts bytes in between.

    Args:
        protocol_factory_a: makes the protocol of the first.
        protocol_factory_b: makes that of the second.
        capacity: bytes under way at most, in each direction.

    Raises:
        ValueError: no byte could be under way.
    """
    if capacity < 1:
        raise ValueError(f"at least one byte must be under way, not {capacity}")
    a, b = _Paired(capacity), _Paired(capacity)
    a._peer, b._peer = b, a
    a.attach(protocol_factory_a())
    b.attach(protocol_factory_b())
    return a, b


async def open_streams(
    *, limit: int = 64 * 1024, extra: Mapping[str, object] | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, MemoryTransport]:
    """The reader and writer of asyncio itself on a transport in memory, made as ``asyncio.open_connection`` makes them.

    Args:
        limit: bytes in the reader's buffer, of which it stops reading above twice as many.
        extra: for ``writer.get_extra_info``.

    Returns:
        The reader, the writer, and the transport with the controls.
    """
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport = MemoryTransport(protocol, extra=extra)
    writer = asyncio.StreamWriter(transport, protocol, reader, loop)
    await transport.settled()
    return reader, writer, transport
