"""AnyIO, on asyncio or Trio: a task per connection; in the chat one more that writes, fed through a memory stream.

usage: anyio_server.py [asyncio|trio] {echo,chat} PORT [--cert FILE --key FILE]

The lines of one read make one item in each receiver's stream, and each item is one write. A memory stream counts
items, so the bytes that wait are counted here.
"""

from __future__ import annotations

import argparse
import itertools
import math
import ssl
from contextlib import suppress

import anyio
from anyio.abc import ByteStream, Listener
from anyio.streams.tls import TLSListener

READ_SIZE = 65536
BACKLOG = 1024
MAX_LINE = 65536
MAX_WAITING = 256 * 1024  # bytes for one client of the chat: whoever lets more pile up is cut off

room: set[Client] = set()
numbers = itertools.count(1)


async def echo(stream: ByteStream) -> None:
    """Send everything back."""
    with suppress(anyio.BrokenResourceError, anyio.EndOfStream):  # the peer broke off, or has sent everything
        async with stream:
            while True:
                await stream.send(await stream.receive(READ_SIZE))


class Client:
    """A client of the chat."""

    def __init__(self, stream: ByteStream, scope: anyio.CancelScope) -> None:
        self.stream = stream
        self.scope = scope
        self.prefix = b"<user%d> " % next(numbers)
        self.waiting = 0  # bytes
        self.outbox, self.queue = anyio.create_memory_object_stream[bytes](math.inf)

    async def read(self) -> None:
        """Pass on each line that is complete, until the client has no more to say."""
        rest = b""
        room.add(self)
        try:
            while len(rest) <= MAX_LINE:
                *lines, rest = (rest + await self.stream.receive(READ_SIZE)).split(b"\n")
                if lines:
                    text = b"".join([self.prefix + line + b"\n" for line in lines])
                    for other in room - {self}:
                        other.hears(text)
        except anyio.EndOfStream:
            pass  # it has said everything
        finally:
            room.discard(self)
            self.outbox.close()

    def hears(self, text: bytes) -> None:
        """What another one said."""
        self.waiting += len(text)
        if self.waiting > MAX_WAITING:
            self.scope.cancel()
        else:
            self.outbox.send_nowait(text)

    async def write(self) -> None:
        """Write what is queued, until the outbox is closed."""
        with self.queue:
            async for text in self.queue:
                await self.stream.send(text)
                self.waiting -= len(text)


async def chat(stream: ByteStream) -> None:
    """Pass each line on to everyone else."""
    try:
        with anyio.CancelScope() as scope:
            async with stream, anyio.create_task_group() as group:
                client = Client(stream, scope)
                group.start_soon(client.write)
                await client.read()
    except* anyio.BrokenResourceError:
        pass  # the peer broke off


async def serve(args: argparse.Namespace) -> None:
    """Serve for ever."""
    listener: Listener[ByteStream] = await anyio.create_tcp_listener(
        local_host="127.0.0.1", local_port=args.port, backlog=BACKLOG
    )
    if args.cert:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(args.cert, args.key)
        listener = TLSListener(listener, tls, standard_compatible=False)
    await listener.serve(echo if args.service == "echo" else chat)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("backend", choices=("asyncio", "trio"), nargs="?", default="asyncio")
    parser.add_argument("service", choices=("echo", "chat"))
    parser.add_argument("port", type=int)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    options = parser.parse_args()
    anyio.run(serve, options, backend=options.backend)
