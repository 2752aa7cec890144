"""How a peer is reached: its endpoint, what TLS needs, and why it could not be."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
from dataclasses import dataclass
from typing import Any

from ..endpoints import Endpoint

#: OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH.
MISMATCHES = (62, 64)


@dataclass(frozen=True, slots=True)
class Route:
    """The way to one peer.

    Attributes:
        endpoint: where it listens.
        tls: a client's context, for ``tls://``.
        server_name: what its certificate must be for, for ``tls://``.
    """

    endpoint: Endpoint
    tls: ssl.SSLContext | None = None
    server_name: str | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.endpoint.host, self.endpoint.port


async def connected(endpoint: Endpoint) -> socket.socket:
    """A socket that is connected: each address of the host is tried in turn, as ``loop.create_connection`` does.

    Raises:
        OSError: none of them answers; why the last one did not.
    """
    loop = asyncio.get_running_loop()
    failed = OSError("no address")
    kind = socket.SOCK_DGRAM if endpoint.scheme == "udp" else socket.SOCK_STREAM
    places: list[tuple[int, int, Any]] = [(socket.AF_UNIX, 0, endpoint.path)]
    if endpoint.scheme != "unix":
        found = await loop.getaddrinfo(endpoint.host, endpoint.port, type=kind)
        places = [(family, number, address) for family, _, number, _, address in found]
    for family, number, address in places:
        # With its number: asyncio knows by it that this is TCP, and sends small writes at once (TCP_NODELAY).
        sock = socket.socket(family, kind, number)
        sock.setblocking(False)
        try:
            await loop.sock_connect(sock, address)
        except OSError as why:
            sock.close()
            failed = why
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failed


def keep_urgent(transport: asyncio.BaseTransport) -> None:
    """Keep urgent data in its place: telnet's Synch marks one with it, and out of line its byte would be lost."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)


def reason(why: OSError) -> str:
    """Why, in the words of the system, where asyncio, uvloop and OpenSSL have each their own."""
    if isinstance(why, ssl.SSLCertVerificationError):
        what = "name with --server-name" if why.verify_code in MISMATCHES else "authority with --cafile"
        return f"{why.verify_message.rstrip('.')}: give its {what}, or take any certificate with --insecure"
    if isinstance(why, ssl.SSLError):
        return f"no TLS to be had ({(why.reason or str(why)).lower().replace('_', ' ')})"
    if isinstance(why, socket.gaierror):
        return why.strerror or str(why)
    # asyncio, where a host has several addresses: "Multiple exceptions: [Errno 111] ..., [Errno 111] ..."
    several = re.findall(r"\[Errno (\d+)\]", str(why)) if why.errno is None else []
    number = int(several[-1]) if several else why.errno
    return os.strerror(number) if number else str(why) or type(why).__name__
