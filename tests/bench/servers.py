"""Servers to measure, good ones and bad ones: each does wrong in one way that is known.

usage: python tests/bench/servers.py KIND PORT [--us N] [--size N] [--cert FILE --key FILE]

Rule 1: one thread, blocking writes, no more than a fault needs. A load always reads, so nothing gets stuck.
Rule 2: a fault comes once, after ``AFTER`` bytes or ``LINES`` lines: the look that a load takes at first finds nothing.
Rule 3: with ``--us`` each message costs so many microseconds of CPU time, and what the kernel does for it is among
    them. What a message costs is known then, on any machine and in any noise, and not only what was added to it.
"""

from __future__ import annotations

import argparse
import os
import selectors
import shlex
import signal
import socket
import ssl
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress

#: Bytes, and lines to one client, before a fault: more than the load's first look sends.
AFTER, LINES = 5000, 20

#: Seconds in which ``stalls`` answers nobody, in each second; and of ``late`` before it listens.
STALL, LATE = 0.2, 1.0

#: Bytes that ``leaks`` keeps of every connection.
LEAK = 256 * 1024

#: Which line ``loses`` does not pass on.
LOST = 50

CHUNK = 256 * 1024


class Connection:
    """One client, and the bytes and lines that went through it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.got = 0
        self.lines = 0
        self.rest = b""

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Server:
    """Accepts, and gives what comes to ``answer``."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.size, self.cost = options.size, options.us * 1000
        self.total = self.owed = self.faults = 0
        self.kept: list[bytes] = []
        self.context = None
        if options.cert:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(options.cert, options.key)
        self.selector = selectors.DefaultSelector()
        self.listener = socket.create_server(("127.0.0.1", options.port), backlog=1024)
        self.selector.register(self.listener, selectors.EVENT_READ)

    def run(self) -> None:
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    with suppress(OSError):  # it went at once, or in the middle of its handshake
                        self.accept()
                else:
                    self.ready(key.data)

    def accept(self) -> None:
        sock, _ = self.listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.context is not None:
            sock = self.context.wrap_socket(sock, server_side=True)
        self.opened(Connection(sock))

    def opened(self, conn: Connection) -> None:
        self.selector.register(conn.sock, selectors.EVENT_READ, conn)

    def ready(self, conn: Connection) -> None:
        try:
            data = conn.sock.recv(CHUNK)
            while isinstance(conn.sock, ssl.SSLSocket) and conn.sock.pending():
                data += conn.sock.recv(CHUNK)
            if data:
                self.received(conn, data)
                return
        except OSError:
            pass
        self.lost(conn)

    def lost(self, conn: Connection) -> None:
        with suppress(KeyError, ValueError):  # it was reset, and is gone
            self.selector.unregister(conn.sock)
        conn.sock.close()

    def received(self, conn: Connection, data: bytes) -> None:
        before, conn.got = conn.got, conn.got + len(data)
        self.total += len(data)
        self.pay(conn.got // self.size - before // self.size)
        conn.sock.sendall(self.answer(conn, data))

    def pay(self, messages: int) -> None:
        """Be busy until this thread has used what all its messages cost."""
        if self.cost:
            self.owed = (self.owed or time.thread_time_ns()) + messages * self.cost
            while time.thread_time_ns() < self.owed:
                pass

    def first_fault(self) -> bool:
        """Whether it is time for the only fault."""
        due = self.total > AFTER and not self.faults
        self.faults += due
        return due

    def answer(self, conn: Connection, data: bytes) -> bytes:
        return data


class Closes(Server):
    """Accepts, and closes at once."""

    def opened(self, conn: Connection) -> None:
        conn.sock.close()


class Wrong(Server):
    """Changes one byte."""

    def answer(self, conn: Connection, data: bytes) -> bytes:
        return bytes([data[0] ^ 1]) + data[1:] if self.first_fault() else data


class Swaps(Server):
    """Swaps two messages, once there are two at a time."""

    def answer(self, conn: Connection, data: bytes) -> bytes:
        size = self.size
        if len(data) < 2 * size or not self.first_fault():
            return data
        return data[size : 2 * size] + data[:size] + data[2 * size :]


class Short(Server):
    """Drops the last byte of a message."""

    def answer(self, conn: Connection, data: bytes) -> bytes:
        return data[:-1] if self.first_fault() else data


class Extra(Server):
    """Sends more than it got."""

    def answer(self, conn: Connection, data: bytes) -> bytes:
        return data + b"more" if self.first_fault() else data


class Resets(Server):
    """Resets a connection instead of an answer."""

    def received(self, conn: Connection, data: bytes) -> None:
        self.total += len(data)
        if self.first_fault():
            self.selector.unregister(conn.sock)
            conn.reset()
        else:
            conn.sock.sendall(data)


class Silent(Server):
    """Reads, and never answers."""

    def answer(self, conn: Connection, data: bytes) -> bytes:
        return b""


class Stalls(Server):
    """Does nothing for anybody during the first part of every second."""

    def ready(self, conn: Connection) -> None:
        phase = time.monotonic() % 1.0
        if phase < STALL:
            time.sleep(STALL - phase)
        super().ready(conn)


class Leaks(Server):
    """Keeps something of every connection for ever."""

    def opened(self, conn: Connection) -> None:
        super().opened(conn)
        self.kept.append(b"x" * (LEAK + len(self.kept)))


class Garbage(Server):
    """Says at once what no TLS client wants to hear."""

    def accept(self) -> None:
        sock, _ = self.listener.accept()
        with sock:
            sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            sock.recv(CHUNK)


class Chat(Server):
    """A line goes to everybody else as it is."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(options)
        self.members: list[Connection] = []

    def opened(self, conn: Connection) -> None:
        super().opened(conn)
        self.members.append(conn)

    def lost(self, conn: Connection) -> None:
        super().lost(conn)
        self.members.remove(conn)

    def received(self, conn: Connection, data: bytes) -> None:
        *lines, conn.rest = (conn.rest + data).split(b"\n")
        self.pay(len(lines))
        for member in self.members:
            if member is not conn and lines:
                before, member.lines = member.lines, member.lines + len(lines)
                passed = self.passed(member, before, lines)
                with suppress(OSError):  # it has gone; that is seen when it is read from
                    member.sock.sendall(b"".join(line + b"\n" for line in passed))

    def passed(self, member: Connection, before: int, lines: list[bytes]) -> list[bytes]:
        """What one client gets of some lines, having got so many before."""
        return lines

    def first_fault(self) -> bool:
        due = any(member.lines > LINES for member in self.members) and not self.faults
        self.faults += due
        return due


class Loses(Chat):
    """Does not pass on every so many-th line to the one who came last."""

    def passed(self, member: Connection, before: int, lines: list[bytes]) -> list[bytes]:
        if member is not self.members[-1]:
            return lines
        return [line for number, line in enumerate(lines, before) if number % LOST != LOST - 1]


class Doubles(Chat):
    """Passes a line on twice."""

    def passed(self, member: Connection, before: int, lines: list[bytes]) -> list[bytes]:
        return [lines[0], *lines] if self.first_fault() else lines


class SwapsLines(Chat):
    """Swaps two lines."""

    def passed(self, member: Connection, before: int, lines: list[bytes]) -> list[bytes]:
        return [lines[1], lines[0], *lines[2:]] if len(lines) > 1 and self.first_fault() else lines


class WrongLines(Chat):
    """Changes the last byte of a line."""

    def passed(self, member: Connection, before: int, lines: list[bytes]) -> list[bytes]:
        return [lines[0][:-1] + b"!", *lines[1:]] if self.first_fault() else lines


class Deaf(Chat):
    """Reads no more."""

    def received(self, conn: Connection, data: bytes) -> None:
        super().received(conn, data)
        if self.first_fault():
            signal.pause()


def late(options: argparse.Namespace) -> None:
    time.sleep(LATE)
    Server(options).run()


def exits(options: argparse.Namespace) -> None:
    sys.stderr.write("reading the configuration\nthere is no such database\n")
    sys.exit(3)


def never(options: argparse.Namespace) -> None:
    sys.stderr.write("waiting for \x1b[31mbetter\x1b[0m times\n")
    sys.stderr.flush()
    signal.pause()


def forks(options: argparse.Namespace) -> None:
    """A child serves, and its parent waits for it."""
    if os.fork():
        os.wait()
    else:
        Server(options).run()


def stubborn(options: argparse.Namespace) -> None:
    """Two processes that do not end when they are asked to, one of them in a session of its own."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork():
        os.wait()
    else:
        os.setsid()
        Server(options).run()


#: What is given a port and serves.
SERVERS: dict[str, type[Server]] = {
    "echo": Server,
    "closes": Closes,
    "wrong": Wrong,
    "swaps": Swaps,
    "short": Short,
    "extra": Extra,
    "resets": Resets,
    "silent": Silent,
    "stalls": Stalls,
    "leaks": Leaks,
    "garbage": Garbage,
    "chat": Chat,
    "loses": Loses,
    "doubles": Doubles,
    "swaps-lines": SwapsLines,
    "wrong-lines": WrongLines,
    "deaf": Deaf,
}

#: What does something else, first or at all.
OTHERS: dict[str, Callable[[argparse.Namespace], None]] = {
    "late": late,
    "exits": exits,
    "never": never,
    "forks": forks,
    "stubborn": stubborn,
}


def command(kind: str, *options: str | int) -> str:
    """What starts one, with ``{port}`` in it. Without site-packages, of which it needs none, it is up at once."""
    return shlex.join((sys.executable, "-ISs", __file__, kind, "{port}", *map(str, options)))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=(*SERVERS, *OTHERS))
    parser.add_argument("port", type=int)
    parser.add_argument("--us", type=int, default=0)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--cert", default="")
    parser.add_argument("--key", default="")
    options = parser.parse_args()
    if options.kind in SERVERS:
        SERVERS[options.kind](options).run()
    else:
        OTHERS[options.kind](options)


if __name__ == "__main__":
    main()
