"""Bans: who may not come in, by where they come from or by what they are called."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from .nicks import fold
from .records import Ban
from .refusal import Refusal

#: Bans at a time: what an operator can still look through, and far more than are needed.
MAX_BANS = 1000

Network: TypeAlias = IPv4Network | IPv6Network


def network_of(host: str) -> Network:
    """The network that is banned with one who comes from there: its IPv4 address, or its IPv6 /64.

    One subscriber commonly holds a whole /64, so a single address of IPv6 says nothing.
    """
    address = _address(host)
    return ip_network((address, 32 if address.version == 4 else 64), strict=False)


def named(nick: str) -> str:
    """What is banned of somebody with this name: the name, in whatever capitals. No network starts like that."""
    return f"@{fold(nick)}"


def read_network(text: str) -> str:
    """A network or an address as a ban names it, or nothing where it is none. No nick can be read as one."""
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return ""
    if isinstance(network, IPv4Network):
        return str(network)
    within = network.network_address.ipv4_mapped
    if within is not None and network.prefixlen >= 96:
        return str(IPv4Network((within, network.prefixlen - 96)))
    # Without a zone, such as the %eth0 of a link's own addresses: it is none of the address.
    return str(IPv6Network((int(network.network_address), network.prefixlen)))


class Bans:
    """All bans, each with when it is over."""

    __slots__ = ("_bans", "_lengths")

    def __init__(self) -> None:
        self._bans: dict[str, tuple[Ban, float]] = {}
        # How many bans there are of each length of prefix: a look at somebody takes a step for each length, not for
        # each ban.
        self._lengths: Counter[tuple[int, int]] = Counter()

    def add(self, ban: Ban, now: float) -> None:
        """Ban somebody, instead of an earlier ban of the same target.

        Raises:
            Refusal: there are too many.
        """
        self.remove(ban.target)
        if len(self._bans) >= MAX_BANS and sum(1 for _ in self.all(now)) >= MAX_BANS:
            raise Refusal(f"there are {MAX_BANS} bans and there can be no more: /bans lists them, /unban lifts one")
        self._bans[ban.target] = (ban, math.inf if ban.seconds is None else now + ban.seconds)
        if not ban.target.startswith("@"):
            self._lengths[_length(ip_network(ban.target))] += 1

    def remove(self, target: str) -> bool:
        """Lift a ban. Returns whether there was one."""
        if self._bans.pop(target, None) is None:
            return False
        if not target.startswith("@"):
            self._lengths -= Counter([_length(ip_network(target))])
        return True

    def of(self, host: str, now: float) -> Ban | None:
        """The ban that somebody from there meets. ``host`` is empty where there is no address to be banned."""
        if not host or not self._lengths:
            return None
        address = _address(host)
        for version, length in tuple(self._lengths):
            if version == address.version:
                ban = self.find(str(ip_network((address, length), strict=False)), now)
                if ban is not None:
                    return ban
        return None

    def find(self, target: str, now: float) -> Ban | None:
        """The ban of this very target, with the seconds it has still to last."""
        entry = self._bans.get(target)
        if entry is None:
            return None
        ban, until = entry
        if until <= now:
            self.remove(target)
            return None
        return ban if ban.seconds is None else Ban(ban.target, ban.by, ban.why, until - now)

    def all(self, now: float) -> Iterator[Ban]:
        """All of them, with the seconds that each has still to last."""
        for target in tuple(self._bans):
            ban = self.find(target, now)
            if ban is not None:
                yield ban


def _address(host: str) -> IPv4Address | IPv6Address:
    """An address; one of IPv4 also where it comes as one of IPv6."""
    address = ip_address(host)
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _length(network: Network) -> tuple[int, int]:
    return network.version, network.prefixlen
