"""A small server that does everything right, and that a flaw makes do one thing wrong.

    python -m tests.torture.server --service chat --port 8888 [--flaw NAME] [--cert FILE --key FILE]

It stands on asyncio and on netkit's parsers alone. ``flaws`` has the classes that do one thing wrong each.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import re
import signal
import socket
import ssl
import sys
from collections import deque
from collections.abc import Callable, Coroutine
from importlib import import_module
from typing import cast

from netkit.wire.lines import LineSplitter, TooLong
from netkit.wire.telnet import Flood, Reply, Telnet
from netkit.wire.text import clean, decode

#: Bytes that wait for one client, above which it is cut off.
HARD = 256 * 1024

#: Lines that are taken from one client at once, and seconds until the next ones are.
AT_ONCE, PAUSE = 20, 0.01

#: Bytes of a line.
LONGEST = 4096

#: What a stranger says who wants something else: HTTP, or a TLS handshake.
STRANGER = re.compile(rb"(GET|HEAD|POST|PUT|OPTIONS|CONNECT) \S|\x16\x03")


class Server:
    """What all connections share."""

    def __init__(self) -> None:
        self.open: set[asyncio.Transport] = set()
        self.members: dict[Line, str] = {}
        self.guests = 0
        self.closing = asyncio.Event()

    def stop(self) -> None:
        """Stop, as SIGTERM asks for."""
        self.closing.set()


class Echo(asyncio.Protocol):
    """The same bytes back; it stops reading from who does not read."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.server.open.add(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.open.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)

    def pause_writing(self) -> None:
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.transport.resume_reading()

    def eof_received(self) -> bool:
        return False  # asyncio writes out what waits, and closes


