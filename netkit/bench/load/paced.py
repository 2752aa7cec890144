"""An open loop of echoes: messages go out when they are due, whatever has come back.

Every message has an intended time, and its *response* time counts from then: what waits behind a server that stalls
is not forgiven. *Service* time counts from when it really went out, and *lateness* is the difference, which is this
side's own delay together with what TCP held back.

The kernel rounds a wait up to a millisecond, so the load waits only for what is longer, and spins for the rest: that
it is busy then says nothing. Its lateness does.
"""

from __future__ import annotations

import select
import socket
from array import array
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from random import Random

from ..scenario import Workload
from .connect import PATIENCE, Broken, Place, Unable, blamed
from .echoing import Echoing
from .ring import Ring
from .window import NANO, SETTLE, Outcome, Window, add_latency, clock

#: Nanoseconds: the shortest wait that epoll can do, and how long before a message is due it must be over.
WAIT, WAKE = 1_000_000, 200_000

#: Messages that go out one after the other while we are behind; then what has come back is read.
BATCH = 16

#: Nanoseconds for which a run that is at its end still sends what is overdue: a neighbour of the machine may have kept
#: us from that. It does not go on for ever, where the rate is more than we can do.
GRACE = 50_000_000

#: Seconds for which a schedule goes on behind its window: readings before it may take longer than they should, and the
#: load must not run out of messages meanwhile.
TAIL = 1.0

#: Messages of one schedule, at most: each takes 24 bytes here.
MOST = 20_000_000


def schedule(rate: float, seconds: float, conns: int, arrival: str, seed: int) -> array[int]:
    """When each message is due, in nanoseconds from the start; the i-th goes out on connection i modulo ``conns``.

    Args:
        rate: messages a second in all.
        seconds: of the whole schedule.
        conns: connections.
        arrival: ``constant``: each connection keeps its own beat, from a random phase; ``poisson``: the gaps between
            messages are exponential; ``together``: all connections send at the same moment.
        seed: of the phases, or of the gaps.

    Raises:
        Unable: there are more messages than can be kept.
    """
    count = int(rate * seconds)
    if count > MOST:
        raise Unable(f"{count} messages are more than can be kept: ask for a lower --rate or fewer --seconds")
    random = Random(seed)
    due = array("q", bytes(8 * count))
    if arrival == "poisson":
        at = 0.0
        mean = NANO / rate
        for number in range(count):
            at += random.expovariate(1.0) * mean
            due[number] = int(at)
        return due
    beat = conns * NANO / rate
    phases = sorted(random.random() * beat * (arrival != "together") for _ in range(conns))
    for number in range(count):
        turn, conn = divmod(number, conns)
        due[number] = int(turn * beat + phases[conn])
    return due


@dataclass(slots=True)
class Trial:
    """What one schedule gave, in nanoseconds.

    Attributes:
        response: of the messages that were due within the window, answered or not.
        service: of those that went out.
        lateness: of the same.
        due: how many were due within the window.
        unsent: how many of them never went out, since the server took no more.
    """

    response: list[int]
    service: list[int]
    lateness: list[int]
    due: int
    unsent: int


class Connection(Echoing):
    """One connection, within one schedule.

    Attributes:
        base: messages that came back before this schedule.
        went: messages of this schedule that went out.
        came: messages of it that came back.
    """

    __slots__ = ("base", "came", "went")

    def __init__(self, sock: socket.socket, ring: Ring, number: int, poll: select.epoll) -> None:
        super().__init__(sock, ring, number, poll)
        self.base = self.went = self.came = 0


