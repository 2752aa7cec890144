"""Standard input and output, taken for one conversation: from inetd, ``socat EXEC:``, systemd or a shell.

What stands there decides how it is carried:

- One socket on both, as inetd has it, is a connection like any other.
- A pipe is given to the loop, and so is a socket on one side alone.
- For all else, a terminal, a file or a device, a thread carries the bytes between it and a pipe. A file cannot be
  waited for, uvloop reads where it writes and would steal what is typed, and ``O_NONBLOCK`` would hit the shell too.

Descriptors 0 and 1 become ``/dev/null``: nothing else in the process can speak into the conversation then, and its end
can be seen from outside. ``restore`` gives each thing that stood there its blocking flag back, which others share.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import stat
import sys
import threading
from dataclasses import dataclass, field
from io import FileIO
from typing import Any

from .endpoints import Endpoint, set_for_connections
from .errors import ListenError

log = logging.getLogger(__name__)

STDIN, STDOUT, STDERR = range(3)

#: Most bytes that a thread carries at once, as much as a pipe of Linux holds (pipe(7)).
CHUNK = 64 * 1024


@dataclass(eq=False)
class Taken:
    """What was taken, to be given back."""

    spares: list[tuple[int, bool]] = field(default_factory=list, kw_only=True)
    """A further descriptor for each of the two, and whether it was blocking."""

    def restore(self) -> None:
        """Set the blocking flags as they were, and let go of all. Safe to call again."""
        while self.spares:
            fd, blocking = self.spares.pop()
            os.set_blocking(fd, blocking)
            os.close(fd)


@dataclass(eq=False)
class Connected(Taken):
    """One socket on both, which is a connection; ``tls``: to be wrapped."""

    sock: socket.socket
    tls: bool = False

    def restore(self) -> None:
        """Close it too, if that has not been done."""
        super().restore()
        self.sock.close()


@dataclass(eq=False)
class Pipes(Taken):
    """What the loop shall read, and what it shall write."""

    input: FileIO
    output: FileIO
    address: Any = None
    """Of the peer, where a socket is read."""
    carrier: threading.Thread | None = None
    """Writes on what ``output`` only leads to."""

    async def close(self, grace: float) -> None:
        """Let what was written arrive, for at most ``grace`` seconds, and give all back."""
        if self.carrier is not None:
            await asyncio.to_thread(self.carrier.join, grace)
        self.restore()

    def restore(self) -> None:
        """Close both too, if the loop has not."""
        super().restore()
        self.input.close()
        self.output.close()


def fill() -> None:
    """Put the null device in the place of each standard stream that is closed, or a socket of ours might get there.

    uvloop gives up the process when it has to close one with such a number.
    """
    for fd in (STDIN, STDOUT, STDERR):
        try:
            os.fstat(fd)
        except OSError:
            vacate(fd)


def take(endpoint: Endpoint) -> Connected | Pipes:
    """Take standard input and output from this process. Whatever is returned must be closed, or restored.

    Raises:
        ListenError: one of them is closed, or a socket that is no connection, or TLS was asked for and there is none.
    """
    if sys.__stdin__ is None or sys.__stdout__ is None:
        raise ListenError(f"{endpoint} needs both standard input and standard output: one of them is closed")
    fill()
    read, written = os.fstat(STDIN), os.fstat(STDOUT)
    if stat.S_ISSOCK(read.st_mode) and os.path.samestat(read, written):
        return _connection(endpoint)
    if endpoint.tls:
        raise ListenError(f"{endpoint} needs one socket as both standard input and output: only that can carry TLS")
    taken = Taken()
    address = _peer(STDIN) if stat.S_ISSOCK(read.st_mode) else None
    source, sink, carrier = _take(STDIN, taken), _take(STDOUT, taken), None
    if not _for_the_loop(read):
        filled = source
        source, filler = os.pipe()
        _carry(filled, filler, "standard input")
    if not _for_the_loop(written):
        emptied = sink
        drain, sink = os.pipe()
        carrier = _carry(drain, emptied, "standard output")
    return Pipes(FileIO(source, "rb"), FileIO(sink, "wb"), address, carrier, spares=taken.spares)


def _connection(endpoint: Endpoint) -> Connected:
    """Take the one socket that both are."""
    with socket.socket(fileno=os.dup(STDIN)) as sock:
        if sock.type != socket.SOCK_STREAM or sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise ListenError(f"{endpoint} needs a connection, and standard input is another socket: try fd://{STDIN}")
    if os.path.samestat(os.fstat(STDIN), os.fstat(STDERR)):
        vacate(STDERR)  # as from inetd: what is logged there is not for the peer
    taken = Taken()
    sock = socket.socket(fileno=_take(STDIN, taken))
    os.close(_take(STDOUT, taken))
    sock.setblocking(False)
    if sock.family != socket.AF_UNIX:
        set_for_connections(sock)
    return Connected(sock, endpoint.tls, spares=taken.spares)


def _take(fd: int, taken: Taken) -> int:
    """A descriptor of our own for what stands there, which is then gone from there."""
    taken.spares.append((os.dup(fd), os.get_blocking(fd)))
    own = os.dup(fd)
    vacate(fd)
    return own


def vacate(fd: int) -> None:
    """Close a descriptor; a standard stream is replaced by the null device, or the next file would get its number."""
    if fd > STDERR:
        os.close(fd)
        return
    null = os.open(os.devnull, os.O_RDWR)
    if null != fd:
        os.dup2(null, fd)
        os.close(null)


def _peer(fd: int) -> Any:
    with socket.socket(fileno=os.dup(fd)) as sock:
        try:
            return sock.getpeername()
        except OSError:  # it has left
            return None


def _for_the_loop(what: os.stat_result) -> bool:
    return stat.S_ISFIFO(what.st_mode) or stat.S_ISSOCK(what.st_mode)


def _carry(source: int, sink: int, what: str) -> threading.Thread:
    """Carry bytes in a thread, until one side ends; then close both."""

    def carry() -> None:
        try:
            while data := os.read(source, CHUNK):
                left = memoryview(data)
                while left:
                    left = left[os.write(sink, left) :]
        except BrokenPipeError:
            return  # whoever was to read it has left: the other side sees that
        except OSError as why:
            log.warning("%s: %s", what, why.strerror)
        finally:
            os.close(source)
            os.close(sink)

    os.set_blocking(source, True)
    os.set_blocking(sink, True)
    # A daemon: a read of a terminal ends when its user wants it to.
    thread = threading.Thread(target=carry, name=what, daemon=True)
    thread.start()
    return thread