class Line(asyncio.Protocol):
    """Lines to all others, behind the name of who says them."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.name = ""
        self.splitter = LineSplitter(LONGEST)
        self.telnet: Telnet | None = None
        self.waiting: deque[bytes | TooLong] = deque()
        self.first = True
        self.ended = False
        self.timer: asyncio.TimerHandle | None = None

    # What comes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.server.open.add(self.transport)
        self.server.guests += 1
        self.name = f"guest{self.server.guests}"
        self.server.members[self] = self.name
        self.greet()

    def greet(self) -> None:
        self.tell(f"*** you are {self.name}")

    def data_received(self, data: bytes) -> None:
        if self.first and STRANGER.match(data):
            self.stranger(data)
            return
        self.first = False
        for text in self.untelnet(data):
            self.waiting.extend(self.split(text))
        if self.timer is None:
            self.work()

    def stranger(self, data: bytes) -> None:
        self.tell("*** this is a chat: talk to it with netcat or telnet")
        self.leave()

    def untelnet(self, data: bytes) -> list[bytes]:
        """What is left of it without telnet's commands, which are answered."""
        if self.telnet is None and b"\xff" not in data:
            return [data]
        self.telnet = self.telnet or Telnet()
        found = []
        for event in self.telnet.feed(data):
            if isinstance(event, bytes):
                found.append(event)
            elif isinstance(event, Reply):
                self.write(event.data)
            elif isinstance(event, Flood):
                self.leave()
        return found

    def split(self, data: bytes) -> list[bytes | TooLong]:
        """The lines that end in it."""
        return self.splitter.feed(data)

    def work(self) -> None:
        """Take some of the lines that wait, and the others later."""
        self.timer = None
        for _ in range(min(AT_ONCE, len(self.waiting))):
            if self.transport.is_closing():
                return
            line = self.waiting.popleft()
            if isinstance(line, TooLong):
                self.tell(f"*** a line has at most {line.limit} bytes")
            else:
                self.line(line)
        if self.transport.is_closing():
            return
        if self.waiting:
            self.transport.pause_reading()
            self.timer = asyncio.get_running_loop().call_later(PAUSE, self.work)
        elif self.ended:
            self.leave()
        else:
            self.transport.resume_reading()

    def line(self, line: bytes) -> None:
        """One line was said."""
        text = self.text(line)
        if text.startswith("/"):
            self.command(text)
        elif text:
            self.say(text)

    def text(self, line: bytes) -> str:
        """What a line says, as others may read it."""
        return clean(decode(line)[0]).strip()

    def command(self, text: str) -> None:
        word, _, rest = text.partition(" ")
        match word:
            case "/nick":
                self.rename(rest.strip())
            case "/quit":
                self.leave()
            case "/names" | "/who":
                self.tell("*** here: " + ", ".join(list(self.server.members.values())[:20]))
            case _:
                self.tell(f"*** no such command: {word[:20]}")

    def rename(self, name: str) -> None:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,23}", name):
            self.tell("*** a name has letters and digits")
        elif name.lower() in {"server", *map(str.lower, self.server.members.values())}:
            self.tell(f"*** {name} is taken")
        else:
            self.server.members[self] = self.name = name
            self.tell(f"*** you are {name} now")

    # What goes

    def say(self, text: str) -> None:
        """To all others, behind our name."""
        data = f"<{self.name}> {text}\n".encode()
        for other in list(self.server.members):
            if other is not self:
                other.write(data)

    def tell(self, text: str) -> None:
        self.write(text.encode() + b"\n")

    def write(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(data)
        if self.transport.get_write_buffer_size() > HARD:
            self.transport.abort()

    # How it ends

    def eof_received(self) -> bool:
        self.waiting.extend(self.splitter.finish())
        self.ended = True
        if self.timer is None:
            self.work()
        return True

    def leave(self) -> None:
        self.server.members.pop(self, None)
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.open.discard(self.transport)
        self.server.members.pop(self, None)
        if self.timer is not None:
            self.timer.cancel()
        self.waiting.clear()


class Datagrams(asyncio.DatagramProtocol):
    """An echo over UDP that answers no port that may be an echo itself, and never itself."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)
        self.own = transport.get_extra_info("sockname")

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data and addr[1] >= 1024 and addr != self.own:
            self.transport.sendto(data, addr)


KINDS: dict[str, type[asyncio.BaseProtocol]] = {"echo": Echo, "chat": Line, "broadcast": Line, "udp": Datagrams}


async def serve(kind: type[asyncio.BaseProtocol], port: int, context: ssl.SSLContext | None) -> None:
    """Serve until SIGTERM, and then let everybody go."""
    loop = asyncio.get_running_loop()
    if issubclass(kind, asyncio.DatagramProtocol):
        transport, _ = await loop.create_datagram_endpoint(kind, ("127.0.0.1", port))
        try:
            await asyncio.Event().wait()
        finally:
            transport.close()
    shared = Server()
    loop.add_signal_handler(signal.SIGTERM, shared.stop)
    timeout = 3.0 if context else None
    # Without descriptors asyncio tries, and reports, as often as the backlog is long.
    server = await loop.create_server(
        lambda: cast("type[Echo | Line]", kind)(shared),
        "127.0.0.1",
        port,
        backlog=100,
        ssl=context,
        ssl_handshake_timeout=timeout,
    )
    for listening in server.sockets:  # telnet's Synch, RFC 854: out of line its first byte would be lost
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    collecting = asyncio.create_task(collect()) if context else None
    await shared.closing.wait()
    server.close()
    for each in list(shared.open):
        each.close()
    await asyncio.sleep(0.1)  # what is to be written goes out
    if collecting is not None:
        collecting.cancel()


async def collect() -> None:
    """Asyncio's TLS leaves 256 KiB and more of each connection for the garbage collector, which is in no hurry."""
    while True:
        await asyncio.sleep(0.2)
        gc.collect()


def encrypted(cert: str, key: str) -> ssl.SSLContext:
    """What TLS is served with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


def main(args: list[str]) -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--service", choices=KINDS, default="echo")
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--flaw", default="")
    options.add_argument("--cert", default="")
    options.add_argument("--key", default="")
    given = options.parse_args(args)
    kind = KINDS[given.service]
    if given.flaw:
        kind = import_module("tests.torture.flaws").kind(given.flaw)
    # What is wrong may be how it is served.
    own: Callable[[int, str, str], Coroutine[None, None, None]] | None = getattr(kind, "serve", None)
    if own is not None:
        asyncio.run(own(given.port, given.cert, given.key))
    else:
        asyncio.run(serve(kind, given.port, encrypted(given.cert, given.key) if given.cert else None))


if __name__ == "__main__":
    main(sys.argv[1:])
