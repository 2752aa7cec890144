"""A closed loop of echoes: a message goes out when an answer has come in.

The hot loop is ``Closed.run``. For each answer it is told that bytes are there, reads them, and writes the next
message: as many system calls as the server makes. Nothing else may come into it without being measured.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Collection, Sequence

from ..scenario import Workload
from .connect import PATIENCE, Broken, Place, Unable, blamed
from .echoing import Echoing
from .ring import Ring
from .window import NANO, SETTLE, Cuts, Outcome, Window, add_latency, clock, room

#: Samples that there is room for, for each second: more than this loop can make of messages of any size.
SAMPLES = 1_000_000


class Connection(Echoing):
    """One connection.

    Attributes:
        answered: messages that have come back whole.
        times: when each message under way was sent, by its number modulo the depth.
    """

    __slots__ = ("answered", "times")

    def __init__(self, sock: socket.socket, ring: Ring, number: int, poll: select.epoll) -> None:
        super().__init__(sock, ring, number, poll)
        self.answered = 0
        self.times: list[int] = []


class Closed:
    """All connections of one measurement.

    Attributes:
        count: messages answered until now.
        taken: samples of the response time until now, in ``samples``.
    """

    def __init__(self, workload: Workload, sockets: Sequence[socket.socket], ring: Ring, handicap: int = 0) -> None:
        """``handicap``: nanoseconds that this side wastes on every answer, for tests of the verdict on it."""
        self.size, self.depth = workload.size, workload.depth
        self.handicap = handicap
        self.poll = select.epoll()
        made = [Connection(sock, ring, number, self.poll) for number, sock in enumerate(sockets)]
        self.conns = {conn.fd: conn for conn in made}
        self.samples = room(int((2 * workload.seconds + SETTLE) * SAMPLES))
        self.count = self.taken = 0

    def start(self) -> None:
        """Send as many messages on every connection as may be under way; none is."""
        with blamed("while it was written to"):
            for conn in self.conns.values():
                conn.times = [clock()] * self.depth
                conn.asked += self.size * self.depth
                conn.flush()

    def run(self, until: int, again: bool = True) -> None:
        """Go on until so many nanoseconds on the clock; without ``again``, at most until every answer is there.

        Raises:
            Broken: the server did something wrong.
        """
        poll, conns = self.poll.poll, self.conns
        while again or self.waiting():
            events = poll(PATIENCE)
            if not events:
                raise Broken(f"{self.waiting()} of {len(conns)} connections got no answer for {PATIENCE:g} s")
            with blamed("in the middle of an echo"):
                for fd, event in events:
                    conn = conns[fd]
                    if event & select.EPOLLOUT:
                        conn.flush()
                    if event & ~select.EPOLLOUT:
                        self.receive(conn, again)
            if clock() >= until:
                return

    def waiting(self) -> int:
        """How many connections have an answer to come."""
        return sum(conn.received < conn.asked for conn in self.conns.values())

    def receive(self, conn: Connection, again: bool) -> None:
        """Read what is there, and send as many messages as were answered."""
        size, depth, handicap = self.size, self.depth, self.handicap
        while conn.read():
            now = clock()
            first, last = conn.answered, conn.received // size
            if last > first:
                times, samples, taken = conn.times, self.samples, self.taken
                for number in range(first, last):
                    slot = number % depth
                    samples[taken] = now - times[slot]
                    taken += 1
                    times[slot] = now
                self.taken = taken
                self.count += last - first
                conn.answered = last
                if handicap:
                    waste(handicap * (last - first))
                if again:
                    conn.asked += (last - first) * size
                    conn.flush()
            if not conn.more():
                return


def waste(nanoseconds: int) -> None:
    """Be busy for so long."""
    until = time.thread_time_ns() + nanoseconds
    while time.thread_time_ns() < until:
        pass


class Measurement:
    """See ``window.Measurement``."""

    def __init__(self, workload: Workload, place: Place, ring: Ring, window: Window, handicap: int) -> None:
        self.workload = workload
        self.window = window
        self.sockets = place.dial_all(workload.conns)
        self.loop = Closed(workload, self.sockets, ring, handicap)
        self.cuts = Cuts()

    def warm(self) -> None:
        """Warm up."""
        self.loop.start()
        self.loop.run(clock() + int(self.workload.warmup * NANO))
        self.rest()
        self.loop.taken = 0

    def slice(self, seconds: float) -> None:
        """Measure for so long.

        Raises:
            Broken: the server did something wrong.
            Unable: there were more answers than there is room for.
        """
        loop, window = self.loop, self.window
        window.prepare()
        try:
            loop.start()
            loop.run(clock() + int(SETTLE * NANO))
            first = loop.taken
            loop.run(window.open(loop.count) + int(seconds * NANO))
            window.close(loop.count)
            self.cuts.add(first, loop.taken)
            self.rest()
        except IndexError:
            raise Unable("more answers came than there is room for: ask for fewer --seconds") from None

    def rest(self) -> None:
        """See that every answer arrives."""
        self.loop.run(clock() + int(PATIENCE * NANO), again=False)
        if waiting := self.loop.waiting():
            raise Broken(f"{waiting} connections were not answered within {PATIENCE:g} s of the last message")

    def outcome(self, keep: Collection[int]) -> Outcome:
        """What some slices gave."""
        made = self.window.outcome(keep)
        samples = self.cuts.of(keep, self.loop.samples)
        add_latency(made, "response", samples)
        mean = sum(samples) / max(1, len(samples)) / NANO
        made.observed["little"] = made.figures["rate"] * mean / (self.workload.conns * self.workload.depth)
        return made

    def close(self) -> None:
        """Close every connection."""
        for sock in self.sockets:
            sock.close()
