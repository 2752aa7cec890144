"""What the three layers share for datagrams: which are answered, with what, and what becomes of the others.

An echo that answers whoever asks is a weapon: the source of a datagram can be forged (CVE-2024-2169). So:

- A port below 1024 is never answered: other echoes, chargen, DNS and their like are there.
- Nor is an address that this server listens on itself, since the answer would come back for ever.
- Nor is a source that asks faster than ``Limits.datagram_rate``. Loopback is exempt, as from all limits for strangers.
- Nothing goes back that is longer than what came.

What is dropped is counted, and told in one line a second at most.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
from typing import Any, cast

from ... import endpoints
from ..admission import place
from ..delivery import Delivery
from .sources import Sources

log = logging.getLogger(__name__)

#: The lowest port that is answered: those below are for services, and no client sends from there.
LOWEST_PORT = 1024

#: A socket that is bound to one of these has every address of the machine.
WILDCARDS = ("0.0.0.0", "::")

#: Seconds between two lines on what was dropped.
REPORTS = 1.0

# Why a datagram was dropped: each is read after a number.
UNREAD = "while too many waited to be read"
UNSENT = "while too much waited to be sent"
FAILED = "on which the service failed"


class Source:
    """Where one datagram came from, as the service sees it, see ``service.Conn``."""

    __slots__ = ("address", "local")

    def __init__(self, address: tuple[Any, ...], local: bool) -> None:
        self.address = address
        self.local = local

    @property
    def peer(self) -> str:
        """The other side as text."""
        return endpoints.show("udp", self.address)

    @property
    def host(self) -> str:
        """Its address as text."""
        return endpoints.host(self.address)

    @property
    def waiting(self) -> int:
        """Nothing waits for one datagram's source."""
        return 0

    @property
    def ending(self) -> str:
        """Without a connection, nothing ends."""
        return ""


class Exchange:
    """Between one service and the datagrams of one server."""

    def __init__(self, delivery: Delivery) -> None:
        """Answer for the service of a delivery, by its limits and on its loop."""
        self.delivery = delivery
        self.limits = delivery.limits
        self.sources = Sources(delivery.limits)
        self.transports: set[asyncio.DatagramTransport] = set()
        # Hosts and ports that are listened on.
        self.own: set[tuple[str, int]] = set()
        # Set while no transport is open.
        self.empty = asyncio.Event()
        self.empty.set()
        # How many were dropped, by the reason: in all, and since the last line of the log.
        self.dropped: Counter[str] = Counter()
        self.unreported: Counter[str] = Counter()
        self.reporter: asyncio.TimerHandle | None = None
        self.overdue: asyncio.TimerHandle | None = None

    # What a layer reports.

    def opened(self, transport: asyncio.DatagramTransport, sock: socket.socket) -> None:
        """A socket can be read and written. Every one must end in ``lost``."""
        # uvloop sets it, and then another program might share the port, and get what was meant for us.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        # Datagrams wait to be written as bytes do, though the type does not say so.
        cast(asyncio.WriteTransport, transport).set_write_buffer_limits(self.limits.high, self.limits.low)
        self.own.add(_host_and_port(sock.getsockname()))
        self.transports.add(transport)
        self.empty.clear()

    def answer(self, data: bytes, address: tuple[Any, ...]) -> bytes | None:
        """The datagram that goes back, if any does."""
        key = place(address)
        reason = self.refusal(key, address)
        if not reason:
            try:
                reply = self.ask(Source(address, key is None), data)
            except Exception as error:
                self.blame(address, error)
                return None
            if reply is None or len(reply) <= len(data):
                return reply
            reason = "whose answer would have been longer"
        self.drop(reason)
        return None

    def failed(self, exc: Exception) -> None:
        """The network reports an error, such as a port that nobody listens on. Nothing ends with it."""
        self.drop(f"that the network refused ({getattr(exc, 'strerror', None) or exc})")

    def drop(self, reason: str, count: int = 1) -> None:
        """Count what is not answered."""
        if count:
            self.dropped[reason] += count
            self.unreported[reason] += count
            if self.reporter is None:
                self.reporter = self.delivery.loop.call_later(REPORTS, self.report)

    def lost(self, transport: asyncio.DatagramTransport) -> None:
        """A socket is closed."""
        self.transports.discard(transport)
        if not self.transports:
            self.empty.set()

    # What is answered.

    def refusal(self, key: str | None, address: tuple[Any, ...]) -> str:
        """Why a source is not answered, empty if it is."""
        host, port = _host_and_port(address)
        if port < LOWEST_PORT:
            return f"from a port below {LOWEST_PORT}"
        if not self.own.isdisjoint((each, port) for each in (host, *WILDCARDS)):
            return "from an address of our own"
        if not self.sources.allows(key, self.delivery.time()):
            return "over the rate of their source"
        return ""

    def ask(self, source: Source, data: bytes) -> bytes | None:
        """Tell the service, and join what it answers to one datagram."""
        parts: list[bytes] = []
        for effect in self.delivery.service.received(source, data, self.delivery.time()):
            if not isinstance(effect, bytes):
                raise TypeError(f"a datagram is answered with bytes alone, not {effect!r}")
            parts.append(effect)
        return b"".join(parts) if parts else None

    def blame(self, address: tuple[Any, ...], error: Exception) -> None:
        """An exception came out of the service: it costs that datagram. Not each one is told: a stranger sends them."""
        if not self.unreported[FAILED]:
            log.error("the service failed in received(<%s>)", endpoints.show("udp", address), exc_info=error)
        self.drop(FAILED)

    def report(self) -> None:
        """Tell what was dropped since the last time."""
        if self.reporter is not None:
            self.reporter.cancel()
            self.reporter = None
            log.info("dropped datagrams: %s", ", ".join(f"{n} {reason}" for reason, n in self.unreported.items()))
            self.unreported.clear()

    # How it ends.

    def stop(self) -> None:
        """Close every socket, also where its listener was only about to start: what is queued has the grace."""
        for transport in self.transports:
            transport.close()
        self.overdue = self.delivery.loop.call_later(self.limits.grace, self.abort)

    async def gone(self) -> None:
        """Wait until every socket is closed."""
        await self.empty.wait()
        if self.overdue is not None:
            self.overdue.cancel()
        self.report()

    def abort(self) -> None:
        """What is still queued on sockets that are closed is lost. Those that are in use go on: nobody is connected."""
        for transport in list(self.transports):
            if transport.is_closing():
                transport.abort()


def _host_and_port(address: tuple[Any, ...]) -> tuple[str, int]:
    """Without the flow and the scope of IPv6."""
    return address[0].partition("%")[0], address[1]
