"""Echo on tier 9, streams: each connection is a coroutine, read from top to bottom.

The tier gives you accepting, a buffer to read from, and waits where you stand: `read` for bytes, `drain` for
a peer that reads too slowly. It leaves to you that `drain` after each write (without it the server's memory
is the peer's to fill), noticing the end, bearing a peer that breaks off, and closing.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.CancelledError):
        while data := await reader.read(65536):  # b"" is the end; closing writes out what still waits
            writer.write(data)
            await writer.drain()  # raises OSError where the peer broke off, and is cancelled by Ctrl-C


async def serve(listener: socket.socket) -> None:
    with contextlib.closing(await asyncio.start_server(echo, sock=listener)):
        await asyncio.Event().wait()  # serve_forever() would keep Ctrl-C waiting until every peer has left


async def main(port: int) -> None:
    with socket.create_server(("127.0.0.1", port)) as listener:
        print("listening on {}:{}".format(*listener.getsockname()), flush=True)
        await serve(listener)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8888))
