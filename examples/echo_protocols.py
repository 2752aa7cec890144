"""Echo on tier 8, protocols: an object per connection, called when something happens to it.

It gives you accepting, the bytes, and a call when too many wait for a slow peer: do nothing about that, and the
server's memory is the peer's to fill. What one call must tell the next, the object keeps.
"""

import asyncio
import socket
import sys
from contextlib import closing, suppress


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # never another one
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)

    def pause_writing(self) -> None:
        self.transport.pause_reading()  # who does not read its echo sends no more

    def resume_writing(self) -> None:
        self.transport.resume_reading()


async def serve(listener: socket.socket) -> None:
    print("listening on {}:{}".format(*listener.getsockname()), flush=True)
    with closing(await asyncio.get_running_loop().create_server(Echo, sock=listener)):
        await asyncio.Event().wait()  # serve_forever() would keep Ctrl-C waiting until every peer has left


if __name__ == "__main__":
    with suppress(KeyboardInterrupt), socket.create_server(("127.0.0.1", int([*sys.argv, "8888"][1]))) as listener:
        asyncio.run(serve(listener))
