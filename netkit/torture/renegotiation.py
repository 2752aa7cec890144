"""A client of TLS 1.2 that renegotiates, which the ``ssl`` of Python cannot ask for. Needs pyOpenSSL."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from OpenSSL import SSL

from .peer import OPEN, PATIENCE, Peer


class Refused(Exception):
    """The server will not: an alert came, or the end. The message says which."""


class Renegotiating:
    """TLS over a connection without any: it is encrypted here.

    Args:
        peer: that connection.
    """

    def __init__(self, peer: Peer) -> None:
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
        self.peer = peer
        self._tls = SSL.Connection(context, None)
        self._tls.set_connect_state()
        self._taken = 0

    async def shake(self) -> bool:
        """The first handshake. Whether it was answered in time.

        Raises:
            Refused: it was not granted.
        """
        return await self._until(self._shaken)

    async def again(self) -> bool:
        """A handshake in the middle of it. Whether it was answered in time.

        Raises:
            Refused: it was not granted.
        """
        self._tls.renegotiate()
        return await self._until(self._renegotiated)

    def _shaken(self) -> bool:
        with suppress(SSL.WantReadError):
            self._tls.do_handshake()
            return True
        return False

    def _renegotiated(self) -> bool:
        # A read does the handshake, and takes what others say in the middle of it, which do_handshake does not.
        with suppress(SSL.WantReadError):
            while True:
                self._tls.recv(16 * 1024)
        return not self._tls.renegotiate_pending()

    async def _until(self, step: Callable[[], bool]) -> bool:
        """Take a step again and again until it is done, each time with what has come from the server meanwhile."""
        while True:
            try:
                done = step()
            except SSL.Error as why:
                raise Refused(reason(why)) from None
            with suppress(SSL.WantReadError):
                await self.peer.send(self._tls.bio_read(64 * 1024))
            if done:
                return True
            if not await self.peer.wait(lambda: self.peer.received > self._taken, PATIENCE):
                if self.peer.state != OPEN:
                    raise Refused(f"the connection is {self.peer.state}")
                return False
            self._tls.bio_write(bytes(self.peer.heard[self._taken - self.peer.received :]))
            self._taken = self.peer.received


def reason(why: SSL.Error) -> str:
    """What OpenSSL says of it."""
    found = why.args[0] if why.args else None
    return str(found[0][2]) if found else "the connection was closed"
