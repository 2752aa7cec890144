"""Addresses to listen on: parsed from text, bound to sockets, printed back.

::

    tcp://127.0.0.1:8888        tcp://[::1]:8888        tcp://localhost:0     (0: a free port)
    tls://0.0.0.0:8889          the same with TLS
    unix:///run/chat.sock       unix:///run/chat.sock?mode=660
    udp://127.0.0.1:7777        datagrams, for services that do without connections: echo does
    8888        :8888           short for tcp://127.0.0.1:8888
    stdio:                      one session over standard input and output, or over the socket that both are
    fd://3      fd://3?tls      a socket that was inherited: it listens already, or is a bound one of UDP
    systemd:    systemd://web   all sockets that systemd has passed, or those of that name; ?tls here too
    stdio       systemd         the same as with a colon, which socat would take for its own

What was inherited is not bound here: ``netkit.stdio``, ``netkit.inherited`` and ``netkit.systemd`` take it over.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from .errors import EndpointError, ListenError

SCHEMES = ("tcp", "tls", "unix", "udp", "stdio", "fd", "systemd")
EXAMPLE = "write it like tcp://127.0.0.1:8888, tls://127.0.0.1:8889, udp://127.0.0.1:7777 or unix:///run/chat.sock"
#: The same for what was inherited.
INHERITED = {
    "stdio": "write it like stdio:",
    "fd": "write it like fd://3 or fd://3?tls",
    "systemd": "write it like systemd:, systemd://NAME or systemd://NAME?tls",
}

#: Who may connect to a Unix socket unless ``?mode=`` says otherwise: its owner.
UNIX_MODE = 0o600

#: How much the kernel keeps for a peer that does not read, where a service wants that soon to be seen: so much that it
#: has not sent yet, and so much that is not acknowledged, of which it sets aside twice as much (tcp(7), socket(7)).
#: By itself it goes up to ``tcp_wmem``, 4 MiB.
UNSENT, UNACKNOWLEDGED = 64 * 1024, 256 * 1024

#: Python has the name where the C library had it; 25 is Linux's number for it (linux/tcp.h), 0 is none.
TCP_NOTSENT_LOWAT: int = getattr(socket, "TCP_NOTSENT_LOWAT", 25 if sys.platform == "linux" else 0)

# A dead peer is found after 60 + 6 x 10 seconds: netcat cannot answer a ping, the kernel can (tcp(7)).
KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 6))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address to listen on. ``str()`` gives it back in the form it is written in."""

    scheme: str
    host: str = ""
    port: int = 0
    path: str = ""
    mode: int = UNIX_MODE
    name: str = ""
    """Of what was inherited: the number of a descriptor, or the name that systemd gave it."""
    wrapped: bool = False
    """Whether TLS is to be spoken on what was inherited."""

    def __str__(self) -> str:
        if self.scheme in INHERITED:
            tls = "?tls" if self.wrapped else ""
            return f"{self.scheme}:{'//' if self.name else ''}{quote(self.name, safe='')}{tls}"
        if self.scheme == "unix":
            mode = "" if self.mode == UNIX_MODE else f"?mode={self.mode:o}"
            return f"unix://{quote(self.path, safe='/@')}{mode}"
        return f"{self.scheme}://{_netloc(self.host, self.port)}"

    @property
    def tls(self) -> bool:
        """Whether TLS is spoken there."""
        return self.scheme == "tls" or self.wrapped

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Read an endpoint.

        Raises:
            EndpointError: it cannot be read; the message says how to write one.
        """
        text = text.strip()
        bare = text.removeprefix(":")
        if bare.isdecimal():
            text = f"tcp://127.0.0.1:{bare}"
        elif text in ("stdio", "systemd"):
            text += ":"
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as wrong:
            raise EndpointError(f"cannot read {text!r} ({wrong}): {EXAMPLE}") from None
        if parts.scheme in INHERITED:
            return cls._inherited(text, parts)
        if parts.scheme not in SCHEMES or "://" not in text:
            raise EndpointError(f"cannot read {text!r}: {EXAMPLE}")
        if parts.scheme == "unix":
            return cls._unix(text, parts.netloc + unquote(parts.path), parts.query)
        if not parts.hostname or port is None:
            raise EndpointError(f"{text!r} needs a host and a port: {EXAMPLE}")
        if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
            raise EndpointError(f"{text!r} has more than a host and a port: {EXAMPLE}")
        return cls(parts.scheme, parts.hostname, port)

    @classmethod
    def _unix(cls, text: str, path: str, query: str) -> Endpoint:
        if not path or path.endswith("/"):
            raise EndpointError(f"{text!r} needs the path of a socket: {EXAMPLE}")
        mode = UNIX_MODE
        for name, value in parse_qsl(query, keep_blank_values=True):
            if name != "mode" or not value or set(value) - set("01234567") or int(value, 8) > 0o777:
                raise EndpointError(f"{text!r}: only ?mode=660 and the like may follow a path")
            mode = int(value, 8)
        return cls("unix", path=path, mode=mode)

    @classmethod
    def _inherited(cls, text: str, parts: SplitResult) -> Endpoint:
        scheme, name = parts.scheme, unquote(parts.netloc)
        fits = name.isascii() and name.isdecimal() if scheme == "fd" else scheme == "systemd" or not name
        if not fits or parts.path or parts.fragment or parts.query not in ("", "tls"):
            raise EndpointError(f"cannot read {text!r}: {INHERITED[scheme]}")
        return cls(scheme, name=name, wrapped=parts.query == "tls")


@dataclass(frozen=True, slots=True)
class Bound:
    """A socket that is bound, not yet listening, and the endpoint it really has. One of UDP hears all from now on."""

    endpoint: Endpoint
    sock: socket.socket
    release: Callable[[], None]
    """Removes what closing the socket leaves behind: the file of a Unix socket."""


def bind(endpoint: Endpoint, *, shared: bool = False) -> list[Bound]:
    """Bind the sockets of an endpoint: one, or one per address where a host name has several.

    The options of the listening socket are inherited by what it accepts (tcp(7), socket(7)), so that they cost
    nothing per connection.

    Args:
        endpoint: where; its port may be 0.
        shared: with others of this user that share the port too (``SO_REUSEPORT``, socket(7)): the kernel gives each a
            part of what arrives. Not for Unix sockets.

    Raises:
        ListenError: the address cannot be had; the message says what to do.
    """
    if endpoint.scheme == "unix":
        return [_bind_unix(endpoint)]
    bound: list[Bound] = []
    try:
        for family, address in _resolve(endpoint):
            # The addresses of one name share the port that the first one got.
            port = bound[0].endpoint.port if bound else endpoint.port
            bound.append(_bind_ip(endpoint, family, (address[0], port, *address[2:]), shared))
    except BaseException:
        for each in bound:
            each.sock.close()
        raise
    return bound


def _resolve(endpoint: Endpoint) -> list[tuple[socket.AddressFamily, tuple[str | int, ...]]]:
    try:
        found = socket.getaddrinfo(endpoint.host, endpoint.port, type=_kind(endpoint), flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as why:
        reason = why.strerror if isinstance(why, OSError) else "not a host name"
        raise ListenError(f"cannot find the host of {endpoint} ({reason}): give an address") from None
    return list(dict.fromkeys((family, cast("tuple[str | int, ...]", address)) for family, _, _, _, address in found))


def _bind_ip(endpoint: Endpoint, family: socket.AddressFamily, address: tuple[str | int, ...], shared: bool) -> Bound:
    sock = socket.socket(family, _kind(endpoint))
    try:
        sock.setblocking(False)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if endpoint.scheme != "udp":
            set_for_connections(sock)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(address)
        host, port = sock.getsockname()[:2]
        return Bound(replace(endpoint, host=host, port=port), sock, _nothing)
    except OSError as why:
        sock.close()
        raise ListenError(explain(endpoint, why)) from None


def _kind(endpoint: Endpoint) -> socket.SocketKind:
    return socket.SOCK_DGRAM if endpoint.scheme == "udp" else socket.SOCK_STREAM


def set_for_connections(sock: socket.socket) -> None:
    """Set what only TCP has, and what only TCP may have."""
    # With UDP two servers could share a port, and only one of them would be heard.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Telnet's Synch marks its place with urgent data; out of line its 0xFF would be lost (RFC 854).
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE:
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def keep_little(sock: socket.socket) -> None:
    """Let the kernel keep little for a peer that does not read, see ``Service.small_buffers``.

    On a Unix socket it never keeps more than 208 KiB.
    """
    if sock.family == socket.AF_UNIX:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNACKNOWLEDGED)
    if TCP_NOTSENT_LOWAT:
        sock.setsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT)


def _bind_unix(endpoint: Endpoint) -> Bound:
    path = endpoint.path
    _clear_stale(endpoint)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        # Before bind, so that the file is never open to others, not for an instant (Linux's unix_bind).
        os.fchmod(sock.fileno(), endpoint.mode)
        sock.bind(path)
        os.chmod(path, endpoint.mode)
        made = os.stat(path)
    except OSError as why:
        sock.close()
        raise ListenError(explain(endpoint, why)) from None

    def release() -> None:
        try:
            if os.path.samestat(os.stat(path), made):
                os.unlink(path)
        except FileNotFoundError:
            return  # somebody has tidied up already

    return Bound(endpoint, sock, release)


def _clear_stale(endpoint: Endpoint) -> None:
    """Remove the socket file of a server that is no more; leave anything else alone."""
    path = endpoint.path
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise ListenError(f"{path} is there and is not a socket: remove it, or give another path")
    except OSError:
        return  # nothing is there; any other trouble shows at bind, which explains it
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        # Connecting to a live socket does not block unless its backlog is full, and then it is live too.
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except BlockingIOError:
            pass  # live, and busy
        except OSError as why:
            raise ListenError(explain(endpoint, why)) from None
    raise ListenError(f"{endpoint} is in use: a server answers there; stop it, or give another path")


def explain(endpoint: Endpoint, why: OSError) -> str:
    """One line on why an address cannot be had, and what to do about it."""
    match why.errno:
        case errno.EADDRINUSE:
            return f"{endpoint} is in use: stop what listens there, or give another port (0 picks a free one)"
        case errno.EADDRNOTAVAIL:
            return f"{endpoint} is not an address of this machine: give one that is, or 127.0.0.1"
        case errno.EACCES | errno.EPERM:
            return f"{endpoint} is not permitted: ports below 1024 and others' folders need privileges"
        case errno.ENOENT | errno.ENOTDIR:
            return f"{endpoint} cannot be made: its folder is not there"
    if why.errno is None:  # Python's own, such as an AF_UNIX path that is too long
        return f"cannot listen on {endpoint}: {why}"
    return f"cannot listen on {endpoint}: {why.strerror}"


def _nothing() -> None:
    """A socket of TCP or UDP leaves nothing behind."""


def _netloc(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def show(scheme: str, address: object) -> str:
    """A peer's address as text: ``tcp://192.0.2.7:50312``; ``stdio:``, ``unix:`` where it has no address of its own."""
    if isinstance(address, tuple):
        return f"{scheme}://{_netloc(address[0], address[1])}"
    return "stdio:" if scheme == "stdio" else "unix:"


def host(address: object) -> str:
    """The host of a peer's address as text, without port and zone; empty for a Unix socket."""
    return str(address[0]).partition("%")[0] if isinstance(address, tuple) else ""
