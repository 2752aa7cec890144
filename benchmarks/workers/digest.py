"""A service that works for each message, ten times as long as an echo, so that the load's own share is small."""

from __future__ import annotations

from hashlib import sha256

import netkit
from netkit.service import Conn, Effects

ROUNDS = 250


class Digest(netkit.Service):
    """Sends back what comes in, after having digested it over and over."""

    workers = True

    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        """Work, and echo."""
        digest = data
        for _ in range(ROUNDS):
            digest = sha256(digest).digest()
        return (data,)
