"""Where the server is, and how to get there."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import ssl
from collections.abc import Callable
from typing import Any, TypeAlias

from ..endpoints import Endpoint
from ..errors import EndpointError, TortureError
from .datagrams import DatagramPeer
from .handshakes import trusting
from .peer import PATIENCE, Peer

#: Its own name is that of a method below.
Socket: TypeAlias = socket.socket

#: What can be tried; the others are inherited and have no address.
SCHEMES = ("tcp", "tls", "unix", "udp")

#: As small as the kernel makes it: a reader that has stopped is soon found out.
SMALL = 4 * 1024


class Unreachable(Exception):
    """No connection could be made: refused, no answer in time, or a handshake that failed."""


class Target:
    """The endpoint of a server.

    Args:
        endpoint: where it is. Its certificate is not looked at: it is tried, not trusted.
        foreign: whether it may be on another machine.

    Raises:
        EndpointError: it is not one that can be tried, or on another machine.
        TortureError: its host cannot be found.
    """

    def __init__(self, endpoint: Endpoint, *, foreign: bool = False) -> None:
        if endpoint.scheme not in SCHEMES:
            raise EndpointError(f"cannot try {endpoint}: give a tcp://, tls://, unix:// or udp:// endpoint")
        self.endpoint = endpoint
        self.scheme = endpoint.scheme
        self.kind = socket.SOCK_DGRAM if self.scheme == "udp" else socket.SOCK_STREAM
        self.family, self.address = self._resolved()
        if not foreign and not self.loopback:
            raise EndpointError(
                f"{endpoint} is not on this machine: faults are tried on others' servers by nobody but their owners "
                "(--i-own-this-host)"
            )
        self._context = trusting()

    def _resolved(self) -> tuple[socket.AddressFamily, Any]:
        if self.scheme == "unix":
            return socket.AF_UNIX, self.endpoint.path
        try:
            found = socket.getaddrinfo(self.endpoint.host, self.endpoint.port, type=self.kind)
        except (OSError, UnicodeError) as why:
            reason = why.strerror if isinstance(why, OSError) else "not a host name"
            raise TortureError(f"cannot find the host of {self.endpoint}: {reason}") from None
        # IPv4 first: what listens on localhost may know no other.
        family, _, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
        return family, address

    @property
    def loopback(self) -> bool:
        """Whether it is on this machine."""
        if self.scheme == "unix":
            return True
        address = ipaddress.ip_address(self.host.partition("%")[0])
        return address.is_loopback or address.is_unspecified  # to connect to 0.0.0.0 is to connect to this machine

    @property
    def host(self) -> str:
        """The address of its host, empty for a Unix socket."""
        return "" if self.scheme == "unix" else str(self.address[0])

    @property
    def port(self) -> int:
        """Its port, 0 for a Unix socket."""
        return 0 if self.scheme == "unix" else int(self.address[1])

    def socket(self, *, small: bool = False) -> Socket:
        """A socket that could be connected to it, non-blocking; ``small``: the kernel keeps little of what comes."""
        sock = socket.socket(self.family, self.kind)
        sock.setblocking(False)
        if small:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        if self.kind == socket.SOCK_STREAM and self.scheme != "unix":
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    async def open(
        self,
        *,
        raw: bool = False,
        read: bool = True,
        small: bool = False,
        answer: Callable[[bytes], bytes] | None = None,
        on_data: Callable[[bytes], None] | None = None,
        sock: Socket | None = None,
        within: float = PATIENCE,
    ) -> Peer:
        """Connect, and shake hands where the endpoint wants that.

        Args:
            raw: no TLS, whatever the endpoint.
            read: see ``Peer``.
            small: see ``socket``.
            answer: see ``Peer``.
            on_data: see ``Peer``.
            sock: to do it with, from ``socket``: bound to where it is to come from. It is closed if it cannot be used.
            within: seconds for it.

        Raises:
            Unreachable: it did not come about.
        """
        loop = asyncio.get_running_loop()
        sock = sock or self.socket(small=small)
        kind = DatagramPeer if self.scheme == "udp" else Peer
        peer = kind(read=read, answer=answer, on_data=on_data)
        context = self._context if self.scheme == "tls" and not raw else None
        try:
            async with asyncio.timeout(within):
                await loop.sock_connect(sock, self.address)
                if isinstance(peer, DatagramPeer):
                    await loop.create_datagram_endpoint(lambda: peer, sock=sock)
                else:
                    await loop.create_connection(
                        lambda: peer, sock=sock, ssl=context, server_hostname=self.endpoint.host if context else None
                    )
        except TimeoutError:
            sock.close()
            raise Unreachable(f"no connection within {within:g} s") from None
        except OSError as why:
            sock.close()
            # What asyncio makes of it names a call and an address; an ssl.SSLError has a number of its own kind.
            system = why.errno if not isinstance(why, ssl.SSLError) else None
            said = why.strerror or str(why) if system is None else os.strerror(system)
            raise Unreachable(f"no connection: {said}") from None
        return peer
