"""Connections that come and go: connect, shake hands where there is TLS, one echo, close, and again.

What is counted is connections; the response time of one is from ``connect`` to the first byte of the answer. This side
closes first, so the local ports that wait are its own (TIME-WAIT, RFC 9293, 3.6.1); Linux uses them again on loopback
after a second (``net.ipv4.tcp_tw_reuse``).
"""

from __future__ import annotations

import errno
import os
import select
import socket
import ssl
from collections.abc import Callable, Collection

from ..scenario import Workload
from .connect import NOT_NOW, PATIENCE, Broken, Place, Unable, blamed
from .ring import Ring
from .window import NANO, SETTLE, Cuts, Outcome, Window, add_latency, clock, room

#: Samples that there is room for, for each second.
SAMPLES = 200_000


class Visit:
    """One connection on its way: ``step`` is called when it can go on."""

    __slots__ = ("began", "sock", "step", "took")

    def __init__(self, sock: socket.socket, step: Callable[[Visit], None]) -> None:
        self.sock = sock
        self.step = step
        self.began = clock()
        self.took = 0


class Churn:
    """A number of connections at a time, each followed by the next one.

    Attributes:
        count: connections that had their echo, until now.
        taken: samples of the time from connecting to the first byte, in ``samples``.
    """

    def __init__(self, workload: Workload, place: Place, ring: Ring) -> None:
        self.place = place
        self.ring = ring
        self.size = workload.size
        self.conns = workload.conns
        self.poll = select.epoll()
        self.visits: dict[int, Visit] = {}
        self.samples = room(int((2 * workload.seconds + SETTLE) * SAMPLES))
        self.count = self.taken = self.made = 0
        self.again = True

    def visit(self) -> None:
        """Begin a connection."""
        sock = self.place.new()
        sock.setblocking(False)
        visit = Visit(sock, self.connected)
        failed = sock.connect_ex(self.place.address)
        if failed not in (0, errno.EINPROGRESS):
            sock.close()
            raise OSError(failed, os.strerror(failed))
        self.visits[sock.fileno()] = visit
        self.poll.register(sock.fileno(), select.EPOLLOUT)

    def connected(self, visit: Visit) -> None:
        """It is there: shake hands, or say something at once."""
        if failed := visit.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(failed, os.strerror(failed))
        if self.place.tls is None:
            self.say(visit)
            return
        visit.sock = self.place.wrapped(visit.sock, handshake=False)
        visit.step = self.shake
        self.shake(visit)

    def shake(self, visit: Visit) -> None:
        """Go on with a handshake."""
        assert isinstance(visit.sock, ssl.SSLSocket)
        try:
            visit.sock.do_handshake()
        except ssl.SSLWantReadError:
            self.poll.modify(visit.sock.fileno(), select.EPOLLIN)
        except ssl.SSLWantWriteError:
            self.poll.modify(visit.sock.fileno(), select.EPOLLOUT)
        else:
            self.say(visit)

    def say(self, visit: Visit) -> None:
        """Send the message, which the kernel takes whole unless it is very large: the connection is new."""
        offset = self.ring.offset(self.made)
        self.made += 1
        message = self.ring.view[offset : offset + self.size]
        try:
            taken = visit.sock.send(message)
        except NOT_NOW:
            taken = 0
        if taken < self.size:
            raise Unable(f"the kernel takes less than {self.size} bytes of a new connection: ask for a smaller --size")
        received = 0

        def hear(visit: Visit) -> None:
            nonlocal received
            try:
                data = visit.sock.recv(self.size + 1 - received)
            except NOT_NOW:
                return
            if not data:
                raise Broken(f"it ended a connection after {received} of {self.size} bytes")
            if not received:
                visit.took = clock() - visit.began
            if bytes(message[received : received + len(data)]) != data:
                raise Broken("it echoed wrong bytes on a new connection")
            received += len(data)
            if received == self.size:
                self.leave(visit)

        visit.step = hear
        self.poll.modify(visit.sock.fileno(), select.EPOLLIN)

    def leave(self, visit: Visit) -> None:
        """Close, and begin the next one."""
        self.samples[self.taken] = visit.took
        self.taken += 1
        self.count += 1
        del self.visits[visit.sock.fileno()]
        visit.sock.close()
        if self.again:
            self.visit()

    def start(self) -> None:
        """Begin as many connections as there shall be at a time."""
        self.again = True
        with blamed("that was new"):
            for _ in range(self.conns):
                self.visit()

    def finish(self) -> None:
        """See that every connection gets its echo.

        Raises:
            Broken: one does not.
        """
        self.again = False
        self.run(clock() + int(PATIENCE * NANO))
        if self.visits:
            raise Broken(f"{len(self.visits)} connections were not answered within {PATIENCE:g} s of the last one")

    def run(self, until: int) -> None:
        """Go on until so many nanoseconds on the clock, or until the last one has left.

        Raises:
            Broken: the server did something wrong.
        """
        while self.visits:
            with blamed("that was new"):
                events = self.poll.poll(PATIENCE)
                if not events:
                    raise Broken(f"{len(self.visits)} new connections got no answer for {PATIENCE:g} s")
                for fd, _ in events:
                    visit = self.visits.get(fd)
                    if visit is not None:
                        visit.step(visit)
            if clock() >= until:
                return

    def close(self) -> None:
        """Close what is still there."""
        for visit in self.visits.values():
            visit.sock.close()
        self.poll.close()


class Measurement:
    """See ``window.Measurement``."""

    def __init__(self, workload: Workload, place: Place, ring: Ring, window: Window) -> None:
        place.trust()  # it was verified once, by the check
        self.workload = workload
        self.window = window
        self.loop = Churn(workload, place, ring)
        self.cuts = Cuts()

    def warm(self) -> None:
        """Warm up."""
        self.loop.start()
        self.loop.run(clock() + int(self.workload.warmup * NANO))
        self.loop.finish()
        self.loop.taken = 0

    def slice(self, seconds: float) -> None:
        """Measure for so long.

        Raises:
            Broken: the server did something wrong.
            Unable: a message is more than one write takes.
        """
        loop, window = self.loop, self.window
        window.prepare()
        loop.start()
        loop.run(clock() + int(SETTLE * NANO))
        first = loop.taken
        loop.run(window.open(loop.count) + int(seconds * NANO))
        window.close(loop.count)
        self.cuts.add(first, loop.taken)
        loop.finish()

    def outcome(self, keep: Collection[int]) -> Outcome:
        """What some slices gave."""
        made = self.window.outcome(keep)
        add_latency(made, "response", self.cuts.of(keep, self.loop.samples))
        return made

    def close(self) -> None:
        """Close what is still there."""
        self.loop.close()
