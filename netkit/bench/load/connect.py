"""Connections to the server, and what goes wrong on them."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

#: Seconds without any answer before a server counts as stuck, and for one connection to be made.
PATIENCE = 5.0

#: Nothing to be had at this moment, in the clear and over TLS.
NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Broken(Exception):
    """The server did what no honest figure can come from: it reset, ended, answered wrongly or not at all."""


class Unable(Exception):
    """This side could not do what was asked of it, whatever the server does."""


@contextmanager
def blamed(doing: str) -> Iterator[None]:
    """Turn what the network raises into ``Broken`` or ``Unable``, in words."""
    try:
        yield
    except ConnectionResetError:
        raise Broken(f"it reset a connection {doing}") from None
    except BrokenPipeError:
        raise Broken(f"it closed a connection {doing}") from None
    except ConnectionRefusedError:
        raise Broken(f"it refused a connection {doing}") from None
    except TimeoutError:
        raise Broken(f"nothing came for {PATIENCE:g} s {doing}") from None
    except ssl.SSLError as why:
        raise Broken(f"TLS failed {doing}: {why.reason or why}") from None
    except OSError as why:
        if why.errno in (errno.EMFILE, errno.ENFILE):
            raise Unable(f"no descriptors are left {doing}: ask for fewer connections") from None
        if why.errno == errno.EADDRNOTAVAIL:
            raise Unable(f"no local ports are left {doing}: see net.ipv4.ip_local_port_range") from None
        raise Broken(f"{os.strerror(why.errno) if why.errno else why} {doing}") from None


class Place:
    """Where the server is, and how to connect to it.

    Attributes:
        address: host and port.
        tls: trusts the certificate of the run; None in the clear.
    """

    def __init__(self, host: str, port: int, ca: str) -> None:
        """``ca``: the PEM file of an authority; empty in the clear."""
        self.address = (host, port)
        self.family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.tls = ssl.create_default_context(cafile=ca) if ca else None

    def trust(self) -> None:
        """Verify no certificate from now on: that costs more than to show one, and the load would be the limit."""
        if self.tls is not None:
            self.tls.check_hostname = False
            self.tls.verify_mode = ssl.CERT_NONE

    def new(self) -> socket.socket:
        """A socket that is not connected yet."""
        sock = socket.socket(self.family, socket.SOCK_STREAM)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def wrapped(self, sock: socket.socket, *, handshake: bool) -> socket.socket:
        """The same with TLS on it, where that is asked for."""
        if self.tls is None:
            return sock
        return self.tls.wrap_socket(sock, server_hostname="localhost", do_handshake_on_connect=handshake)

    def dial(self, receive_buffer: int = 0) -> socket.socket:
        """A connection that is ready, with a time-out of ``PATIENCE`` on it.

        Args:
            receive_buffer: bytes that the kernel shall keep for us at most; 0: as it likes.

        Raises:
            Broken: it cannot be had.
        """
        sock = self.new()
        try:
            with blamed("while connecting"):
                if receive_buffer:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
                sock.settimeout(PATIENCE)
                sock.connect(self.address)
                return self.wrapped(sock, handshake=True)
        except BaseException:
            sock.close()
            raise

    def dial_all(self, count: int) -> list[socket.socket]:
        """So many connections, not blocking.

        Raises:
            Broken: one of them cannot be had.
        """
        made: list[socket.socket] = []
        try:
            for _ in range(count):
                made.append(self.dial())
                made[-1].setblocking(False)
        except BaseException:
            for sock in made:
                sock.close()
            raise
        return made


def exactly(sock: socket.socket, count: int) -> bytes:
    """Read so many bytes from a blocking socket.

    Raises:
        Broken: fewer came.
    """
    data = bytearray()
    with blamed("while it was read from"):
        while len(data) < count:
            more = sock.recv(count - len(data))
            if not more:
                raise Broken(f"it ended a connection after {len(data)} of {count} bytes")
            data += more
    return bytes(data)
