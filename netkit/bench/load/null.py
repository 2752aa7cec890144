"""A server that does as little as can be: what the load reaches against it is the load's own ceiling.

usage: python -m netkit.bench.load.null PORT [CERT KEY]
"""

from __future__ import annotations

import select
import socket
import ssl
import sys
from contextlib import suppress

CHUNK = 256 * 1024


def main() -> None:
    """Echo whatever comes, one connection after the other, without a look at it."""
    context = None
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
    poll = select.epoll()
    conns: dict[int, socket.socket] = {}
    with socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=1024) as listener:
        poll.register(listener, select.EPOLLIN)
        while True:
            for fd, _ in poll.poll():
                if fd == listener.fileno():
                    sock, _ = listener.accept()
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    if context is not None:
                        try:
                            sock = context.wrap_socket(sock, server_side=True)
                        except OSError:  # it went in the middle of its handshake, or only looked whether we listen
                            continue
                    conns[sock.fileno()] = sock
                    poll.register(sock, select.EPOLLIN)
                elif not echo(conns[fd]):
                    conns.pop(fd).close()


def echo(sock: socket.socket) -> bool:
    """Send back what is there. Blocks while the peer does not read; the load always does."""
    with suppress(OSError):
        while data := sock.recv(CHUNK):
            sock.sendall(data)
            if not (isinstance(sock, ssl.SSLSocket) and sock.pending()):
                return True
    return False


if __name__ == "__main__":
    main()
