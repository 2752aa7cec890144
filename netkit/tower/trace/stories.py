"""What the client does: one story each, with blocking sockets, since its own side is not what is shown.

A story begins with what is not recorded: connections are made and have had an answer, so that nothing is in the way
that happens only once. Then it ``record``s, and acts.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from select import POLLIN, POLLOUT, poll
from threading import Event
from types import MappingProxyType

from .steps import Mark

#: What is sent in every story.
LINE = b"hello, tower\n"

#: Lines that are sent at once in a flood: they fit into one segment on loopback.
FLOOD = 100

#: Of the slow reader: bytes that its kernel keeps, and those in one segment. Small segments keep the server's kernel
#: from buffering megabytes, which it does on loopback, before anything is seen.
RECEIVE_BUFFER, SEGMENT = 4096, 536

#: What is sent to it: lines of a KiB, for a chat takes each of them apart, and 16 at once.
LONG = (b"hello, tower " * 78 + b"\n") * 16

READ_SIZE = 64 * 1024

#: Functions of the server whose first call a story may wait for.
OPENED, LOST, PAUSED, RESUMED = (f"Delivery.{name}" for name in ("opened", "lost", "paused", "resumed"))

#: Seconds between two writes to a server that shall be seen to fall behind, and most that a look takes.
PACE = 0.01


class NoAnswer(Exception):
    """What a story waits for did not come. Says what."""


@dataclass
class Scene:
    """What a story plays in.

    Attributes:
        address: host and port of the server.
        tls: how to shake hands with it, where it has TLS.
        chat: whether an answer goes to the others, and not to the one who speaks.
        patience: seconds until an answer counts as missing.
        record: begins the recording, and returns when it has begun.
        seen: set when the server calls a function, by its name.
        marks: what the client has done.
        open: what is still connected when the story is over: its end is not part of it.
    """

    address: tuple[str, int]
    tls: ssl.SSLContext | None
    chat: bool
    patience: float
    record: Callable[[], None]
    seen: dict[str, Event]
    marks: list[Mark] = field(default_factory=list)
    open: ExitStack = field(default_factory=ExitStack)

    def mark(self, text: str, size: int | None = None) -> None:
        """Note what is done now."""
        self.marks.append(Mark(time.perf_counter_ns(), text, size))

    def wait_for(self, name: str) -> None:
        """Wait until the server has called a function.

        Raises:
            NoAnswer: it does not.
        """
        if not self.seen[name].wait(self.patience):
            raise NoAnswer(f"it did not call {name} within {self.patience:g} s")


class Client:
    """A connection to the server of a scene."""

    def __init__(self, scene: Scene, *, small: bool = False) -> None:
        """Connect, and shake hands where that is asked for. A small one keeps little of what it does not read."""
        self.scene = scene
        sock = self.sock = socket.socket()
        try:
            sock.settimeout(scene.patience)
            if small:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
            sock.connect(scene.address)
            if scene.tls is not None:
                self.sock = scene.tls.wrap_socket(sock, server_hostname=scene.address[0])
        except OSError as why:
            self.sock.close()
            raise NoAnswer(f"it did not take the connection ({why})") from None
        scene.open.callback(self.sock.close)

    def says(self, data: bytes) -> None:
        """Send all of it."""
        with broken():
            self.sock.sendall(data)

    def says_some(self, data: bytes) -> int:
        """Send as much of it as the kernel takes, and return how much that was."""
        with broken():
            return self.sock.send(data)

    def says_no_more(self) -> None:
        """End our side."""
        with broken():
            self.sock.shutdown(socket.SHUT_WR)

    def hears(self, lines: int = 0, until: bytes = b"") -> int:
        """Wait for an answer: anything, as many lines, or one with some bytes in it. Returns how many bytes it was.

        Raises:
            NoAnswer: it does not come, or the connection ends.
        """
        heard = bytearray()
        while not heard or heard.count(b"\n") < lines or until not in heard:
            heard += self.hears_some("it did not answer" if not lines else f"not all of {lines} lines came")
        return len(heard)

    def hears_the_end(self) -> int:
        """Wait until the server ends its side. Returns how many bytes came before."""
        total = 0
        while data := self._read("it did not end the connection"):
            total += len(data)
        return total

    def hears_some(self, otherwise: str) -> bytes:
        """Wait for bytes, whatever they are.

        Raises:
            NoAnswer: they do not come, which is told in these words, or the connection ends.
        """
        if not (data := self._read(otherwise)):
            raise NoAnswer("it closed the connection instead of an answer")
        return data

    def _read(self, otherwise: str) -> bytes:
        try:
            with broken():
                return self.sock.recv(READ_SIZE)
        except TimeoutError:
            raise NoAnswer(f"{otherwise} within {self.scene.patience:g} s") from None


@contextmanager
def broken() -> Iterator[None]:
    """What is done with a connection that may be gone.

    Raises:
        NoAnswer: it is gone. That it only takes too long stays a TimeoutError.
    """
    try:
        yield
    except TimeoutError:
        raise
    except OSError as why:
        raise NoAnswer(f"the connection broke ({why})") from None


def talk(scene: Scene, *, small: bool = False) -> tuple[Client, Client]:
    """One who speaks and one who hears it: the same, except in a chat. A first line has gone from one to the other."""
    listener = speaker = Client(scene, small=small)
    if scene.chat:
        listener.hears()
        speaker = Client(scene)
    speaker.says(LINE)
    listener.hears(until=LINE.rstrip() if scene.chat else b"")
    return speaker, listener


def connect(scene: Scene) -> None:
    """A client connects."""
    scene.record()
    scene.mark("the client connects")
    Client(scene)
    scene.wait_for(OPENED)


def message(scene: Scene) -> None:
    """One line there, and its answer back."""
    speaker, listener = talk(scene)
    scene.record()
    scene.mark("the client sends a line", len(LINE))
    speaker.says(LINE)
    scene.mark("the client has the answer", listener.hears())


def flood(scene: Scene) -> None:
    """A hundred lines at once."""
    speaker, listener = talk(scene)
    scene.record()
    scene.mark(f"the client sends {FLOOD} lines at once", len(LINE) * FLOOD)
    speaker.says(LINE * FLOOD)
    scene.mark("the client has the answers", listener.hears(FLOOD))


def half_close(scene: Scene) -> None:
    """A line, and the end of the client's side: the answer still comes, and then the end of the server's."""
    speaker, _ = talk(scene)
    scene.record()
    scene.mark("the client sends a line, and ends its side", len(LINE))
    speaker.says(LINE)
    speaker.says_no_more()
    scene.mark("the client has the answer, and the end", speaker.hears_the_end())
    speaker.sock.close()
    scene.wait_for(LOST)


def slow_reader(scene: Scene) -> None:
    """A client that does not read what it is sent, until it does."""
    speaker, listener = talk(scene, small=True)
    scene.record()
    scene.mark("the client sends, and does not read")
    until = time.monotonic() + scene.patience
    sent = 0
    while not scene.seen[PAUSED].wait(PACE):
        if time.monotonic() > until:
            raise NoAnswer("it never had too much to write")
        if _ready(speaker, POLLOUT):
            sent += speaker.says_some(LONG)
    scene.mark("the client has sent so much, and begins to read", sent)
    read = 0
    while not scene.seen[RESUMED].is_set():
        if time.monotonic() > until:
            raise NoAnswer("it did not go on when the client read")
        if _ready(listener, POLLIN):
            read += len(listener.hears_some("nothing came"))
    scene.mark("the client has read enough", read)


def _ready(client: Client, event: int) -> bool:
    """Wait a little for a socket to be ready."""
    waiting = poll()
    waiting.register(client.sock, event)
    return bool(waiting.poll(PACE * 1000))


def tls(scene: Scene) -> None:
    """A client connects and shakes hands, then one line there, and its answer back."""
    scene.record()
    scene.mark("the client connects, and shakes hands")
    listener = speaker = Client(scene)
    if scene.chat:
        listener.hears()
        speaker = Client(scene)
        speaker.hears()
    scene.mark("the client sends a line, encrypted", len(LINE))
    speaker.says(LINE)
    # Of a chat, whoever listens hears first that somebody has come.
    scene.mark("the client has the answer", listener.hears(until=LINE.rstrip() if scene.chat else b""))


#: By the name that they are asked for with.
STORIES = MappingProxyType(
    {
        "connect": connect,
        "message": message,
        "flood": flood,
        "half-close": half_close,
        "slow-reader": slow_reader,
        "tls": tls,
    }
)
