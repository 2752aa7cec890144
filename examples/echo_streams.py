"""Echo on tier 9, streams: a coroutine per connection, read from top to bottom.

It gives you accepting, a buffer to read from, and waits where you stand. It leaves to you `drain` after each write
(without it the server's memory is the peer's to fill), noticing the end, bearing a peer that breaks off, and closing.
"""

import asyncio
import socket
import sys
from contextlib import closing, suppress


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with closing(writer), suppress(OSError, asyncio.CancelledError):
        while data := await reader.read(65536):  # b"" is the end; closing writes out what still waits
            writer.write(data)
            await writer.drain()  # raises OSError where the peer broke off, and is cancelled by Ctrl-C


async def serve(listener: socket.socket) -> None:
    print("listening on {}:{}".format(*listener.getsockname()), flush=True)
    with closing(await asyncio.start_server(echo, sock=listener)):
        await asyncio.Event().wait()  # serve_forever() would keep Ctrl-C waiting until every peer has left


if __name__ == "__main__":
    with suppress(KeyboardInterrupt), socket.create_server(("127.0.0.1", int([*sys.argv, "8888"][1]))) as listener:
        asyncio.run(serve(listener))
