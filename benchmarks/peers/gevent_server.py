"""gevent: a greenlet per connection that reads and writes as if it blocked; in the chat one more, with a queue, writes.

usage: gevent_server.py {echo,chat} PORT [--cert FILE --key FILE]

The lines of one read make one item in each receiver's queue, and each item is one write.
"""

from __future__ import annotations

import argparse
import itertools
from contextlib import suppress

import gevent  # type: ignore[import-untyped]
from gevent import socket, ssl
from gevent.queue import SimpleQueue  # type: ignore[import-untyped]
from gevent.server import StreamServer  # type: ignore[import-untyped]

READ_SIZE = 65536
BACKLOG = 1024
MAX_LINE = 65536
MAX_WAITING = 256 * 1024  # bytes for one client of the chat: whoever lets more pile up is cut off

room: set[Client] = set()
numbers = itertools.count(1)


def echo(sock: socket.socket, address: tuple[str, int]) -> None:
    """Send everything back. The server closes the socket afterwards."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with suppress(OSError):  # the peer broke off
        while data := sock.recv(READ_SIZE):
            sock.sendall(data)


class Client:
    """A client of the chat."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.prefix = b"<user%d> " % next(numbers)
        self.waiting = 0  # bytes
        self.outbox = SimpleQueue()
        self.reader = gevent.getcurrent()

    def read(self) -> None:
        """Pass on each line that is complete, until the client has no more to say."""
        rest = b""
        room.add(self)
        try:
            while (data := self.sock.recv(READ_SIZE)) and len(rest) <= MAX_LINE:
                *lines, rest = (rest + data).split(b"\n")
                if lines:
                    text = b"".join([self.prefix + line + b"\n" for line in lines])
                    for other in room - {self}:
                        other.hears(text)
        finally:
            room.discard(self)

    def hears(self, text: bytes) -> None:
        """What another one said."""
        self.waiting += len(text)
        if self.waiting > MAX_WAITING:
            room.discard(self)
            self.reader.kill(block=False)
        else:
            self.outbox.put(text)

    def write(self) -> None:
        """Write what is queued, until there is a None."""
        with suppress(OSError):
            while text := self.outbox.get():
                self.sock.sendall(text)
                self.waiting -= len(text)


def chat(sock: socket.socket, address: tuple[str, int]) -> None:
    """Pass each line on to everyone else. The server closes the socket afterwards."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client = Client(sock)
    writer = gevent.spawn(client.write)
    try:
        with suppress(OSError):  # the peer broke off
            client.read()
            client.outbox.put(None)
            writer.join()
    finally:
        writer.kill()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("service", choices=("echo", "chat"))
    parser.add_argument("port", type=int)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    args = parser.parse_args()
    tls = {}
    if args.cert:
        tls["ssl_context"] = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls["ssl_context"].load_cert_chain(args.cert, args.key)
    handler = echo if args.service == "echo" else chat
    StreamServer(("127.0.0.1", args.port), handler, backlog=BACKLOG, **tls).serve_forever()