class Paced:
    """All connections of one measurement. May run more than one schedule, one after the other.

    Attributes:
        count: messages answered until now.
    """

    def __init__(self, workload: Workload, sockets: Sequence[socket.socket], ring: Ring) -> None:
        self.size = workload.size
        self.poll = select.epoll()
        self.conns = [Connection(sock, ring, number, self.poll) for number, sock in enumerate(sockets)]
        self.by_fd = {conn.fd: number for number, conn in enumerate(self.conns)}
        self.count = 0

    def begin(self, due: array[int]) -> None:
        """Take a schedule, which starts now."""
        self.zero = clock()
        self.due = due
        self.sent_at = array("q", bytes(8 * len(due)))
        self.back_at = array("q", bytes(8 * len(due)))
        self.next = 0
        for conn in self.conns:
            conn.base = conn.received // self.size
            conn.went = conn.came = 0

    def run(self, until: int) -> None:
        """Send what is due and read what is there, until so many nanoseconds on the clock.

        Raises:
            Broken: the server did something wrong.
        """
        poll, due, zero, last = self.poll.poll, self.due, self.zero, len(self.due)
        while True:
            now = clock()
            stop = min(last, self.next + BATCH)
            while self.next < stop and due[self.next] <= now - zero:
                self.send(self.next)
                self.next += 1
                now = clock()
            behind = self.next < last and due[self.next] <= now - zero
            if now >= until + (GRACE if behind else 0):
                return
            gap = min(until, due[self.next] + zero if self.next < last else until) - now
            wait = (gap - WAKE) // WAIT if gap > WAIT + WAKE else 0
            with blamed("in the middle of an echo"):
                for fd, event in poll(wait / 1000):
                    if event & select.EPOLLOUT:
                        self.flush(self.by_fd[fd])
                    if event & ~select.EPOLLOUT:
                        self.receive(self.by_fd[fd])
                    if not behind and self.next < last and due[self.next] <= clock() - zero:
                        break  # what is due goes first; what is left is found again at once

    def send(self, number: int) -> None:
        """Send a message of the schedule."""
        index = number % len(self.conns)
        self.conns[index].asked += self.size
        with blamed("while it was written to"):
            self.flush(index)

    def flush(self, index: int) -> None:
        """Write what is asked for, as far as the connection takes it, and note what went out."""
        conn = self.conns[index]
        conn.flush()
        now = clock()
        whole = conn.sent // self.size - conn.base
        while conn.went < whole:
            self.sent_at[conn.went * len(self.conns) + index] = now
            conn.went += 1

    def receive(self, index: int) -> None:
        """Read what is there, and note what came back."""
        conn = self.conns[index]
        while conn.read():
            now = clock()
            whole = conn.received // self.size - conn.base
            while conn.came < whole:
                self.back_at[conn.came * len(self.conns) + index] = now
                conn.came += 1
                self.count += 1
            if not conn.more():
                return

    def finish(self, first: int, end: int) -> Trial:
        """Wait for what is still under way, and give what was due between two times on the clock.

        What the server did not take is withdrawn. What it took and does not answer while it answers nothing else
        either is an answer that never comes.

        Raises:
            Broken: an answer never came.
        """
        for conn in self.conns:
            begun = -(-conn.begun() // self.size) * self.size  # what has gone out in part must go out whole
            conn.asked = min(conn.asked, begun)
        self.next = len(self.due)
        before = -1
        while before < self.count and any(conn.received < conn.asked for conn in self.conns):
            before = self.count
            until = clock() + int(PATIENCE * NANO)
            while clock() < until and any(conn.received < conn.asked for conn in self.conns):
                self.run(clock() + NANO // 50)
        waiting = sum(conn.received < conn.asked for conn in self.conns)
        if waiting:
            raise Broken(f"{waiting} of {len(self.conns)} connections got no answer for {PATIENCE:g} s")
        return self._trial(first, end, clock())

    def _trial(self, first: int, end: int, now: int) -> Trial:
        made = Trial([], [], [], 0, 0)
        for number, offset in enumerate(self.due):
            due = offset + self.zero
            if not first <= due < end:
                continue
            made.due += 1
            sent, back = self.sent_at[number], self.back_at[number]
            if not sent:
                made.unsent += 1
            else:
                made.service.append(back - sent)
                made.lateness.append(sent - due)
            made.response.append((back or now) - due)  # at least as long as this, where it never went out
        return made


class Measurement:
    """See ``window.Measurement``."""

    def __init__(self, workload: Workload, place: Place, ring: Ring, window: Window, seed: int) -> None:
        self.workload = workload
        self.window = window
        self.seed = seed
        self.sockets = place.dial_all(workload.conns)
        self.loop = Paced(workload, self.sockets, ring)
        self.trials: list[Trial] = []

    def warm(self) -> None:
        """Warm up."""
        self.begin(self.workload.warmup)
        self.loop.run(self.loop.zero + int(self.workload.warmup * NANO))
        self.loop.finish(0, 0)

    def begin(self, seconds: float) -> None:
        """Begin a schedule of this rate, unlike the one before."""
        workload = self.workload
        self.seed += 1
        self.loop.begin(schedule(workload.rate, seconds + TAIL, workload.conns, workload.arrival, self.seed))

    def slice(self, seconds: float) -> None:
        """Measure for so long.

        Raises:
            Broken: the server did something wrong.
            Unable: the rate is more than can be kept.
        """
        loop, window = self.loop, self.window
        window.prepare()
        self.begin(SETTLE + seconds)
        loop.run(loop.zero + int(SETTLE * NANO))
        start = window.open(loop.count)
        loop.run(start + int(seconds * NANO))
        window.close(loop.count)
        self.trials.append(loop.finish(start, start + int(seconds * NANO)))

    def outcome(self, keep: Collection[int]) -> Outcome:
        """What some slices gave."""
        made = self.window.outcome(keep)
        trials = [self.trials[number] for number in keep]
        due = sum(trial.due for trial in trials)
        made.observed["achieved"] = 1 - sum(trial.unsent for trial in trials) / max(1, due)
        made.observed["offered"] = self.workload.rate
        for name in ("response", "service", "lateness"):
            add_latency(made, name, [sample for trial in trials for sample in getattr(trial, name)])
        return made

    def close(self) -> None:
        """Close every connection."""
        for sock in self.sockets:
            sock.close()
