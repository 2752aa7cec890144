"""Tier 8, protocols: an object for each connection, which its transport calls when something happens.

Shows: a server on TCP, which sends as many bytes as a line asks for, in all its calls; and datagrams on UDP.
For: those who write frameworks, or count the cost of each message. Nothing waits here: an object keeps what is to come.
Often wrong: to take each data_received for a message: TCP cuts anywhere. To write on after pause_writing. To answer
    later than an eof_received that returned None: that closes. To think that UDP delivers: it only cuts nothing.
Next: tier 9, streams: a protocol that comes with asyncio, and makes of these calls something to await.
"""

import asyncio


class Lines(asyncio.Protocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # never another one
        self.transport, self.rest = transport, b""

    def data_received(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.transport.write(bytes(int(line)))

    def pause_writing(self) -> None:  # called out of write()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        print("resume_writing: after pause_writing we read no lines of a client that did not read; now we do")
        self.transport.resume_reading()

    def eof_received(self) -> None:
        print("eof_received: this line has no end:", self.rest)

    def connection_lost(self, exc: Exception | None) -> None:
        print("connection_lost: the last call. Was there an error?", exc)


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard = asyncio.Queue[bytes]()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard.put_nowait(data)


async def main() -> None:
    async with await asyncio.get_running_loop().create_server(Lines, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"16000000\n5")
        print("client: asked for 16000000 bytes, got", len(await reader.readexactly(16_000_000)))
        writer.write(b"0\n100")
        writer.write_eof()
        print("client: asked for 5 and then 0, which is 50, got", len(await reader.read()))
        writer.close()
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(Datagrams, ("127.0.0.1", 0))
    transport.sendto(b"hello", transport.get_extra_info("sockname"))  # to itself: UDP knows no connection
    print("datagram_received:", await protocol.heard.get())
    transport.close()


if __name__ == "__main__":
    asyncio.run(main())
