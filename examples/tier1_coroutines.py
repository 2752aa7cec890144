"""Tier 1, coroutines: functions that may stop at an `await`, and go on from there when what they wait for has come.

Shows: one conversation of a server with `await`, `async for` and `async with`, and the states that it goes through.
For: everybody. Those who write applications write little else.
Often wrong: a call without `await`. `serve(sock)` runs nothing: it only makes an object, and Python warns when that is
    thrown away. Nor does `await` start anything at the side: we wait, and others can run until what we wait for is
    there. `@asyncio.coroutine` with `yield from`, as in older texts, is gone since Python 3.11.
Next: tier 2, the event loop: who runs the others while a coroutine waits, and in which order.
"""

import asyncio
import inspect
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager


async def requests(sock: socket.socket) -> AsyncIterator[str]:
    rest = b""
    while data := await asyncio.get_running_loop().sock_recv(sock, 1024):  # b"": the client has finished
        *lines, rest = (rest + data).split(b"\n")  # data ends anywhere, and seldom where a line does
        for line in lines:
            yield line.decode()  # one turn of `async for`; then on from here


@asynccontextmanager
async def session(sock: socket.socket) -> AsyncIterator[None]:
    await asyncio.get_running_loop().sock_sendall(sock, b"hello\n")
    yield  # the body of `async with`; if that fails, the exception comes out of here, and nobody is told goodbye
    await asyncio.get_running_loop().sock_sendall(sock, b"goodbye\n")


async def serve(sock: socket.socket) -> None:
    async with session(sock):
        async for request in requests(sock):
            total = sum(int(number) for number in request.split())
            print(f"server: {request} makes {total}")
            await asyncio.get_running_loop().sock_sendall(sock, f"{total}\n".encode())


def say_the_rest(client: socket.socket, conversation: Coroutine[object, object, None]) -> None:
    print(f"client: {inspect.getcoroutinestate(conversation)}: the server waits for the rest of a line. Here it is")
    client.sendall(b"22\n")
    client.shutdown(socket.SHUT_WR)  # no more requests, but answers can still be read


async def main() -> None:
    server, client = socket.socketpair()  # the two ends of a connection
    with server, client:
        server.setblocking(False)  # waiting for it shall stop one coroutine at an `await`, not the whole process
        client.sendall(b"1 2\n20 ")
        conversation = serve(server)
        print(f"called: {inspect.getcoroutinestate(conversation)}: not a line of it has run")
        asyncio.get_running_loop().call_soon(say_the_rest, client, conversation)  # its turn is when main waits: tier 2
        await conversation
        print(f"awaited: {inspect.getcoroutinestate(conversation)}: the client has {client.recv(1024)!r}")


if __name__ == "__main__":
    asyncio.run(main())
