"""An open loop of lines: what some say, everybody else must get, once and in order.

A line is ``@`` and its number, and padding; whatever a server puts in front of it, such as who said it, is let pass.
Each client must get the lines of each sender one after the other: a line that is lost, doubled or late shows at the
next one of the same sender. A delivery time counts from when the line was due.
"""

from __future__ import annotations

import re
import select
import socket
import time
from array import array
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from ..scenario import Workload
from .connect import NOT_NOW, PATIENCE, Broken, Place, blamed
from .paced import BATCH, GRACE, TAIL, WAIT, WAKE, schedule
from .window import NANO, SETTLE, Outcome, Window, add_latency, clock

#: Seconds without a byte after which a chat counts as quiet: everybody is in, and all notices are out.
QUIET = 0.25

#: Bytes that the kernel shall keep for the client that stops reading; the rest must wait at the server.
STALLED_BUFFER = 4096

CHUNK = 256 * 1024

#: What stands before the padding of a line: ``@``, eight digits and a space.
HEAD = 10


class Receiver:
    """One client: what it reads, and what it must read next.

    Attributes:
        rest: of a line that has not come whole.
        expected: the number of the next line of each sender; its own lines do not come back to it.
        got: lines read of the schedule that runs.
    """

    __slots__ = ("expected", "got", "number", "recv", "rest", "send", "sock")

    def __init__(self, sock: socket.socket, number: int) -> None:
        self.sock = sock
        self.recv = sock.recv
        self.send = sock.send
        self.number = number
        self.rest = b""
        self.expected: list[int] = []
        self.got = 0


@dataclass(slots=True)
class Deliveries:
    """What one schedule gave, in nanoseconds from when a line was due.

    Attributes:
        times: of every delivery of a line that was due within the window.
        first: of each such line to whoever got it first.
        last: to whoever got it last.
        lateness: of each write.
    """

    times: list[int] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)
    lateness: list[int] = field(default_factory=list)


