"""A server on any layer and address, and clients that are made of none of the layers' code."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
import pytest_asyncio

import netkit
from netkit.endpoints import Endpoint
from netkit.service import Conn, Effects, Service

if TYPE_CHECKING:
    from tests.conftest import Place

#: Seconds until a wait for a peer counts as failed.
PATIENCE = 20.0

#: Bytes in one write. With TLS, a write of any size goes to the transport below at once, and ``drain`` is content.
PIECE = 64 * 1024

#: A close with this is a reset (socket(7)).
LINGER_RESET = struct.pack("ii", 1, 0)


class Client:
    """One connection to a server, through asyncio's own streams."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Write it piece by piece, and wait while the server takes it too slowly."""
        async with asyncio.timeout(PATIENCE):
            for start in range(0, len(data), PIECE):
                self.writer.write(data[start : start + PIECE])
                await self.writer.drain()

    async def read(self, size: int) -> bytes:
        """So many bytes, or fewer if the connection ends."""
        async with asyncio.timeout(PATIENCE):
            try:
                return await self.reader.readexactly(size)
            except asyncio.IncompleteReadError as end:
                return end.partial

    async def line(self) -> bytes:
        """Up to and with the next LF."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.readline()

    async def lines(self, count: int) -> list[bytes]:
        """Some lines."""
        return [await self.line() for _ in range(count)]

    async def rest(self) -> bytes:
        """All until the server ends its side."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read()

    async def cut(self) -> bool:
        """Read on, and tell whether the connection ends with a reset (True) or is closed in order."""
        try:
            await self.rest()
        except ConnectionError:
            return True
        return False

    def end(self) -> None:
        """Finish sending, which TLS cannot."""
        self.writer.write_eof()

    def reset(self) -> None:
        """Break off."""
        sock: socket.socket = self.writer.get_extra_info("socket")
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
        self.writer.transport.abort()

    async def close(self) -> None:
        """Leave; what was not read is thrown away."""
        self.writer.transport.abort()
        try:
            await self.writer.wait_closed()
        except OSError:
            return  # the server was quicker


class Recorder(Service):
    """Stands in front of a service and writes down what it is told.

    Attributes:
        told: how often each event came.
        conns: every connection, in the order in which they came.
        now: what the clock said last.
    """

    def __init__(self, inner: Service | None = None) -> None:
        self.inner = inner or Service()
        self.idle = self.inner.idle
        self.small_buffers = self.inner.small_buffers
        self.told: Counter[str] = Counter()
        self.conns: list[Conn] = []
        self.now = 0.0
        self._news = asyncio.Event()

    async def until(self, event: str, times: int = 1) -> None:
        """Wait until the service was told of an event so many times."""
        async with asyncio.timeout(PATIENCE):
            while self.told[event] < times:
                self._news.clear()
                await self._news.wait()

    def _note(self, event: str, now: float) -> None:
        assert now >= self.now
        self.now = now
        self.told[event] += 1
        self._news.set()

    def opened(self, conn: Conn, now: float) -> Effects:
        self._note("opened", now)
        self.conns.append(conn)
        return self.inner.opened(conn, now)

    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        assert type(data) is bytes
        assert data
        self._note("received", now)
        return self.inner.received(conn, data, now)

    def ended(self, conn: Conn, now: float) -> Effects:
        self._note("ended", now)
        return self.inner.ended(conn, now)

    def paused(self, conn: Conn, now: float) -> Effects:
        self._note("paused", now)
        return self.inner.paused(conn, now)

    def resumed(self, conn: Conn, now: float) -> Effects:
        self._note("resumed", now)
        return self.inner.resumed(conn, now)

    def lost(self, conn: Conn, now: float) -> Effects:
        self._note("lost", now)
        return self.inner.lost(conn, now)

    def woken(self, now: float) -> Effects:
        self._note("woken", now)
        return self.inner.woken(now)

    def recalled(self, query: object, found: object, now: float) -> Effects:
        self._note("recalled", now)
        return self.inner.recalled(query, found, now)

    def stopping(self, now: float) -> Effects:
        self._note("stopping", now)
        return self.inner.stopping(now)

    def refused(self, reason: str) -> bytes:
        self._note("refused", self.now)
        return self.inner.refused(reason)


