"""Tier 9, streams: a connection as two objects to await, a reader and a writer.

Shows: a server and two clients: `readuntil`, `readline`, `drain`, a timeout, a half-close, and how both sides end.
For: those who write applications: it is the usual way to speak over TCP, TLS and Unix sockets.
Often wrong: to write without `drain`: what a slow peer does not read fills the memory. To take `drain` for delivery: it
    waits only while too much waits here. To take `read(n)` for a message: it gives what is there, up to n. To take b""
    for an empty line: it is the end. To forget that a line over `limit`, 64 KiB, raises ValueError; or to `close`.
Next: there is no tier above. On this one stand applications, and libraries for HTTP, databases and chat.
"""

import asyncio
from contextlib import closing


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with closing(writer):  # at the end it writes out what still waits, and ends the connection
        try:
            head = await reader.readuntil(b"\n\n")
        except asyncio.IncompleteReadError as error:
            print("server: a client that left after", error.partial)
            return
        print("server: a client whose head is", head)
        lines = 0
        while line := await reader.readline():  # b"": no more will come. A last line may have no end
            writer.write(b"you said " + line)
            await writer.drain()  # a peer that does not read its answers is not read from either
            lines += 1
        writer.write(b"%d lines, goodbye" % lines)  # the client has finished, and still reads


async def main() -> None:
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        address = server.sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"name: ann\n\nhello\nare you")
        print("client:", await reader.readline())
        try:
            async with asyncio.timeout(0.05):
                await reader.readline()
        except TimeoutError:
            print("client: no answer to half a line. Nothing is lost: what comes later is read later")
        writer.write(b" there?\n")
        print("client:", await reader.readline())
        writer.write_eof()  # half-close: we have finished writing, and go on reading
        print("client:", await reader.read())
        writer.close()
        await writer.wait_closed()

        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"name: b")
        writer.write_eof()
        print("client: the server has closed, so there is", await reader.read())
        writer.close()
        await writer.wait_closed()


if __name__ == "__main__":
    asyncio.run(main())
