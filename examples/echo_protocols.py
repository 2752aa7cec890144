"""Echo on tier 8, protocols: each connection is an object, called when something happens to it.

The tier gives you accepting, the bytes as they arrive, a call when too many wait for a slow peer, and closing
at the peer's end with the rest written out. It leaves to you what to do about the slow peer (do nothing, and
the server's memory is the peer's to fill), and to keep in the object what one call must tell the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from typing import cast


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)

    def pause_writing(self) -> None:
        self.transport.pause_reading()  # who does not read its echo sends no more

    def resume_writing(self) -> None:
        self.transport.resume_reading()


async def serve(listener: socket.socket) -> None:
    with contextlib.closing(await asyncio.get_running_loop().create_server(Echo, sock=listener)):
        await asyncio.Event().wait()  # serve_forever() would keep Ctrl-C waiting until every peer has left


async def main(port: int) -> None:
    with socket.create_server(("127.0.0.1", port)) as listener:
        print("listening on {}:{}".format(*listener.getsockname()), flush=True)
        await serve(listener)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8888))
