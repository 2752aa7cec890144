"""asyncio with nothing on top, on each of its three tiers: what netkit's layers are held against.

usage: bare.py {transports,protocols,streams} {asyncio,uvloop} {echo,chat} PORT [--cert FILE --key FILE]

Bounded memory and nothing else: no time-outs, no accounting. The chat joins the lines of one read into one write per
receiver. A tutorial would leave out the flow control.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import socket
import ssl
from contextlib import closing, suppress
from typing import cast

READ_SIZE = 65536
BACKLOG = 1024
MAX_LINE = 65536
MAX_WAITING = 256 * 1024  # bytes for one client of the chat: whoever lets more pile up is cut off

BUFFER = memoryview(bytearray(READ_SIZE))  # one for all: each read is answered before the next

room: set[Member] = set()
numbers = itertools.count(1)


class Member:
    """A client of the chat, on any tier."""

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self.transport = transport
        self.prefix = b"<user%d> " % next(numbers)
        self.rest = b""  # of a line that has not ended yet
        room.add(self)

    def said(self, data: bytes) -> None:
        """Pass on each line that is complete."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        if len(self.rest) > MAX_LINE:
            self.transport.abort()
        if lines:
            text = b"".join([self.prefix + line + b"\n" for line in lines])
            for other in room - {self}:
                other.hears(text)

    def hears(self, text: bytes) -> None:
        """What another one said. On uvloop, to write to what has just broken is an error."""
        if self.transport.is_closing():
            return
        self.transport.write(text)
        if self.transport.get_write_buffer_size() > MAX_WAITING:
            self.leaves()
            self.transport.abort()

    def leaves(self) -> None:
        """Hear nothing more."""
        room.discard(self)


# Tiers 7 and 8: what both do, and then how the bytes come in.


class Paced(asyncio.BaseProtocol):
    """A connection that is not read from while its own answers wait."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.Transport, transport)

    def pause_writing(self) -> None:
        """Too many answers wait."""
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """No more."""
        self.transport.resume_reading()


class Talking(asyncio.BaseProtocol):
    """A connection to the chat."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Enter the room."""
        self.member = Member(cast(asyncio.Transport, transport))

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave it."""
        self.member.leaves()

    def eof_received(self) -> None:
        """The client has said everything: the transport closes after what it has queued."""
        self.member.leaves()


class Shared(asyncio.BufferedProtocol):
    """Tier 7 reads into a buffer of ours."""

    def get_buffer(self, sizehint: int) -> memoryview:
        """The same one for all."""
        return BUFFER


class BufferedEcho(Paced, Shared):
    """Tier 7: sends everything back."""

    def buffer_updated(self, nbytes: int) -> None:
        """A copy of it, since the transport may keep it."""
        self.transport.write(bytes(BUFFER[:nbytes]))


class BufferedChat(Talking, Shared):
    """Tier 7: passes each line on to everyone else."""

    def buffer_updated(self, nbytes: int) -> None:
        """Take a copy."""
        self.member.said(bytes(BUFFER[:nbytes]))


class Echo(Paced, asyncio.Protocol):
    """Tier 8: sends everything back."""

    def data_received(self, data: bytes) -> None:
        """As it came."""
        self.transport.write(data)


class Chat(Talking, asyncio.Protocol):
    """Tier 8: passes each line on to everyone else."""

    def data_received(self, data: bytes) -> None:
        """As it came."""
        self.member.said(data)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Tier 9: send everything back."""
    with closing(writer), suppress(OSError):  # the peer broke off
        while data := await reader.read(READ_SIZE):
            writer.write(data)
            await writer.drain()


async def chat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Tier 9: pass each line on to everyone else. Who waits for one slow client would let the others wait too."""
    member = Member(writer.transport)
    with closing(writer), suppress(OSError):  # the peer broke off
        while data := await reader.read(READ_SIZE):
            member.said(data)
    member.leaves()


async def accept(port: int, factory: type[asyncio.BaseProtocol], tls: ssl.SSLContext | None) -> None:
    """Tier 7 accepts by hand, and lets each connection shake hands in a task of its own."""
    loop = asyncio.get_running_loop()
    connecting = set()

    async def connect(sock: socket.socket) -> None:
        with suppress(OSError):
            await loop.connect_accepted_socket(factory, sock, ssl=tls)

    with socket.create_server(("127.0.0.1", port), backlog=BACKLOG) as listener:
        listener.setblocking(False)
        while True:
            sock, _ = await loop.sock_accept(listener)
            # asyncio's own servers do it, but know TCP by the protocol number, which this listener was made without.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = loop.create_task(connect(sock))
            connecting.add(task)
            task.add_done_callback(connecting.discard)


async def serve(args: argparse.Namespace) -> None:
    """Serve for ever."""
    plain = args.service == "echo"
    tls = None
    if args.cert:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(args.cert, args.key)
    match args.tier:
        case "transports":
            await accept(args.port, BufferedEcho if plain else BufferedChat, tls)
        case "protocols":
            factory = Echo if plain else Chat
            loop = asyncio.get_running_loop()
            server = await loop.create_server(factory, "127.0.0.1", args.port, backlog=BACKLOG, ssl=tls)
            await server.serve_forever()
        case _:
            handler = echo if plain else chat
            server = await asyncio.start_server(handler, "127.0.0.1", args.port, backlog=BACKLOG, ssl=tls)
            await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("tier", choices=("transports", "protocols", "streams"))
    parser.add_argument("loop", choices=("asyncio", "uvloop"))
    parser.add_argument("service", choices=("echo", "chat"))
    parser.add_argument("port", type=int)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    options = parser.parse_args()
    new_loop = asyncio.new_event_loop
    if options.loop == "uvloop":
        from uvloop import new_event_loop as new_loop
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(serve(options))
