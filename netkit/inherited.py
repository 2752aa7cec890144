"""Sockets that were inherited: ``fd://3``, from systemd, from inetd's ``wait``, or from whatever has started us.

Others may have the same socket: the one who passed it, or the server that comes after us. So it is closed at the end
and never shut down, and connections that wait in it stay there. Nothing of it is removed: we have not bound it.
"""

from __future__ import annotations

import errno
import os
import socket

from .endpoints import Bound, Endpoint, set_for_connections
from .errors import ListenError
from .stdio import STDERR, STDIN, STDOUT, fill, vacate

ADVICE = "start netkit with a socket that listens as that descriptor"

IP = (socket.AF_INET, socket.AF_INET6)


class Shared(socket.socket):
    """A socket that is not ours alone. What is accepted from it is."""

    __slots__ = ()

    def shutdown(self, how: int) -> None:
        """Refuse: it would end the listening of everybody."""
        raise OSError(errno.EOPNOTSUPP, "others listen on this socket too")


def take(endpoint: Endpoint) -> Bound:
    """Take over the socket of an ``fd`` endpoint, which others may go on using.

    Returns:
        The socket with its real endpoint, and with the options that connections are to inherit where it is of TCP.

    Raises:
        ListenError: that descriptor is not a socket that can be served; it is left as it was.
    """
    fd = int(endpoint.name)
    try:
        sock = Shared(fileno=os.dup(fd))
    except (OSError, OverflowError):
        raise _refusal(endpoint, f"is not a socket: {ADVICE}") from None
    try:
        real = _identify(endpoint, sock)
    except ListenError:
        sock.close()
        raise
    if fd <= STDERR:
        fill()  # inetd makes it all three, and nobody reads there what is logged
        for other in [each for each in (STDIN, STDOUT, STDERR) if os.path.sameopenfile(each, fd)]:
            vacate(other)
    else:
        vacate(fd)
    sock.setblocking(False)
    if real.scheme in ("tcp", "tls"):
        set_for_connections(sock)
    return Bound(real, sock, _nothing)


def _identify(endpoint: Endpoint, sock: socket.socket) -> Endpoint:
    """The address and the scheme that a socket really has."""
    name = sock.getsockname()
    if sock.type == socket.SOCK_STREAM and sock.family in (*IP, socket.AF_UNIX):
        if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise _refusal(endpoint, "does not listen: a connection is served as stdio: (StandardInput=socket)")
        if sock.family in IP:
            return Endpoint("tls" if endpoint.tls else "tcp", *name[:2])
        if not endpoint.tls:
            path = os.fsdecode(name)
            return Endpoint("unix", path=f"@{path[1:]}" if path.startswith("\0") else path)
    elif sock.type == socket.SOCK_DGRAM and sock.family in IP and not endpoint.tls:
        if not name[1]:
            raise _refusal(endpoint, "is a UDP socket without a port: bind it first")
        return Endpoint("udp", *name[:2])
    served = "TCP can have TLS" if endpoint.tls else "TCP, UDP and Unix stream sockets can be served"
    raise _refusal(endpoint, f"is a socket of another kind: {served}")


def _refusal(endpoint: Endpoint, reason: str) -> ListenError:
    """Why not. What is not inheritable is ours, such as the loop's own descriptors, and has only the same number."""
    try:
        inherited = os.get_inheritable(int(endpoint.name))
    except (OSError, OverflowError):
        inherited = False
    return ListenError(f"{endpoint} {reason}" if inherited else f"{endpoint} was not inherited: {ADVICE}")


def _nothing() -> None:
    """Whoever has bound it also removes it."""
