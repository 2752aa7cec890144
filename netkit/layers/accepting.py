"""Accepting by hand, and TLS for the tiers whose own servers would hide a handshake until it is done.

``create_server(ssl=...)`` tells of a connection after its handshake: until then nobody counts it, and a peer that
never shakes hands is free. To accept without TLS and call ``start_tls`` afterwards counts in time, but uvloop reads
before a protocol can stop it, and the first bytes of the handshake are lost. So with TLS every layer accepts by hand.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

from .admission import Address, Refused
from .delivery import Delivery
from .session import Session

log = logging.getLogger(__name__)

#: Seconds without accepting after a failure such as EMFILE: the waiting peer keeps the socket readable, and trying
#: again at once would only spin. asyncio's own servers pause as long.
ACCEPT_PAUSE = 1.0

#: Makes the protocol that takes over a session after its handshake.
Factory: TypeAlias = Callable[[Session], asyncio.BaseProtocol]


async def accepted(sock: socket.socket) -> AsyncIterator[tuple[socket.socket, Address]]:
    """Accept connections for ever. While descriptors run out, those that are there go on being served."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            connection = await loop.sock_accept(sock)
        except OSError as why:
            log.warning("cannot accept connections for %g s: %s", ACCEPT_PAUSE, why.strerror)
            await asyncio.sleep(ACCEPT_PAUSE)
        else:
            yield connection
            # While others wait sock_accept returns at once: those that are there must have their turn too.
            await asyncio.sleep(0)


class Handshakes:
    """Accepts on one socket, shakes hands, and hands each connection to a protocol."""

    def __init__(self, sock: socket.socket, delivery: Delivery, tls: ssl.SSLContext, factory: Factory) -> None:
        """Begin to accept on a bound socket, which is closed in the end."""
        self.sock = sock
        self.delivery = delivery
        self.tls = tls
        self.factory = factory
        sock.listen(delivery.limits.backlog)
        self.accepting = delivery.loop.create_task(self.accept())
        self.accepting.add_done_callback(lambda _: sock.close())

    async def accept(self) -> None:
        """Accept connections, and give each handshake a task of its own."""
        async for sock, address in accepted(self.sock):
            self.delivery.start(self.shake(sock, address))

    async def shake(self, sock: socket.socket, address: Address) -> None:
        """Take a place, shake hands, and leave the connection to its protocol."""
        try:
            session = self.delivery.admit("tls", address, asyncio.current_task())
        except Refused:
            sock.close()
            return
        try:
            await self.delivery.loop.connect_accepted_socket(
                lambda: self.factory(session),
                sock,
                ssl=self.tls,
                ssl_handshake_timeout=self.delivery.limits.handshake,
            )
        except (OSError, asyncio.CancelledError) as why:
            self.delivery.lost(session, why)

    def close(self) -> None:
        """Stop accepting, and close the listening socket."""
        self.accepting.cancel()
