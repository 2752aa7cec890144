"""The bare servers of a tutorial, one per tier: no limits, no time-outs, no accounting.

They are what a layer is held against: the ratio is what netkit's safety costs.

usage: bare.py {transports,protocols,streams} {asyncio,uvloop} PORT
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast


class Echo(asyncio.Protocol):
    """Tier 8."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Send it back."""
        self.transport.write(data)


SHARED = memoryview(bytearray(256 * 1024))


class BufferedEcho(asyncio.BufferedProtocol):
    """Tier 7, as far as it can be had without accepting by hand."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.Transport, transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """One buffer for all."""
        return SHARED

    def buffer_updated(self, nbytes: int) -> None:
        """Send a copy back."""
        self.transport.write(bytes(SHARED[:nbytes]))


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Tier 9."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


async def main(layer: str, port: int) -> None:
    """Serve for ever."""
    if layer == "streams":
        server = await asyncio.start_server(echo, "127.0.0.1", port, backlog=1024)
    else:
        factory = BufferedEcho if layer == "transports" else Echo
        server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[2] == "uvloop":
        import uvloop

        uvloop.run(main(sys.argv[1], int(sys.argv[3])))
    else:
        asyncio.run(main(sys.argv[1], int(sys.argv[3])))
