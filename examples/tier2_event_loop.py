"""Tier 2, the event loop: it waits for sockets and clocks, and calls what is due, one thing at a time, in one thread.

Shows: a server made of callbacks alone, in the order in which the loop calls them; `asyncio.run` and `asyncio.Runner`,
    and uvloop in place of asyncio's own loop where it is installed, with the same result.
For: everybody, to run a program. Its methods are for those who write frameworks.
Often wrong: a callback, or a stretch between two `await`s, that takes long or blocks: nobody else gets a turn before it
    returns. An exception in a callback: it reaches nobody, and is logged. `BaseEventLoop` in a check or an annotation:
    it is the base of asyncio's own loops, and uvloop's is only an `AbstractEventLoop`. What older texts say:
    `get_event_loop()` makes no loop any more since 3.14, and raises where there is none; `run_until_complete()` leaves
    the cleaning up to you; `set_event_loop_policy()` is deprecated since 3.14; most `loop=` arguments went in 3.10.
Next: tier 3, futures: how a coroutine can wait for what a callback learns.
"""

import asyncio
import socket
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec


async def visit() -> asyncio.AbstractEventLoop:
    """A client that asks a server made of callbacks, and tells which loop it was that ran them."""
    loop = asyncio.get_running_loop()
    server, client = socket.socketpair()

    def readable() -> None:
        impatience.cancel()
        loop.call_soon(consider)
        print("  add_reader: the server can read", server.recv(1024))
        print("  add_reader: ends, and only now can another callback begin")

    def consider() -> None:
        loop.call_later(0.01, answer)
        print("  call_soon: its turn comes after all that was due before it")

    def answer() -> None:
        server.sendall(b"pong")
        print("  call_later: the server has answered")

    with server, client:
        client.setblocking(False)
        loop.add_reader(server, readable)
        impatience = loop.call_later(60, print, "  call_later: never seen, as it is cancelled")
        loop.call_soon(client.sendall, b"ping")
        print("  visit: all is arranged, and nothing has been called")
        print("  visit: the client can read", await loop.sock_recv(client, 1024))
        loop.remove_reader(server)  # before the socket is closed: the loop would go on watching its number
    return loop


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    module = import_module("uvloop") if find_spec("uvloop") else asyncio
    factory: Callable[[], asyncio.AbstractEventLoop] = module.new_event_loop
    return factory


if __name__ == "__main__":
    print("asyncio.run: made a loop, and has closed it:", asyncio.run(visit()).is_closed())
    with asyncio.Runner(loop_factory=loop_factory()) as runner:  # asyncio.run takes a loop_factory since Python 3.12
        print("Runner: keeps its loop for the next run:", runner.run(visit()) is runner.get_loop())
