"""A session: what is kept of one connection on any tier, from accept to its end."""

from __future__ import annotations

import asyncio
import socket
from typing import Protocol

from .. import endpoints
from .admission import Address

#: The state of a connection whose peer has ended it, and we have not (RFC 9293, 3.3.2; TCP_CLOSE_WAIT in Linux).
CLOSE_WAIT = 8


class Connection(Protocol):
    """What the delivery asks of a layer's connection. None of these may block, and only ``finish`` may raise."""

    def write(self, data: bytes) -> None:
        """Queue bytes for the peer, and see to it that ``Delivery.paused`` is called if too many wait then."""

    def hold(self) -> None:
        """Stop reading."""

    def release(self) -> None:
        """Read again."""

    def finish(self) -> None:
        """Write out what is queued, then end our side; once the peer has ended its own, close.

        Raises:
            OSError: the peer is gone, and ending our side is how we find out.
        """


class Gone:
    """Stands for a connection that is gone: nothing that is asked of it has any effect."""

    __slots__ = ()

    def write(self, data: bytes) -> None:
        """Nobody is there to get it."""

    def hold(self) -> None:
        """Nothing comes any more."""

    def release(self) -> None:
        """Nothing comes any more."""

    def finish(self) -> None:
        """It has ended."""


GONE = Gone()


class Session:
    """One connection from accept to its end: what a service knows it by, and what the delivery keeps for it."""

    __slots__ = (
        "aborted",
        "address",
        "closing",
        "connection",
        "detail",
        "ended",
        "handshake",
        "held",
        "key",
        "lost",
        "outbox",
        "scheme",
        "seen",
        "stalled",
        "timer",
        "transport",
    )

    # The tier's own, from ``Delivery.opened`` on.
    connection: Connection
    transport: asyncio.WriteTransport

    def __init__(
        self, scheme: str, address: Address, key: str | None, handshake: asyncio.Task[None] | None, now: float
    ) -> None:
        self.scheme = scheme
        self.address = address
        # What its place is counted under, see ``Admission.take``.
        self.key = key
        # What goes on before ``Delivery.opened``. Afterwards None.
        self.handshake = handshake
        # Bytes of this turn that are not yet written.
        self.outbox: list[bytes] = []
        # When the last byte arrived, by the loop's clock.
        self.seen = now
        # More waits for the peer than the high mark, and not yet less than the low one.
        self.stalled = False
        # The peer has finished sending. From then on its transport is neither paused nor resumed: asyncio would read
        # the end once more.
        self.ended = False
        # A Hold is in force.
        self.held = False
        # Why it is being closed, one word, empty until then. Its input is thrown away from then on.
        self.closing = ""
        # What the log has to say beyond that word.
        self.detail = ""
        # It was told to go at once. Told twice, the transport of a pipe would trip over itself.
        self.aborted = False
        # The end of a Hold, or of the time to write out what is queued.
        self.timer: asyncio.TimerHandle | None = None
        # It is gone, and its transport must not be asked for anything any more.
        self.lost = False

    @property
    def peer(self) -> str:
        """The other side as text, see ``service.Conn``."""
        return endpoints.show(self.scheme, self.address)

    @property
    def local(self) -> bool:
        """Whether it is exempt from limits for strangers, see ``service.Conn``."""
        return self.key is None

    @property
    def host(self) -> str:
        """The address it came from as text, see ``service.Conn``."""
        return endpoints.host(self.address)

    @property
    def waiting(self) -> int:
        """Bytes in its outbox and its transport, see ``service.Conn``.

        Over TLS asyncio tells only what waits to be encrypted. Below, there may be 64 KiB more, and one write of ours.
        """
        if self.lost or self.handshake is not None:
            return 0
        return self.transport.get_write_buffer_size() + sum(map(len, self.outbox))

    @property
    def left(self) -> bool:
        """Whether the peer has left that is not read from, over TLS, where asyncio tells the end only to who reads.

        Until then it throws away what is written, and logs each write. The kernel knows (tcp(7), TCP_INFO; Linux).
        """
        if self.scheme != "tls" or not hasattr(socket, "TCP_INFO"):
            return False
        try:
            sock = self.transport.get_extra_info("socket")
            state: bytes = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
        except OSError:
            return False  # it is broken, which the loop finds itself
        return state[0] == CLOSE_WAIT

    @property
    def ending(self) -> str:
        """Why it ends, see ``service.Conn``."""
        return self.closing

    def let_go(self) -> None:
        """Forget the tier's connection, which refers to the session too: both would stay until the garbage collector
        comes by, and with them all buffers of the transport: over TLS, asyncio has 256 KiB for each.
        """
        self.connection = GONE

    def __repr__(self) -> str:
        return f"<{self.peer}>"