class Room:
    """Everybody in one chat. May run more than one schedule, one after the other.

    Attributes:
        count: deliveries until now.
    """

    def __init__(self, workload: Workload, sockets: Sequence[socket.socket]) -> None:
        self.senders, self.depth = workload.senders, workload.depth
        self.pad = (b"abcdefghijklmnopqrstuvwxyz" * (workload.size // 26 + 1))[: workload.size - HEAD - 1]
        # A server may end its lines as telnet wants it.
        self.found = re.compile(rb"@([0-9]{8}) " + re.escape(self.pad) + rb"\r?\n").findall
        self.poll = select.epoll()
        self.members = {sock.fileno(): Receiver(sock, number) for number, sock in enumerate(sockets)}
        self.speaking = list(self.members.values())[: self.senders]
        for fd in self.members:
            self.poll.register(fd, select.EPOLLIN)
        self.count = 0
        self.begun = False

    def settle(self) -> None:
        """Read and forget, until nobody says anything any more.

        Raises:
            Broken: it goes on and on.
        """
        until = time.monotonic() + 4 * PATIENCE
        with blamed("before anything was said"):
            while events := self.poll.poll(QUIET):
                for fd, _ in events:
                    with suppress(*NOT_NOW):
                        if not self.members[fd].recv(CHUNK):
                            raise Broken("it ended a connection before anything was said")
                if time.monotonic() > until:
                    raise Broken("it does not come to rest: it sends although nobody says anything")

    def begin(self, due: array[int]) -> None:
        """Take a schedule of writes, which starts now. Lines are numbered from 0 again."""
        self.zero = clock()
        self.due = due
        lines = len(due) * self.depth
        self.sent_at = array("q", bytes(8 * len(due)))
        self.first = array("q", bytes(8 * lines))
        self.last = array("q", bytes(8 * lines))
        self.times = [array("q", bytes(8 * lines)) for _ in self.members]
        self.next = 0
        for member in self.members.values():
            member.expected = [sender * self.depth for sender in range(self.senders)]
            member.got = 0
            member.rest = b""

    def run(self, until: int) -> None:
        """Write what is due and read what is there, until so many nanoseconds on the clock.

        Raises:
            Broken: the server did something wrong.
        """
        poll, due, zero, last = self.poll.poll, self.due, self.zero, len(self.due)
        while True:
            now = clock()
            stop = min(last, self.next + BATCH)
            while self.next < stop and due[self.next] <= now - zero:
                self.write(self.next, now)
                self.next += 1
                now = clock()
            behind = self.next < last and due[self.next] <= now - zero
            if now >= until + (GRACE if behind else 0):
                return
            gap = min(until, due[self.next] + zero if self.next < last else until) - now
            wait = (gap - WAKE) // WAIT if gap > WAIT + WAKE else 0
            with blamed("in the middle of a chat"):
                for fd, _ in poll(wait / 1000):
                    self.read(self.members[fd])
                    if not behind and self.next < last and due[self.next] <= clock() - zero:
                        break  # what is due goes first; what is left is found again at once

    def write(self, number: int, now: int) -> None:
        """Write some lines at once."""
        first = number * self.depth
        data = b"".join(b"@%08d %s\n" % (line, self.pad) for line in range(first, first + self.depth))
        self.sent_at[number] = now
        with blamed("while it was written to"):
            try:
                taken = self.speaking[number % self.senders].send(data)
            except NOT_NOW:
                taken = 0
        if taken < len(data):
            raise Broken("it does not read: a client could not write its lines")

    def read(self, member: Receiver) -> None:
        """Read what is there, and note which lines came."""
        while True:
            try:
                data = member.recv(CHUNK)
            except NOT_NOW:
                return
            now = clock()
            if not data:
                raise Broken(f"it ended the connection of client {member.number + 1}")
            whole, end, rest = (member.rest + data).rpartition(b"\n")
            member.rest = rest
            if end:
                self.take(member, whole + end, now)
            if not getattr(member.sock, "pending", int)():
                return

    def take(self, member: Receiver, block: bytes, now: int) -> None:
        """Note some whole lines."""
        found = self.found(block)
        if len(found) != block.count(b"\n"):
            self.look(member, block)
        depth, senders, expected = self.depth, self.senders, member.expected
        times, first, last, got = self.times[member.number], self.first, self.last, 0
        for digits in found:
            line = int(digits)
            sender = line // depth % senders
            if sender == member.number:
                continue  # some servers show their clients what they said
            if line != expected[sender]:
                what = "again" if line < expected[sender] else f"and not line {expected[sender]}, which was next"
                raise Broken(f"client {member.number + 1} got line {line} of sender {sender + 1} {what}")
            expected[sender] = line + 1 if (line + 1) % depth else line + 1 + depth * (senders - 1)
            times[line] = now
            if not first[line]:
                first[line] = now
            last[line] = now
            got += 1
        member.got += got
        self.count += got

    def look(self, member: Receiver, block: bytes) -> None:
        """There are lines that are none of ours: what the server itself says may pass, what is broken may not."""
        for line in block.splitlines(keepends=True):
            if b"@" in line and not self.found(line):
                raise Broken(f"client {member.number + 1} got a line with wrong bytes: {line[:60]!r}")

    def due_to(self, member: Receiver, writes: int) -> int:
        """How many lines a client must have got once so many writes have been passed on."""
        own = 0
        if member.number < self.senders:
            own = len(range(member.number, writes, self.senders))
        return (writes - own) * self.depth

    def leave(self) -> Receiver:
        """The last client reads no more, and nothing is expected of it."""
        fd, member = self.members.popitem()
        self.poll.unregister(fd)
        return member

    def finish(self) -> None:
        """Wait until everybody has everything.

        Raises:
            Broken: somebody lacks a line.
        """
        writes, self.due = self.next, self.due[: self.next]
        missing = [member for member in self.members.values() if member.got < self.due_to(member, writes)]
        before = -1
        while missing and before < self.count:
            before = self.count
            until = clock() + int(PATIENCE * NANO)
            while missing and clock() < until:
                self.run(clock() + NANO // 50)
                missing = [member for member in missing if member.got < self.due_to(member, writes)]
        if missing:
            got, due = missing[0].got, self.due_to(missing[0], writes)
            raise Broken(
                f"{len(missing)} of {len(self.members)} clients lack lines: "
                f"client {missing[0].number + 1} got {got} of {due}, and nothing more for {PATIENCE:g} s"
            )

    def deliveries(self, first: int, end: int) -> Deliveries:
        """What was due between two times on the clock, once it is finished."""
        made = Deliveries()
        for write, offset in enumerate(self.due):
            due = offset + self.zero
            if not first <= due < end:
                continue
            made.lateness.append(self.sent_at[write] - due)
            for line in range(write * self.depth, (write + 1) * self.depth):
                made.first.append(self.first[line] - due)
                made.last.append(self.last[line] - due)
                made.times += [times[line] - due for times in self.times if times[line]]
        return made


def ceiling(workload: Workload) -> float:
    """Deliveries a second that this side could take at the very most, were they to come for nothing."""
    room = Room(workload, [])
    block = b"".join(b"<ann> @%08d %s\n" % (line, room.pad) for line in range(workload.depth))
    start, taken = clock(), 0
    while (now := clock()) < start + NANO // 20:
        taken += sum(int(digits) >= 0 for digits in room.found(block))
    room.poll.close()
    return taken * NANO / (now - start)


class Measurement:
    """See ``window.Measurement``."""

    def __init__(self, workload: Workload, place: Place, window: Window) -> None:
        self.workload = workload
        self.window = window
        self.sockets = place.dial_all(workload.conns)
        self.room = Room(workload, self.sockets)
        self.done: list[Deliveries] = []

    def warm(self) -> None:
        """Let everybody come in, and warm up."""
        self.room.settle()
        self.begin(self.workload.warmup)
        self.room.run(self.room.zero + int(self.workload.warmup * NANO))
        self.room.finish()

    def begin(self, seconds: float) -> None:
        """Begin a schedule of writes."""
        workload = self.workload
        self.room.begin(schedule(workload.rate / workload.depth, seconds + TAIL, workload.senders, workload.arrival, 0))

    def slice(self, seconds: float) -> None:
        """Measure for so long.

        Raises:
            Broken: the server did something wrong.
        """
        room, window = self.room, self.window
        window.prepare()
        self.begin(SETTLE + seconds)
        room.run(room.zero + int(SETTLE * NANO))
        start = window.open(room.count)
        room.run(start + int(seconds * NANO))
        window.close(room.count)
        room.finish()
        self.done.append(room.deliveries(start, start + int(seconds * NANO)))

    def outcome(self, keep: Collection[int]) -> Outcome:
        """What some slices gave."""
        made = self.window.outcome(keep)
        done = [self.done[number] for number in keep]
        expected = sum(len(each.first) for each in done) * (self.workload.conns - 1)
        made.figures["reach"] = sum(len(each.times) for each in done) / max(1, expected)
        made.observed["offered"] = self.workload.rate
        for name, held in (("response", "times"), ("first", "first"), ("last", "last"), ("lateness", "lateness")):
            add_latency(made, name, [sample for each in done for sample in getattr(each, held)])
        return made

    def close(self) -> None:
        """Close every connection."""
        for sock in self.sockets:
            sock.close()


class Stalled(Measurement):
    """One slice, after a third of which the last client, who is one more, stops reading."""

    def __init__(self, workload: Workload, place: Place, window: Window) -> None:
        super().__init__(workload, place, window)
        self.sockets.append(place.dial(STALLED_BUFFER))
        self.sockets[-1].setblocking(False)
        self.room = Room(workload, self.sockets)

    def slice(self, seconds: float) -> None:
        """Measure both parts of the time, and what the server's memory gained in the second one."""
        room, window = self.room, self.window
        window.prepare()
        self.begin(SETTLE + seconds)
        room.run(room.zero + int(SETTLE * NANO))
        start = window.open(room.count)
        middle, end = start + int(seconds * NANO / 3), start + int(seconds * NANO)
        room.run(middle)
        before = window.memory()
        staller = room.leave()
        room.run(end)
        window.close(room.count)
        room.finish()
        self.done = [room.deliveries(start, middle), room.deliveries(middle, end)]
        self.growth = max(0, window.highest() - before)
        self.cut_off = _has_ended(staller.sock)

    def outcome(self, keep: Collection[int]) -> Outcome:
        """What the one slice gave."""
        made = self.window.outcome(keep)
        made.figures["growth"] = self.growth / 1024
        made.observed.update(offered=self.workload.rate, cut_off=float(self.cut_off))
        for name, done in zip(("before", "during"), self.done, strict=True):
            add_latency(made, name, done.times)
        add_latency(made, "lateness", self.done[1].lateness)
        return made


def _has_ended(sock: socket.socket) -> bool:
    """Whether the server has ended a connection, behind what it sent before."""
    sock.settimeout(QUIET)
    try:
        while sock.recv(CHUNK):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True
