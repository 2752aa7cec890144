"""Tier 7, transports: what holds a socket, writes what it is given, and reads while it is let.

Shows: a Transport, which is a ReadTransport and a WriteTransport in one (pipes have them apart): what waits in it for a
    peer that does not read, how reading is paused, and two ends. DatagramTransport is in tier 8.
For: those who write frameworks. Those who write applications meet it as `writer.transport`.
Often wrong: to think that write() waits, or has sent all when it returns: what the kernel does not take, it keeps. To
    read or write on the socket that get_extra_info("socket") gives for its options. To drop a transport unclosed.
Next: tier 8, protocols: what a transport calls when something happens.
"""

import asyncio
import socket
from contextlib import closing

MIB = 1 << 20  # more than the kernel and the peer's reader take from a writer


class Notes(asyncio.Protocol):  # whom the transport calls: tier 8. This one takes down what it hears
    def __init__(self) -> None:
        self.heard = asyncio.Queue[bytes]()

    def data_received(self, data: bytes) -> None:
        self.heard.put_nowait(data)


async def connect() -> tuple[asyncio.Transport, Notes, asyncio.StreamReader, asyncio.StreamWriter]:
    ours, theirs = socket.socketpair()
    transport, notes = await asyncio.get_running_loop().create_connection(Notes, sock=ours)
    return transport, notes, *await asyncio.open_connection(sock=theirs)  # the peer, on tier 9: it may be anything


async def main() -> None:
    transport, notes, reader, writer = await connect()
    with closing(writer):
        print("get_extra_info: what it holds is", transport.get_extra_info("socket").type.name)
        transport.set_write_buffer_limits(high=100_000)
        print("get_write_buffer_limits: resume and pause the writer at", transport.get_write_buffer_limits())

        transport.pause_reading()
        writer.write(b"hello")
        transport.write(bytes(MIB))
        print("write: it has returned, and something waits:", transport.get_write_buffer_size() > 0)
        print("the peer reads", len(await reader.readexactly(MIB)), "- waiting:", transport.get_write_buffer_size())
        print("pause_reading: meanwhile we have heard nothing:", notes.heard.empty())
        transport.resume_reading()
        print("resume_reading: now we hear", await notes.heard.get())

        transport.write(bytes(MIB))
        transport.close()
        print("close: what waits is written, and the peer gets it all:", len(await reader.read()) == MIB)

    transport, notes, reader, writer = await connect()
    with closing(writer):
        transport.write(bytes(MIB))
        transport.abort()
        print("abort: what waits is dropped, and the peer gets less:", 0 < len(await reader.read()) < MIB)


if __name__ == "__main__":
    asyncio.run(main())
