"""Bare asyncio in several processes: what netkit's workers are held against. No supervisor, no limits, no time-outs.

usage: pair.py {streams,protocols} {asyncio,uvloop} PROCESSES
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from typing import cast

BACKLOG = 1024
READ_SIZE = 65536
ENDS = (signal.SIGTERM, signal.SIGINT)


class Echo(asyncio.Protocol):
    """One connection of tier 8."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Send it back."""
        self.transport.write(data)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection of tier 9."""
    while data := await reader.read(READ_SIZE):
        writer.write(data)
        await writer.drain()
    writer.close()


async def serve(layer: str, sock: socket.socket) -> None:
    """Serve for ever."""
    if layer == "streams":
        server = await asyncio.start_server(echo, sock=sock, backlog=BACKLOG)
    else:
        server = await asyncio.get_running_loop().create_server(Echo, sock=sock, backlog=BACKLOG)
    await server.serve_forever()


def listening(port: int) -> socket.socket:
    """A socket that shares its port."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind(("127.0.0.1", port))
    sock.listen(BACKLOG)
    sock.setblocking(False)
    return sock


def main() -> None:
    """Fork before there is a loop, and wait for a signal, which ends all."""
    layer, loop, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    socks = [listening(0)]
    port = socks[0].getsockname()[1]
    socks += [listening(port) for _ in range(count - 1)]
    children = []
    for own in socks:
        child = os.fork()
        if child:
            children.append(child)
            continue
        for sock in socks:
            if sock is not own:
                sock.close()
        factory = asyncio.new_event_loop
        if loop == "uvloop":
            import uvloop

            factory = uvloop.new_event_loop
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(serve(layer, own))
    for sock in socks:
        sock.close()
    print(f"listening on tcp://127.0.0.1:{port}\nservice bare echo, {count} processes", file=sys.stderr, flush=True)
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    signal.sigwait(ENDS)
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
