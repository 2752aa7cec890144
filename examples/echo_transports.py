"""Echo on tier 7, transports: each connection is a transport you made, with a shim that hears its reports.

The tier gives you reading and writing that never block, in memory of your choice. It leaves to you accepting
and its failures, asking after a write how much waits, and copying whatever must outlive the next read.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from typing import cast

BUFFER = memoryview(bytearray(65536))  # one for all connections: each read is answered before the next


class Echo(asyncio.BufferedProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=0)  # resume_writing() comes when nothing waits any more

    def get_buffer(self, sizehint: int) -> memoryview:
        return BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        self.transport.write(bytes(BUFFER[:nbytes]))  # a copy: what cannot be sent now is kept as it is
        if self.transport.get_write_buffer_size():
            self.transport.pause_reading()  # who does not read its echo sends no more

    def resume_writing(self) -> None:
        self.transport.resume_reading()


async def serve(listener: socket.socket) -> None:
    listener.setblocking(False)
    while True:
        try:
            sock, _ = await asyncio.get_running_loop().sock_accept(listener)
            await asyncio.get_running_loop().connect_accepted_socket(Echo, sock)
        except OSError:  # no descriptor is free, or the peer has left already
            await asyncio.sleep(0.1)  # the others go on, and give descriptors back


async def main(port: int) -> None:
    with socket.create_server(("127.0.0.1", port)) as listener:
        print("listening on {}:{}".format(*listener.getsockname()), flush=True)
        await serve(listener)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8888))
