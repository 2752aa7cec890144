"""Echo on tier 7, transports: it leaves to you accepting, memory, and asking after a write how much waits."""

import asyncio
import socket
import sys
from contextlib import suppress

BUFFER = memoryview(bytearray(65536))  # one for all connections: each read is answered before the next


class Echo(asyncio.BufferedProtocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # never another one
        self.transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        return BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        self.transport.write(bytes(BUFFER[:nbytes]))  # a copy: what cannot be sent now is kept as it is
        if self.transport.get_write_buffer_size() > 65536:  # resume_writing() comes when enough has gone
            self.transport.pause_reading()  # who does not read its echo sends no more

    def resume_writing(self) -> None:
        self.transport.resume_reading()


async def serve(listener: socket.socket) -> None:
    print("listening on {}:{}".format(*listener.getsockname()), flush=True)
    listener.setblocking(False)
    while True:
        try:
            sock, _ = await asyncio.get_running_loop().sock_accept(listener)
            await asyncio.get_running_loop().connect_accepted_socket(Echo, sock)
        except OSError:  # no descriptor is free, or the peer has left already
            await asyncio.sleep(0.1)  # the others go on, and give descriptors back


if __name__ == "__main__":
    with suppress(KeyboardInterrupt), socket.create_server(("127.0.0.1", int([*sys.argv, "8888"][1]))) as listener:
        asyncio.run(serve(listener))
