"""A crowd in a chat: most are well-behaved, and some do not read, break off, or send without end.

Whoever is well-behaved knows what it must get: every line of every other one of them, once, in the order in which it
was said. Each line tells who says it and how many it has said before: ``h17 5 xxx``.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

#: A close with this is a reset (socket(7)).
LINGER_RESET = struct.pack("ii", 1, 0)

#: As small as the kernel makes it: who does not read is soon found out.
SMALL = 4 * 1024

#: What makes a line as long as those that people write when they have something to say.
PADDING = "x" * 400


class Healthy(asyncio.Protocol):
    """Somebody who talks, reads and counts.

    Args:
        number: its own.
        heard: is called after each line that it gets from one of its kind.
    """

    def __init__(self, number: int, heard: Callable[[], None]) -> None:
        self.number = number
        self.said = 0
        #: How many lines of each other one came, and what was wrong with them.
        self.got: dict[int, int] = {}
        self.faults: list[str] = []
        self.lost = False
        self.welcome = asyncio.get_running_loop().create_future()
        self._heard = heard
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See ``asyncio.BaseProtocol``."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if not self.welcome.done():
            self.welcome.set_result(None)
        for line in lines:
            prefix, _, text = line.partition(b"> h")
            if text and prefix.startswith(b"<"):
                number, count, _ = text.split(b" ", 2)
                self._take(int(number), int(count))
            elif line.startswith(b"*** you missed"):
                self.faults.append(line.decode())

    def _take(self, number: int, count: int) -> None:
        before = self.got.get(number, 0)
        if count != before + 1:
            self.faults.append(f"h{self.number} got line {count} of h{number} after line {before}")
        self.got[number] = count
        self._heard()

    def connection_lost(self, exc: Exception | None) -> None:
        """See ``asyncio.BaseProtocol``."""
        self.lost = True

    def say(self) -> None:
        """Say the next line."""
        self.said += 1
        self.transport.write(f"h{self.number} {self.said} {PADDING}\n".encode())


class Crowd:
    """Everybody who is connected to one server.

    Args:
        port: of the server, on loopback.
        size: how many people; one in twenty of them does not read, one breaks off, and one sends without end.
        seed: for who talks when.
    """

    def __init__(self, port: int, size: int, seed: int) -> None:
        self.port = port
        self.bad = size // 20
        self.healthy: list[Healthy] = []
        self._size = size - 3 * self.bad
        self._random = random.Random(seed)
        self._tasks: list[asyncio.Task[None]] = []
        self._news = asyncio.Event()

    async def come(self) -> None:
        """Let the well-behaved in, and wait until each of them is greeted."""
        loop = asyncio.get_running_loop()
        for number in range(self._size):
            factory = partial(Healthy, number, self._news.set)
            _, one = await loop.create_connection(factory, "127.0.0.1", self.port)
            self.healthy.append(one)
        for one in self.healthy:
            await one.welcome

    def disturb(self) -> None:
        """Let the others do their worst, until all leave."""
        for number in range(self.bad):
            for worst in (self._stall(), self._break_off(number), self._flood(number)):
                self._tasks.append(asyncio.create_task(worst))

    async def talk(self, seconds: float, rate: float) -> None:
        """Let the well-behaved say ``rate`` lines a second, all together and in turn."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        order = self._random.sample(self.healthy, len(self.healthy))
        turns = int(seconds * rate)
        for turn in range(turns):
            await asyncio.sleep(began + turn / rate - loop.time())
            order[turn % len(order)].say()

    async def all_heard(self, patience: float) -> None:
        """Wait until everybody well-behaved has got all that the others have said."""
        async with asyncio.timeout(patience):
            while self.missing():
                self._news.clear()
                await self._news.wait()

    def missing(self) -> int:
        """How many lines have not come to whom they should have come."""
        said = sum(one.said for one in self.healthy)
        return sum(said - one.said - sum(one.got.values()) for one in self.healthy)

    async def leave(self) -> None:
        """Everybody goes."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for one in self.healthy:
            one.transport.abort()

    async def _socket(self, receive: int | None = None) -> socket.socket:
        sock = socket.socket()
        sock.setblocking(False)
        if receive is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        except BaseException:
            sock.close()
            raise
        return sock

    async def _stall(self) -> None:
        """Read nothing, and come back when the server has had enough of that."""
        while True:
            with await self._socket(SMALL) as sock:
                await self._cut(sock)

    async def _cut(self, sock: socket.socket) -> None:
        """Wait until the server cuts the connection, without reading from it."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                # An empty line costs the server nothing, and fails once the connection is gone.
                await loop.sock_sendall(sock, b"\n")
            except OSError:
                return
            await asyncio.sleep(1.0)

    async def _break_off(self, number: int) -> None:
        """Come, talk, and break off with a reset, again and again."""
        loop = asyncio.get_running_loop()
        said = 0
        while True:
            with await self._socket() as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
                said += 1
                await loop.sock_sendall(sock, f"r{number} {said}\nhalf a line".encode())
                await asyncio.sleep(self._random.uniform(0.5, 2.0))

    async def _flood(self, number: int) -> None:
        """Send as much as the server takes, and read all that comes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        reading = asyncio.create_task(_drained(reader))
        try:
            said = 0
            while True:
                lines: Sequence[str] = [f"f{number} {said + each}" for each in range(100)]
                said += len(lines)
                writer.write("".join(f"{line}\n" for line in lines).encode())
                await writer.drain()
        finally:
            reading.cancel()
            writer.transport.abort()


async def _drained(reader: asyncio.StreamReader) -> None:
    while await reader.read(64 * 1024):
        pass
