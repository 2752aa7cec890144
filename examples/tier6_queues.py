"""Tier 6, tools: Queue, Event, Semaphore, Lock and more: how coroutines wait for each other.

Shows: a bounded Queue that holds back a fast sender, an Event that tells of it, a Semaphore that lets in two at a time.
For: everybody who has more than one task.
Often wrong: a Queue without `maxsize`: it takes all that comes, and all memory. A Lock around lines without `await`:
    no other task gets a turn there anyway. To use these from another thread, or `queue.Queue` here: it blocks the loop.
Next: tier 7, transports: what carries the bytes of all these connections.
"""

import asyncio
from asyncio import StreamReader, StreamWriter
from contextlib import closing
from functools import partial


async def collect(names: asyncio.Queue[bytes], full: asyncio.Event, reader: StreamReader, writer: StreamWriter) -> None:
    with closing(writer):
        async for name in reader:
            if names.full():
                full.set()  # whoever waits for it goes on
            await names.put(name)  # waits while it is full; no line is taken then, and TCP slows the sender down


async def greet(reader: StreamReader, writer: StreamWriter) -> None:
    with closing(writer):
        writer.write(b"hello " + await reader.readline())


async def call(server: asyncio.Server, message: bytes) -> str:
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    with closing(writer):
        writer.write(message)
        writer.write_eof()  # no more from us; the answer ends when the server closes
        return (await reader.read()).decode()


async def main() -> None:
    names, full = asyncio.Queue[bytes](maxsize=2), asyncio.Event()
    collector = await asyncio.start_server(partial(collect, names, full), "127.0.0.1", 0)
    greeter = await asyncio.start_server(greet, "127.0.0.1", 0)
    limit, callers = asyncio.Semaphore(2), [0]  # how many are inside, after each change

    async def work() -> str:
        async with limit:  # waits while two others are inside
            callers.append(callers[-1] + 1)
            answer = await call(greeter, await names.get())
            callers.append(callers[-1] - 1)
        return answer

    async with collector, greeter, asyncio.TaskGroup() as group:
        group.create_task(call(collector, b"ann\nbob\ncat\ndan\neve\nfay\n"))
        await full.wait()
        print(f"queue: {names.qsize()} of 6 names are in it; the next waits for a place, and no more are taken")
        workers = [group.create_task(work()) for _ in range(6)]
    print(f"semaphore: {len(workers)} workers, never more than {max(callers)} of them inside")
    print("".join(worker.result() for worker in workers), end="")


if __name__ == "__main__":
    asyncio.run(main())
