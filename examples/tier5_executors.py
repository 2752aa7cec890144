"""Tier 5, executors and subprocesses: other threads and other processes, for what cannot wait by `await`.

Shows: a client that blocks, in a thread; a server that is well while a process computes; another program as a filter.
For: everybody who must use a library that blocks, or compute for more than a few milliseconds.
Often wrong: a thread for Python code that computes: it and the loop share one lock, the GIL. To believe that cancelling
    the `await` stops the work: it goes on, and its result is dropped. To start processes by "fork" where there are
    threads. `process.wait()` while nobody reads its pipes: `communicate()` does both.
Next: tier 6, tools: how coroutines wait for each other.
"""

import asyncio
import hashlib
import socket
from asyncio.subprocess import PIPE
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context


def ask(address: tuple[str, int]) -> str:
    """It blocks, as many libraries do. A coroutine that called it would hold up the very server it asks, for ever."""
    with socket.create_connection(address) as sock:
        return sock.recv(1024).decode()


def stamp(text: str) -> int:
    """Work for a processor: the first number that makes the hash begin with four zeros, as in a hashcash stamp."""
    return next(n for n in range(2**32) if hashlib.sha256(f"{text}{n}".encode()).hexdigest().startswith("0000"))


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"I am well")
    writer.close()


async def main(processes: Executor) -> None:
    loop = asyncio.get_running_loop()
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        address = server.sockets[0].getsockname()
        print("run_in_executor, a thread:", await loop.run_in_executor(None, ask, address))  # None: the loop's own
        print("to_thread, the same in short:", await asyncio.to_thread(ask, address))  # begins when it is awaited

        number = loop.run_in_executor(processes, stamp, "netkit")  # begins at once
        print("run_in_executor, a process: it has begun; done:", number.done())
        answers = set()
        while not number.done():
            answers.add(await asyncio.to_thread(ask, address))
            await asyncio.wait([number], timeout=0.02)  # until the next heartbeat, unless the number is there first
        print("all the while, the server says:", *answers)
        print("the stamp is", await number)

        sort = await asyncio.create_subprocess_exec("sort", stdin=PIPE, stdout=PIPE)
        output, _ = await sort.communicate(b"thread\nprocess\nprogram\n")  # the other are its errors, if in a pipe
        print("create_subprocess_exec, a filter:", output)


if __name__ == "__main__":  # the new process imports this file too, and shall not go on here
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:  # its end blocks, so it is outside of main
        asyncio.run(main(pool))
