"""The standard library's socketserver: a thread per connection; in the chat one more, with a queue, writes.

usage: threads.py {echo,chat} PORT [--cert FILE --key FILE], and no chat over TLS

The lines of one read make one item in each receiver's queue, and each item is one write. A TLS socket may be used by
one thread at a time, so the chat, which reads in one and writes in another, is without.
"""

from __future__ import annotations

import argparse
import itertools
import socket
import ssl
from contextlib import suppress
from queue import SimpleQueue
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Lock, Thread
from typing import Any

READ_SIZE = 65536
MAX_LINE = 65536
MAX_WAITING = 256 * 1024  # bytes for one client of the chat: whoever lets more pile up is cut off

room: set[Chat] = set()
lock = Lock()  # for the room, and for what waits in it
numbers = itertools.count(1)


class Server(ThreadingTCPServer):
    """Accepts, and starts the threads."""

    request_queue_size = 1024  # the backlog
    allow_reuse_address = True
    daemon_threads = True
    tls: ssl.SSLContext | None = None

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept one; the handshake waits for the first read, in the connection's own thread."""
        sock, address = super().get_request()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.tls:
            sock = self.tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        return sock, address


class Echo(BaseRequestHandler):
    """Sends everything back. The server closes the socket afterwards."""

    def handle(self) -> None:
        """Until the peer has sent everything."""
        with suppress(OSError):  # the peer broke off
            while data := self.request.recv(READ_SIZE):
                self.request.sendall(data)


class Chat(BaseRequestHandler):
    """Passes each line on to everyone else. The server closes the socket afterwards."""

    def handle(self) -> None:
        """Enter the room, and stay until the client has no more to say."""
        self.prefix = b"<user%d> " % next(numbers)
        self.waiting = 0  # bytes
        self.outbox: SimpleQueue[bytes] = SimpleQueue()
        writer = Thread(target=self.write)
        writer.start()
        with lock:
            room.add(self)
        with suppress(OSError):  # the peer broke off
            self.read()
        with lock:
            room.discard(self)
        self.outbox.put(b"")
        writer.join()

    def read(self) -> None:
        """Pass on each line that is complete."""
        rest = b""
        while (data := self.request.recv(READ_SIZE)) and len(rest) <= MAX_LINE:
            *lines, rest = (rest + data).split(b"\n")
            if lines:
                text = b"".join([self.prefix + line + b"\n" for line in lines])
                with lock:
                    for other in room - {self}:
                        other.hears(text)

    def hears(self, text: bytes) -> None:
        """What another one said."""
        self.waiting += len(text)
        if self.waiting <= MAX_WAITING:
            self.outbox.put(text)
        else:
            room.discard(self)
            with suppress(OSError):  # it is gone already
                self.request.shutdown(socket.SHUT_RDWR)  # wakes both threads, as closing it would not

    def write(self) -> None:
        """Write what is queued, until there is an empty item."""
        with suppress(OSError):
            while text := self.outbox.get():
                self.request.sendall(text)
                with lock:
                    self.waiting -= len(text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("service", choices=("echo", "chat"))
    parser.add_argument("port", type=int)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    args = parser.parse_args()
    if args.cert and args.service == "chat":
        parser.error("no chat over TLS: two threads may not use one TLS socket")
    with Server(("127.0.0.1", args.port), Echo if args.service == "echo" else Chat) as server:
        if args.cert:
            server.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            server.tls.load_cert_chain(args.cert, args.key)
        server.serve_forever()
