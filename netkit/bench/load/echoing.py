"""One connection to an echo: what it wrote, and what came back of it."""

from __future__ import annotations

import select
import socket
import ssl

from .connect import NOT_NOW, Broken
from .ring import CHUNK, Ring

#: Most bytes given to TLS in one call, those of one record (RFC 8446, 5.1). Of more, some might be on their way and
#: answered when the call says that it could not do it all, and nobody would know how many.
RECORD = 16 * 1024


class Echoing:
    """A connection that does not block.

    Attributes:
        asked: bytes that are to be written until now, in all.
        sent: bytes that are.
        received: bytes that have come back.
    """

    __slots__ = ("asked", "fd", "most", "offset", "poll", "received", "recv", "ring", "send", "sent", "tls", "waiting")

    def __init__(self, sock: socket.socket, ring: Ring, number: int, poll: select.epoll) -> None:
        self.fd = sock.fileno()
        self.recv = sock.recv
        self.send = sock.send
        self.tls = sock if isinstance(sock, ssl.SSLSocket) else None
        self.most = CHUNK if self.tls is None else RECORD
        self.ring = ring
        self.offset = ring.offset(number)
        self.poll = poll
        self.asked = self.sent = self.received = 0
        self.waiting = False
        poll.register(self.fd, select.EPOLLIN)

    def flush(self) -> None:
        """Write what is asked for, as far as the connection takes it."""
        ring, most = self.ring, self.most
        while (left := self.asked - self.sent) > 0:
            at = (self.offset + self.sent) % ring.length
            try:
                self.sent += self.send(ring.view[at : at + left if left < most else at + most])
            except NOT_NOW:
                if not self.waiting:
                    self.waiting = True
                    self.poll.modify(self.fd, select.EPOLLIN | select.EPOLLOUT)
                return
        if self.waiting:
            self.waiting = False
            self.poll.modify(self.fd, select.EPOLLIN)

    def begun(self) -> int:
        """How many bytes cannot be withdrawn: those sent, and the record that TLS has begun and will not give back."""
        return min(self.asked, self.sent + RECORD) if self.tls is not None and self.waiting else self.sent

    def read(self) -> int:
        """Read what is there and compare it. How many bytes that were; 0: nothing.

        Raises:
            Broken: it is not what was sent, or the connection has ended.
        """
        due = self.sent - self.received
        try:
            # One byte more than is due: a server that sends too much is found out.
            data = self.recv(due + 1 if due < CHUNK else CHUNK)
        except NOT_NOW:
            return 0
        got = len(data)
        if not got:
            raise Broken(f"it ended a connection after {self.received} bytes, with {due} still due")
        if got > due:
            raise Broken(f"it sent more than it got: {data[due:][:16]!r} behind the echo")
        if not self.ring.data.startswith(data, (self.offset + self.received) % self.ring.length):
            raise Broken(f"it echoed wrong bytes, somewhere in {got} after the first {self.received}")
        self.received += got
        return got

    def more(self) -> bool:
        """Whether there is more to read that the kernel does not know of: TLS has taken it out already."""
        return self.tls is not None and self.tls.pending() > 0
