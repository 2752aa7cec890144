"""Tier 3, futures: the place where a result will be, put there by a callback and awaited by a coroutine.

Shows: a client that calls back made fit for `await`: a result, an exception, and an answer that comes too late.
For: those who write frameworks, or tie an API of callbacks to coroutines. All others await futures without seeing them.
Often wrong: to set a result where the waiter was cancelled: it raises InvalidStateError, so ask `done()` first. To set
    one from another thread, without `loop.call_soon_threadsafe`. To write `asyncio.Future()`: ask the loop for its own.
Next: tier 4, tasks: futures that run a coroutine, and whose result is what it returns.
"""

import asyncio
import socket
from collections.abc import Callable


def serve(server: socket.socket) -> None:
    name, client = server.recvfrom(1024)
    server.sendto({b"www": b"192.0.2.1", b"mail": b"192.0.2.2"}.get(name, b""), client)


def ask(where: tuple[str, int], name: str, callback: Callable[[str], None]) -> None:  # of the old kind: it calls back
    def readable() -> None:
        loop.remove_reader(sock)
        with sock:
            callback(sock.recv(1024).decode())

    loop, sock = asyncio.get_running_loop(), socket.socket(type=socket.SOCK_DGRAM)
    loop.add_reader(sock, readable)
    sock.sendto(name.encode(), where)


async def lookup(where: tuple[str, int], name: str) -> str:
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def answered(answer: str) -> None:
        if future.done():  # cancelled, as the task that awaited it was
            print(f"{name}: the answer comes, and nobody waits for it")
        elif answer:
            future.set_result(answer)  # whoever awaits it goes on with this in a later turn of the loop
        else:
            future.set_exception(LookupError("no such name"))  # the `await` raises it

    ask(where, name, answered)
    return await future


async def main() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        asyncio.get_running_loop().add_reader(server, serve, server)
        for name, patience in (("www", None), ("nowhere", None), ("mail", 0), ("www", None)):
            try:
                async with asyncio.timeout(patience):  # 0: it asks, and is cancelled before the loop reads the answer
                    print(f"{name}: result {await lookup(server.getsockname(), name)}")
            except (LookupError, TimeoutError) as error:
                print(f"{name}: {error!r}")
        asyncio.get_running_loop().remove_reader(server)


if __name__ == "__main__":
    asyncio.run(main())
