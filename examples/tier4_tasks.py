"""Tier 4, tasks: coroutines that run beside each other, each of them driven by the loop from `await` to `await`.

Shows: to fetch from servers at once: all answer, one fails, one is too slow; and a task that is kept in the background.
For: everybody who waits for more than one thing. Prefer a TaskGroup: no task outlives it, and no error is lost.
Often wrong: `create_task` without keeping the task: the loop refers to it only weakly, and it may vanish half done.
    To take `cancel()` for the end: it asks, and the task ends in a turn of its own. To catch CancelledError and go on.
    And `ensure_future`, as in older texts, where `create_task` says what is meant.
Next: tier 5, executors and subprocesses: for what cannot wait by `await`, other threads and processes.
"""

import asyncio
import socket
from contextlib import closing
from functools import partial


async def serve(answer: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(answer)
    writer.close()  # once it is written


async def fetch(listener: socket.socket) -> str:
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    with closing(writer):  # however the next line ends: with a line, with an error, or cancelled
        return (await reader.readuntil(b"\n")).decode().rstrip()


async def main() -> None:
    answers = (b"21 degrees\n", b"28 degrees\n", b"")
    servers = [await asyncio.start_server(partial(serve, answer), "127.0.0.1", 0) for answer in answers]
    north, south, broken = (server.sockets[0] for server in servers)
    async with servers[0], servers[1], servers[2]:
        with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel lets clients in, and nobody answers them
            patient = asyncio.create_task(fetch(silent))
            background = {patient}  # a reference that lasts as long as the task
            patient.add_done_callback(background.discard)
            async with asyncio.TaskGroup() as group:
                first, second = group.create_task(fetch(north)), group.create_task(fetch(south))
            print(f"group: all are done, so result() is there: {first.result()}, {second.result()}")

            try:
                async with asyncio.TaskGroup() as group:
                    first, second = group.create_task(fetch(silent)), group.create_task(fetch(broken))
            except* EOFError as failed:  # the star: a group raises all the errors of its tasks, as one ExceptionGroup
                print(f"group: {type(failed.exceptions[0]).__name__}, so the other is cancelled: {first.cancelled()}")

            try:
                async with asyncio.timeout(0.05):
                    await fetch(silent)
            except TimeoutError:
                print("timeout: cancelled inside of it, TimeoutError outside")

            patient.cancel()
            print(f"background: asked to end; done: {patient.done()}, kept: {len(background)}")
            await asyncio.wait([patient])  # `await patient` would raise its CancelledError here
            print(f"background: it had its turn; cancelled: {patient.cancelled()}, kept: {len(background)}")


if __name__ == "__main__":
    asyncio.run(main())