@pytest.fixture(scope="session")
def recorder() -> Callable[[Service | None], Recorder]:
    """Makes recorders."""
    return Recorder


class Site:
    """A server that runs, and everybody who is connected to it."""

    def __init__(self, server: netkit.Server, places: tuple[Place, ...], running: AsyncExitStack) -> None:
        self.server = server
        self.places = places
        self.clients: list[Client] = []
        self._running = running

    @property
    def endpoint(self) -> Endpoint:
        """The first address it listens on."""
        return self.server.endpoints[0]

    def knock(self, number: int = 0, buffers: int | None = None) -> tuple[socket.socket, tuple[str, int] | str]:
        """A socket for the address of that number, and what to connect it to; ``buffers``: its kernel buffers."""
        to = self.server.endpoints[number]
        if to.scheme == "unix":
            sock = socket.socket(socket.AF_UNIX)
        else:
            sock = socket.socket(socket.AF_INET6 if ":" in to.host else socket.AF_INET)
        if buffers is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffers)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffers)
        return sock, to.path or (to.host, to.port)

    async def connect(self, number: int = 0, *, buffers: int | None = None) -> Client:
        """Connect to the address of that number, with TLS where it is spoken there."""
        sock, address = self.knock(number, buffers)
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, address)
        except OSError:
            sock.close()
            raise
        return await self.talk(sock, self.places[number].client_tls)

    async def talk(self, sock: socket.socket, tls: ssl.SSLContext | None = None) -> Client:
        """Make a client of a connected socket."""
        async with asyncio.timeout(PATIENCE):
            if sock.family == socket.AF_UNIX:
                reader, writer = await asyncio.open_unix_connection(sock=sock)
            elif tls is not None:
                reader, writer = await asyncio.open_connection(sock=sock, ssl=tls, server_hostname="localhost")
            else:
                reader, writer = await asyncio.open_connection(sock=sock)
        client = Client(reader, writer)
        self.clients.append(client)
        return client

    async def empty(self) -> None:
        """Wait until everybody who had connected until now is gone, those included who never said anything."""
        # The kernel hands out connections in the order in which they came: after this one there are no earlier ones.
        await (await self.connect()).close()
        async with asyncio.timeout(PATIENCE):
            await self.server._delivery.empty.wait()

    async def stop(self) -> float:
        """Stop the server while everybody stays, and tell how many seconds it took."""
        clock = asyncio.get_running_loop().time
        begun = clock()
        await self._running.aclose()
        return clock() - begun

    async def clear(self) -> None:
        """Everybody leaves, then the server stops."""
        for client in self.clients:
            await client.close()
        await self._running.aclose()


class Serve(Protocol):
    """What the fixture ``serve`` is."""

    async def __call__(
        self,
        service: Service,
        *places: Place,
        limits: netkit.Limits | None = None,
        storage: netkit.Storage | None = None,
    ) -> Site:
        """Start a server on these places: on TCP if there are none."""


@pytest_asyncio.fixture
async def serve(layer: str, tcp: Place) -> AsyncIterator[Serve]:
    """Starts servers on the layer of this test, and takes them away at its end."""
    sites: list[Site] = []

    async def start(
        service: Service,
        *places: Place,
        limits: netkit.Limits | None = None,
        storage: netkit.Storage | None = None,
    ) -> Site:
        places = places or (tcp,)
        running = AsyncExitStack()
        tls = next((place.server_tls for place in places if place.server_tls is not None), None)
        listen = [place.listen for place in places]
        server = await running.enter_async_context(
            netkit.serve(service, listen=listen, layer=layer, limits=limits, tls=tls, storage=storage)
        )
        site = Site(server, places, running)
        sites.append(site)
        return site

    yield start
    for site in sites:
        await site.clear()


@pytest.fixture
def tcp(new_place: Callable[[str, Path], Place]) -> Place:
    """TCP on loopback."""
    return new_place("tcp", Path())


@pytest.fixture
def all_places(new_place: Callable[[str, Path], Place], short_path: Path) -> list[Place]:
    """TCP, a Unix socket and TLS, for one server."""
    return [new_place(kind, short_path) for kind in ("tcp", "unix", "tls")]
