"""Tornado: a TCPServer whose coroutine has an IOStream per connection.

usage: tornado_server.py {echo,chat} PORT [--cert FILE --key FILE]

The chat joins the lines of one read into one write per receiver, and lets the stream's own bound find slow clients.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import ssl
from contextlib import suppress

from tornado.iostream import IOStream, StreamBufferFullError, StreamClosedError
from tornado.tcpserver import TCPServer

READ_SIZE = 65536
BACKLOG = 1024
MAX_LINE = 65536
MAX_WAITING = 256 * 1024  # bytes for one client of the chat: whoever lets more pile up is cut off

room: set[IOStream] = set()
numbers = itertools.count(1)


class Echo(TCPServer):
    """Sends everything back."""

    async def handle_stream(self, stream: IOStream, address: tuple[str, int]) -> None:
        """Until the stream is closed, which it is once the peer has sent everything."""
        stream.set_nodelay(True)
        with suppress(StreamClosedError):
            while True:
                await stream.write(await stream.read_bytes(READ_SIZE, partial=True))


class Chat(TCPServer):
    """Passes each line on to everyone else."""

    async def handle_stream(self, stream: IOStream, address: tuple[str, int]) -> None:
        """Until the stream is closed."""
        stream.set_nodelay(True)
        stream.max_write_buffer_size = MAX_WAITING
        prefix = b"<user%d> " % next(numbers)
        rest = b""
        room.add(stream)
        try:
            while len(rest) <= MAX_LINE:
                *lines, rest = (rest + await stream.read_bytes(READ_SIZE, partial=True)).split(b"\n")
                if lines:
                    tell(room - {stream}, b"".join([prefix + line + b"\n" for line in lines]))
        except StreamClosedError:
            pass  # by the client, or by tell
        finally:
            room.discard(stream)
            stream.close()


def tell(others: set[IOStream], text: bytes) -> None:
    """Write it to all of them, and cut off those for whom too much waits."""
    for other in others:
        try:
            other.write(text)
        except (StreamBufferFullError, StreamClosedError):
            room.discard(other)
            other.close()


async def serve(args: argparse.Namespace) -> None:
    """Serve for ever."""
    tls = None
    if args.cert:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(args.cert, args.key)
    server = (Echo if args.service == "echo" else Chat)(ssl_options=tls, read_chunk_size=READ_SIZE)
    server.listen(args.port, "127.0.0.1", backlog=BACKLOG)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("service", choices=("echo", "chat"))
    parser.add_argument("port", type=int)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    asyncio.run(serve(parser.parse_args()))
