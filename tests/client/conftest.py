"""A client whose ends are in the hand of the test, on each tier and loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import chain, repeat

from netkit.client import Connection, load
from netkit.client.conversation import Conversation
from netkit.client.dialect import Dialect
from netkit.client.route import Route

#: Seconds until a wait counts as failed.
PATIENCE = 20.0


class Typed:
    """A source: these pieces so many times, and then the end, or whatever ``types`` says.

    Attributes:
        taken: bytes that were asked for and given.
    """

    def __init__(self, *pieces: bytes, times: int = 1, ends: bool = True, personal: bool = False) -> None:
        self.personal = personal
        self.taken = 0
        self._pieces = chain.from_iterable(repeat(pieces, times))
        self._more: asyncio.Queue[bytes] = asyncio.Queue()
        if ends:
            self.types(b"")

    def types(self, data: bytes) -> None:
        """What comes after that; nothing is the end."""
        self._more.put_nowait(data)

    async def read(self) -> bytes:
        data = next(self._pieces, None)
        if data is None:
            data = await self._more.get()
        self.taken += len(data)
        return data


class Shown:
    """A sink. While it is stalled, it takes nothing."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._news = asyncio.Event()

    def stall(self) -> None:
        self._flowing.clear()

    def release(self) -> None:
        self._flowing.set()

    async def write(self, data: bytes) -> None:
        await self._flowing.wait()
        self._pieces.append(data)
        self._news.set()

    @property
    def data(self) -> bytes:
        """All that was shown."""
        return b"".join(self._pieces)

    async def until(self, data: bytes) -> None:
        """Wait until this has been shown."""
        async with asyncio.timeout(PATIENCE):
            while data not in self.data:
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def connected(layer: str, route: Route) -> AsyncIterator[Connection]:
    """A connection that is open, and closed at the end."""
    connection = load(layer, route.endpoint.scheme).Connection(route)
    async with asyncio.timeout(PATIENCE):
        await connection.open()
    try:
        yield connection
    finally:
        connection.abort()
        async with asyncio.timeout(PATIENCE):
            await connection.close()


async def talk(layer: str, route: Route, source: Typed, sink: Shown, silence: float | None = None) -> None:
    """A whole conversation of bytes as they are, after which the connection is closed."""
    async with connected(layer, route) as connection, asyncio.timeout(PATIENCE):
        conversation = Conversation(
            connection,
            source,
            sink,
            Dialect(),
            peer=str(route.endpoint),
            silence=silence,
            silence_ends=silence is not None,
        )
        await conversation.hold()
        await connection.close()
