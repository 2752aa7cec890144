"""Accepting by hand, and TLS for the tiers whose own servers would hide a handshake until it is done.

``create_server(ssl=...)`` tells of a connection after its handshake: until then nobody counts it, and a peer that
never shakes hands is free. To accept without TLS and call ``start_tls`` afterwards counts in time, but uvloop reads
before a protocol can stop it, and the first bytes of the handshake are lost. So with TLS every layer accepts by hand.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, TypeAlias

from .admission import Address, Refused
from .delivery import Delivery
from .session import Session

log = logging.getLogger(__name__)

#: Seconds without accepting after a failure such as EMFILE: the waiting peer keeps the socket readable, and trying
#: again at once would only spin. asyncio's own servers pause as long.
ACCEPT_PAUSE = 1.0

#: Makes the protocol that takes over a session after its handshake.
Factory: TypeAlias = Callable[[Session], asyncio.BaseProtocol]


def by_hand(sock: socket.socket, tls: ssl.SSLContext | None) -> bool:
    """Whether no server of asyncio can accept: there is TLS, or the socket was accepted by somebody else."""
    return tls is not None or not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)


def on(sock: socket.socket) -> dict[str, Any]:
    """What a server of asyncio is told, to accept on a bound socket and leave the file of a Unix socket alone.

    From Python 3.13 on it would remove that file, also where systemd has made it. Ours is removed by ``Bound.release``.
    """
    if sock.family == socket.AF_UNIX and sys.version_info >= (3, 13):
        return {"sock": sock, "cleanup_socket": False}
    return {"sock": sock}


async def accepted(sock: socket.socket) -> AsyncIterator[tuple[socket.socket, Address]]:
    """Accept connections until ``stop``. While descriptors run out, those that are there go on being served.

    A socket that does not listen is a connection that somebody else has accepted, and the only one.
    """
    loop = asyncio.get_running_loop()
    if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        try:
            address = sock.getpeername()
        except OSError:
            return  # its peer has left
        yield sock, address
        return
    while True:
        try:
            connection = await loop.sock_accept(sock)
        except OSError as why:
            if why.errno == errno.EINVAL:
                return  # stopped
            log.warning("cannot accept connections for %g s: %s", ACCEPT_PAUSE, why.strerror)
            await asyncio.sleep(ACCEPT_PAUSE)
        else:
            yield connection
            # While others wait sock_accept returns at once: those that are there must have their turn too.
            await asyncio.sleep(0)


def stop(accepting: asyncio.Task[None], sock: socket.socket) -> None:
    """End a task that loops over ``accepted(sock)``.

    Not by cancelling it in the middle of ``sock_accept``: whoever was accepted in that very turn would be lost.
    """
    if accepting.done():  # it was a connection, which goes on
        return
    loop = accepting.get_loop()
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:  # Linux alone can shut down a socket that listens, and one that others have too is not ours to
        loop.remove_reader(sock)
        loop.call_soon(accepting.cancel)
        return
    if sock.family == socket.AF_UNIX:
        # Where TCP's accept now fails with EINVAL, this one would find nobody for ever: empty it, then cancel.
        with suppress(OSError):
            while True:
                sock.accept()[0].close()
        loop.call_soon(accepting.cancel)


class Handshakes:
    """Accepts on one socket, shakes hands where there is TLS, and hands each connection to a protocol."""

    def __init__(self, sock: socket.socket, delivery: Delivery, tls: ssl.SSLContext | None, factory: Factory) -> None:
        """Begin to accept on a socket that listens."""
        self.sock = sock
        self.delivery = delivery
        self.tls = tls
        self.factory = factory
        self.accepting = delivery.start(self.accept())

    async def accept(self) -> None:
        """Accept connections, and give each handshake a task of its own."""
        async for sock, address in accepted(self.sock):
            self.delivery.start(self.shake(sock, address))

    async def shake(self, sock: socket.socket, address: Address) -> None:
        """Take a place, shake hands, and leave the connection to its protocol."""
        try:
            session = self.delivery.admit("tls" if self.tls else "tcp", address, asyncio.current_task())
        except Refused:
            sock.close()
            return
        try:
            await self.delivery.loop.connect_accepted_socket(
                lambda: self.factory(session),
                sock,
                ssl=self.tls,
                ssl_handshake_timeout=self.delivery.limits.handshake if self.tls else None,
            )
        except (OSError, asyncio.CancelledError) as why:
            self.delivery.lost(session, why.with_traceback(None))  # frames of asyncio's keep it, and the transport

    def close(self) -> None:
        """Stop accepting."""
        stop(self.accepting, self.sock)
