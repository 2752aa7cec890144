"""A transport of datagrams in memory. Nothing is lost or changes places unless the test does it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any, TypeAlias, cast

from .writing import CLOSED, Data, Flow

# What a socket calls an address: (host, port, ...) for IP, a path for Unix. The types of asyncio do not agree on it.
Address: TypeAlias = Any


class MemoryDatagramTransport(Flow, asyncio.DatagramTransport):
    """The transport of one's own datagram protocol. ``stall()`` and ``release(n)`` count datagrams.

    Attributes:
        sent: the datagrams that have left, each with its address.

    An empty datagram is sent, as asyncio has it since Python 3.13; before, it sent none.
    """

    def __init__(
        self,
        protocol: asyncio.BaseProtocol,
        *,
        remote_addr: Address | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        """Connect a protocol on the running loop: ``connection_made`` is called in the next turn.

        Args:
            protocol: an ``asyncio.DatagramProtocol``.
            remote_addr: where all of them go, as with a socket that is connected.
            extra: for ``get_extra_info``.
        """
        self.sent: list[tuple[bytes, Address]] = []
        self._remote = remote_addr
        self._queue: deque[tuple[bytes, Address]] = deque()
        # What was fed before connection_made, in its order.
        self._early: list[tuple[bytes, Address] | Exception] = []
        super().__init__(protocol, extra)

    def sendto(self, data: Data, addr: Address | None = None) -> None:
        """Send a datagram, or keep it while it has no room.

        Raises:
            TypeError: that is not bytes.
            ValueError: it has no address, or another than the one that the transport is connected to.
            RuntimeError: the transport was closed.
        """
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"data must be bytes, bytearray or memoryview, not {type(data).__name__}")
        if self._remote is not None and addr not in (None, self._remote):
            raise ValueError(f"{addr!r} is not the address it is connected to, {self._remote!r}")
        to = addr or self._remote
        if to is None:
            raise ValueError("a datagram needs an address where the transport is not connected to one")
        if self._closing:
            raise RuntimeError(CLOSED.format("sendto()"))
        self._queue.append((bytes(data), to))
        if len(self._queue) == 1:
            self._leave()
        self._filled()

    def get_write_buffer_size(self) -> int:
        """Bytes that wait."""
        return sum(len(data) for data, _ in self._queue)

    # Controls for the test.

    @property
    def waiting(self) -> list[tuple[bytes, Address]]:
        """The datagrams that have not left."""
        return list(self._queue)

    def feed(self, data: Data, addr: Address | None = None) -> None:
        """Let a datagram arrive, each in a call of its own.

        Args:
            data: what is in it.
            addr: where it comes from; needed unless the transport is connected.

        Raises:
            ValueError: it comes from nowhere.
            RuntimeError: ``connection_lost`` has been called.
        """
        source = addr or self._remote
        if source is None:
            raise ValueError("a datagram comes from an address")
        self._arrive((bytes(data), source))

    def fail(self, exc: OSError) -> None:
        """Let the network report an error, such as ``ConnectionRefusedError``: ``error_received`` is called.

        Raises:
            RuntimeError: ``connection_lost`` has been called.
        """
        self._arrive(exc)

    # Within.

    def _arrive(self, what: tuple[bytes, Address] | Exception) -> None:
        if self._lost:
            raise RuntimeError("feed() or fail() after connection_lost()")
        if self._begun:
            self._soon(self._deliver, what)
        else:
            self._early.append(what)

    def _begin(self) -> None:
        super()._begin()
        for what in self._early:
            self._soon(self._deliver, what)

    def _deliver(self, what: tuple[bytes, Address] | Exception) -> None:
        protocol = cast(asyncio.DatagramProtocol, self._protocol)
        if self._closing:
            return
        if isinstance(what, Exception):
            protocol.error_received(what)
        else:
            protocol.datagram_received(*what)

    def _unsent(self) -> bool:
        return bool(self._queue)

    def _discard(self) -> None:
        self._queue.clear()

    def _leave(self) -> None:
        while self._queue and self._room != 0:
            self.sent.append(self._queue.popleft())
            if self._room is not None:
                self._room -= 1
        self._news.set()

    def _flush(self) -> None:
        self._leave()
        self._emptied()
