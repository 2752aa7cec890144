"""A server without a socket: a service on any of the three layers, and peers that are transports in memory.

Each layer is driven where it gets a connection from the loop: tier 8 by its protocol factory, tier 9 by the callback
of ``StreamReaderProtocol``, and tier 7, which accepts by hand, by the loop's ``connect_accepted_socket``. All that
follows is the layer's own. What is left out is accepting itself, and TLS.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

from .. import layers
from ..layers import protocols, streams, transports
from ..layers.delivery import Delivery
from ..layers.session import Connection, Session
from ..limits import Limits
from ..service import Service, Storage
from .transport import MemoryTransport

#: Where peers come from unless it is said: what a server sees of those who try it out on one machine.
PEER = ("127.0.0.1", 50312)

#: No listener of these is ever started, so none looks at its socket.
NO_SOCKET = cast(socket.socket, None)


class _Peer(MemoryTransport):
    """A connection of the server. Once the server stops its peer is a polite one: it answers the end with its own."""

    polite = False
    known = False

    def _send_end(self) -> None:
        super()._send_end()
        if self.polite:
            self.hang_up()

    def hang_up(self) -> None:
        """End the peer's side, if it has not."""
        if not (self._lost or self._end_fed or self._read_fault):
            self.feed_eof()

    def meet(self) -> None:
        """The service was told of it."""
        self.known = True
        self._news.set()

    async def wait_known(self) -> None:
        """Wait until the service was told of it, or it was turned away."""
        while not self.known and not self._lost:
            self._news.clear()
            await self._news.wait()

    def settle_up(self) -> None:
        """Become polite, and take what waits."""
        self.polite = True
        self.release()
        if self._end_sent:
            self.hang_up()

    # What tier 7 does to a socket that it turns away.

    def send(self, data: bytes) -> None:
        """Send at once."""
        self.write(data)

    def __enter__(self) -> _Peer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.attach(asyncio.Protocol())
        self.close()


class _Loop:
    """The running loop, but for one method: it makes a transport of what takes the place of a socket."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    async def connect_accepted_socket(
        self, factory: Callable[[], asyncio.BaseProtocol], sock: _Peer, **options: object
    ) -> None:
        """See ``asyncio.loop.connect_accepted_socket``."""
        sock.attach(factory())


class _Delivery(Delivery):
    """A delivery that says when a connection is there."""

    def opened(self, session: Session, connection: Connection, transport: asyncio.WriteTransport) -> None:
        super().opened(session, connection, transport)
        cast(_Peer, transport).meet()


class MemoryServer:
    """A server in memory. Comes from ``serve_in_memory``."""

    def __init__(self, service: Service, layer: str, limits: Limits, storage: Storage | None = None) -> None:
        self._delivery = _Delivery(service, limits, storage)
        self._delivery.loop = cast(asyncio.AbstractEventLoop, _Loop(self._delivery.loop))
        self._listener = layers.load(layer).Listener(NO_SOCKET, self._delivery, None)
        if isinstance(self._listener, transports.Listener):
            self._listener.sweep()
        self._peers: list[_Peer] = []

    @property
    def connections(self) -> int:
        """How many connections are there."""
        return len(self._delivery.sessions)

    async def wait(self) -> None:
        """Wait until the service answers with ``Stop``."""
        await self._delivery.stop_asked.wait()

    async def connect(self, peer: tuple[str, int] = PEER) -> MemoryTransport:
        """Let somebody connect.

        Args:
            peer: the address it comes from. From loopback it is exempt from the limits for strangers.

        Returns:
            The server's transport, once the service was told of it or it was turned away. Its controls are the peer's
            hands: ``feed`` is what the peer sends, ``sent`` what has come to it; ``stall``, and it reads no more.
        """
        transport = _Peer(extra={"peername": peer})
        self._peers.append(transport)
        self._accept(transport, peer)
        await transport.wait_known()
        return transport

    def _accept(self, transport: _Peer, peer: tuple[str, int]) -> None:
        match self._listener:
            case transports.Listener() as listener:
                sock = cast(socket.socket, transport)
                self._delivery.start(transports.Connection(listener).opened(sock, peer))
            case protocols.Listener() as listener:
                transport.attach(listener.accept())
            case streams.Listener() as listener:
                reader = asyncio.StreamReader(streams.READ_SIZE)
                transport.attach(asyncio.StreamReaderProtocol(reader, listener.accept))

    async def _close(self) -> None:
        if isinstance(self._listener, transports.Listener) and self._listener.sweeper is not None:
            self._listener.sweeper.cancel()
        for peer in self._peers:
            peer.settle_up()
        await self._delivery.stop()


@asynccontextmanager
async def serve_in_memory(
    service: Service, *, layer: str = "streams", limits: Limits | None = None, storage: Storage | None = None
) -> AsyncIterator[MemoryServer]:
    """Serve on the running loop for as long as the ``async with`` block lasts, like ``netkit.serve`` but for sockets.

    Args:
        service: what the server does.
        layer: ``transports``, ``protocols`` or ``streams``.
        limits: every bound; the defaults where it is not given.
        storage: where the service's ``Store`` and ``Recall`` go. It is closed in the end.

    Leaving the block lets every peer read again, then stops the server as ``netkit.serve`` does: a peer answers the end
    of the server's side with its own, so that nothing takes time.

    Raises:
        ValueError: there is no such layer.
    """
    server = MemoryServer(service, layer, limits or Limits(), storage)
    try:
        yield server
    finally:
        await server._close()
