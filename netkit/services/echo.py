"""Echo (RFC 862): what comes in goes out again, byte for byte.

Nothing is read into the bytes: no lines, no telnet. A peer that does not read what it is sent is not read
from either, so what waits for it stays bounded and no byte is lost. A datagram comes back as one.
"""

from __future__ import annotations

import math

from ..service import Conn, Effects, Hold, Service


class Echo(Service):
    """The echo service of RFC 862, transparent to every byte."""

    # As long as Postfix waits for a silent peer (smtpd_timeout).
    idle = 300.0

    datagrams = True
    workers = True

    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        """Send the same bytes back."""
        return (data,)

    def paused(self, conn: Conn, now: float) -> Effects:
        """Stop reading: back pressure from the peer's reading side reaches its writing side."""
        return (Hold(conn, math.inf),)

    def resumed(self, conn: Conn, now: float) -> Effects:
        """Read again."""
        return (Hold(conn, 0.0),)
