"""Who gets a place: connections are counted from accept on, in all, per address, and how many came in some minutes.

Counting at accept, and not after a TLS handshake, keeps a peer from holding places it was never granted.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import TypeAlias

from ..endings import Ending
from ..limits import Limits
from .arrivals import Arrivals

# What a socket calls its peer: (host, port, ...) for IP, a path, mostly empty, for Unix.
Address: TypeAlias = tuple[str, int] | tuple[str, int, int, int] | str | bytes | None

# One subscriber commonly holds a whole /64 of IPv6, so a single address says nothing there.
IPV6_SHIFT = 64


def place(address: Address) -> str | None:
    """What a peer is counted under: its IPv4 address or IPv6 /64. None: it is exempt, on loopback or Unix."""
    return _place(address[0]) if isinstance(address, tuple) else None


@lru_cache(maxsize=4096)
def _place(text: str) -> str | None:
    """The same by the host alone. Reading an address takes 10 µs, and a crowd may come from one."""
    host = ip_address(text.partition("%")[0])
    if isinstance(host, IPv6Address) and host.ipv4_mapped is not None:
        host = host.ipv4_mapped
    if host.is_loopback:
        return None
    if isinstance(host, IPv6Address):
        return f"{IPv6Address(int(host) >> IPV6_SHIFT << IPV6_SHIFT)}/64"
    return str(host)


class Refused(Exception):
    """A connection that gets no place.

    Attributes:
        reason: why, for the log, for what is counted and for the service's farewell.
    """

    def __init__(self, reason: Ending) -> None:
        super().__init__(reason)
        self.reason = reason


class Admission:
    """The places of one server, shared by all its listeners."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        # Connections that hold a place, handshakes included.
        self.taken = 0
        # The same by what they are counted under, without those that are exempt.
        self.taken_by: Counter[str] = Counter()
        self.arrivals = Arrivals(limits.new_connections)

    def take(self, address: Address, now: float) -> str | None:
        """Take a place and return what must be given back with ``leave``.

        Args:
            address: of the peer.
            now: the loop's clock.

        Raises:
            Refused: all places are taken, or all of this address, or too many came from it lately.
        """
        if self.taken >= self.limits.connections:
            raise Refused(Ending.SERVER_FULL)
        key = place(address)
        if key is not None:
            if self.taken_by[key] >= self.limits.per_address:
                raise Refused(Ending.ADDRESS_FULL)
            if not self.arrivals.allows(key, now):
                raise Refused(Ending.CONNECT_FLOOD)
            self.taken_by[key] += 1
        self.taken += 1
        return key

    def leave(self, key: str | None) -> None:
        """Give a place back."""
        self.taken -= 1
        if key is not None:
            self.taken_by[key] -= 1
            if not self.taken_by[key]:
                del self.taken_by[key]
