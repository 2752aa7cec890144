"""One way to drive a transport, be it in memory or on a socket: what its peer does, and a protocol that writes down."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias, cast

from netkit.testing import MemoryTransport

#: Seconds until a wait counts as failed.
PATIENCE = 20.0

#: Turns of the loop after which all has happened that can happen: a socket of a pair is readable at once.
TURNS = 5

#: Bytes in each write that clogs a connection.
PIECE = 4096

#: Most bytes that the kernel may keep for a peer that does not read.
KERNEL = 64 * PIECE


async def turns(count: int = TURNS) -> None:
    """Let the loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)


class Calls(asyncio.BaseProtocol):
    """Writes down what is called, and does at some calls what it is told to.

    Attributes:
        calls: the calls in their order, data joined where it came in several.
        data: all bytes.
        keep_open: what ``eof_received`` returns.
        at: what to do at a call, by its name.
    """

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.calls: list[object] = []
        self.data = bytearray()
        self.pieces: list[int] = []
        self.exc: Exception | None = None
        self.keep_open = False
        self.at: dict[str, Callable[[], object]] = {}
        self._news = asyncio.Event()

    async def until(self, call: str) -> None:
        """Wait for a call."""
        await self.when(lambda: call in self.calls)

    async def when(self, true: Callable[[], bool]) -> None:
        """Wait until this is true, looking after each call."""
        async with asyncio.timeout(PATIENCE):
            while not true():
                self._news.clear()
                await self._news.wait()

    async def has(self, size: int) -> None:
        """Wait for so many bytes."""
        await self.when(lambda: len(self.data) >= size)

    def called(self, name: str) -> None:
        if name != "data" or self.calls[-1:] != ["data"]:
            self.calls.append(name)
        self._news.set()
        if name in self.at:
            self.at[name]()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.called("made")

    def arrived(self, data: bytes) -> None:
        assert type(data) is bytes
        assert data
        self.data += data
        self.pieces.append(len(data))
        self.called("data")

    def eof_received(self) -> bool:
        self.called("eof")
        return self.keep_open

    def pause_writing(self) -> None:
        self.called("pause")

    def resume_writing(self) -> None:
        self.called("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.exc = exc
        self.called("lost")


class Record(Calls, asyncio.Protocol):
    """The protocol of most tests."""

    def data_received(self, data: bytes) -> None:
        self.arrived(data)


class Buffered(Calls, asyncio.BufferedProtocol):
    """The same, which is read into a buffer of its own."""

    def __init__(self, size: int = 4) -> None:
        super().__init__()
        self.buffer = bytearray(size)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.arrived(bytes(self.buffer[:nbytes]))


class Rig(Protocol):
    """A transport, and what its peer does.

    Attributes:
        kind: memory, asyncio or uvloop.
        transport: what is tested.
    """

    @property
    def kind(self) -> str: ...

    @property
    def transport(self) -> asyncio.Transport: ...

    def feed(self, data: bytes) -> None:
        """The peer sends a few bytes."""

    def feed_eof(self) -> None:
        """The peer ends its side."""

    def reset(self) -> None:
        """The peer breaks off. Something must have been written to it."""

    def clog(self) -> int:
        """Write until some of it waits, and tell how many bytes were written."""

    async def rest(self) -> bytes:
        """The peer reads until there is no more: all that came to it, from the beginning on."""

    async def read(self, size: int) -> bytes:
        """The peer reads until so many bytes have come to it, from the beginning on."""


class InMemory:
    kind = "memory"

    def __init__(self, transport: MemoryTransport) -> None:
        self.transport = transport
        self.feed = transport.feed
        self.feed_eof = transport.feed_eof
        self.reset = transport.reset

    def clog(self) -> int:
        self.transport.stall()
        self.transport.write(bytes(PIECE))
        return PIECE

    async def rest(self) -> bytes:
        self.transport.release()
        await self.transport.settled()
        assert self.transport.sent_eof
        return self.transport.sent

    async def read(self, size: int) -> bytes:
        self.transport.release()
        async with asyncio.timeout(PATIENCE):
            return await self.transport.wait_sent(size)


class OnSocket:
    def __init__(self, transport: asyncio.Transport, peer: socket.socket) -> None:
        self.kind = type(asyncio.get_running_loop()).__module__.split(".")[0]
        self.transport = transport
        self.peer = peer
        self.got = bytearray()

    def feed(self, data: bytes) -> None:
        assert self.peer.send(data) == len(data)

    def feed_eof(self) -> None:
        self.peer.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        assert self.peer.recv(1, socket.MSG_PEEK)  # closed with these unread, the socket breaks off
        self.peer.close()

    def clog(self) -> int:
        written = 0
        while not self.transport.get_write_buffer_size():
            self.transport.write(bytes(PIECE))
            written += PIECE
        return written

    async def rest(self) -> bytes:
        while await self._more():
            pass
        return bytes(self.got)

    async def read(self, size: int) -> bytes:
        while len(self.got) < size:
            assert await self._more()
        return bytes(self.got)

    async def _more(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            piece = await asyncio.get_running_loop().sock_recv(self.peer, KERNEL)
        self.got += piece
        return piece


#: Gives a protocol its transport.
Connect: TypeAlias = Callable[[asyncio.BaseProtocol], Awaitable[Rig]]
