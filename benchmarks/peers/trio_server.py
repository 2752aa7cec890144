"""Trio: a task per connection; in the chat one more that writes, fed through a memory channel.

usage: trio_server.py {echo,chat} PORT [--cert FILE --key FILE]

The lines of one read make one item in each receiver's channel, and each item is one write. A channel counts items, so
the bytes that wait are counted here.
"""

from __future__ import annotations

import argparse
import itertools
import math
import ssl
from contextlib import suppress

import trio

READ_SIZE = 65536
BACKLOG = 1024
MAX_LINE = 65536
MAX_WAITING = 256 * 1024  # bytes for one client of the chat: whoever lets more pile up is cut off

room: set[Client] = set()
numbers = itertools.count(1)


async def echo(stream: trio.abc.Stream) -> None:
    """Send everything back."""
    with suppress(trio.BrokenResourceError):  # the peer broke off
        async with stream:
            while data := await stream.receive_some(READ_SIZE):
                await stream.send_all(data)


class Client:
    """A client of the chat."""

    def __init__(self, stream: trio.abc.Stream, scope: trio.CancelScope) -> None:
        self.stream = stream
        self.scope = scope
        self.prefix = b"<user%d> " % next(numbers)
        self.waiting = 0  # bytes
        self.outbox, self.queue = trio.open_memory_channel[bytes](math.inf)

    async def read(self) -> None:
        """Pass on each line that is complete, until the client has no more to say."""
        rest = b""
        room.add(self)
        try:
            while (data := await self.stream.receive_some(READ_SIZE)) and len(rest) <= MAX_LINE:
                *lines, rest = (rest + data).split(b"\n")
                if lines:
                    text = b"".join([self.prefix + line + b"\n" for line in lines])
                    for other in room - {self}:
                        other.hears(text)
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
        async for text in self.queue:
            await self.stream.send_all(text)
            self.waiting -= len(text)


async def chat(stream: trio.abc.Stream) -> None:
    """Pass each line on to everyone else."""
    try:
        with trio.CancelScope() as scope:
            async with stream, trio.open_nursery() as nursery:
                client = Client(stream, scope)
                nursery.start_soon(client.write)
                await client.read()
    except* trio.BrokenResourceError:
        pass  # the peer broke off


async def main() -> None:
    """Serve for ever."""
    parser = argparse.ArgumentParser()
    parser.add_argument("service", choices=("echo", "chat"))
    parser.add_argument("port", type=int)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    args = parser.parse_args()
    handler = echo if args.service == "echo" else chat
    if args.cert:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(args.cert, args.key)
        await trio.serve_ssl_over_tcp(handler, args.port, tls, host="127.0.0.1", backlog=BACKLOG)
    else:
        await trio.serve_tcp(handler, args.port, host="127.0.0.1", backlog=BACKLOG)


if __name__ == "__main__":
    trio.run(main)
