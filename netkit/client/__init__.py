"""A client for one peer, on each tier of asyncio. Read two of the tiers side by side with ``diff``.

===========  ====  ================================================================================
transports   7     ``loop.sock_connect``, and a transport held in the hand
protocols    8     ``loop.create_connection``, and callbacks on an object
streams      9     ``asyncio.open_connection``, ``await reader.read()``, ``await writer.drain()``
===========  ====  ================================================================================

Each module holds a ``Connection``, with the same names in the same order; for UDP the same three are in ``datagrams``.
What does not depend on the tier stands beside them, one noun a file:

session       from what was asked for to its end: the loop, signals, what is read and written
conversation  both directions at once, and what ends them
route         how a peer is reached
dialect       what goes over the wire: bytes as they are, or telnet; how lines end
source, sink  standard input and output, and the ``worker`` who waits for them: a thread
editor        both on a terminal, where what arrives does not tear what is being typed
text          what may be shown on a terminal
hexdump       what passed, in both directions
patience      how long a silence is borne
"""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

from .route import Route

NAMES = ("transports", "protocols", "streams")


class Connection(Protocol):
    """What every tier offers: the connection to one peer."""

    async def open(self) -> None:
        """Connect, and shake hands where TLS is asked for.

        Raises:
            OSError: it cannot be done.
        """

    async def send(self, data: bytes) -> None:
        """Send, and wait while too much is waiting to be written.

        Raises:
            OSError: the connection is gone.
        """

    async def receive(self) -> bytes | None:
        """What has arrived: some bytes, or one datagram; None once the peer has ended its side.

        Raises:
            OSError: the connection broke.
        """

    def finish(self) -> None:
        """End our side after what is queued, where that can be done without ending both."""

    def abort(self) -> None:
        """End both sides at once, whatever is queued."""

    async def close(self) -> None:
        """End both sides after what is queued, and wait until that is done."""


class Tier(Protocol):
    """A module of this package or of ``datagrams``, as the session sees it."""

    def Connection(self, route: Route) -> Connection:
        """Make the connection that ``open`` opens."""


def load(layer: str, scheme: str) -> Tier:
    """The client of that layer, for connections or for datagrams.

    Raises:
        ValueError: there is no such layer.
    """
    if layer not in NAMES:
        raise ValueError(f"no layer is called {layer!r}: choose one of {', '.join(NAMES)}")
    tier: Tier = import_module(f".datagrams.{layer}" if scheme == "udp" else f".{layer}", __name__)
    return tier
