"""What may go wrong where a server has no descriptors left."""

from __future__ import annotations

import asyncio
import socket

from tests.torture.flaws import Flaw
from tests.torture.server import Echo, Server


class TriesAtOnce(Echo):
    """It tries to accept whenever somebody waits, even if it has just failed."""

    @classmethod
    async def serve(cls, port: int, cert: str, key: str) -> None:
        loop = asyncio.get_running_loop()
        listening = socket.create_server(("127.0.0.1", port), backlog=1024)
        listening.setblocking(False)
        tasks = []

        def accept() -> None:
            try:
                sock, _ = listening.accept()
            except OSError:
                return
            tasks.append(asyncio.ensure_future(loop.connect_accepted_socket(lambda: cls(Server()), sock)))

        loop.add_reader(listening, accept)
        await asyncio.Event().wait()


class GivesUp(Echo):
    """It ends its loop over accept when that fails, and serves those who are there."""

    @classmethod
    async def serve(cls, port: int, cert: str, key: str) -> None:
        loop = asyncio.get_running_loop()
        listening = socket.create_server(("127.0.0.1", port), backlog=1024)
        listening.setblocking(False)
        while True:
            try:
                sock, _ = await loop.sock_accept(listening)
            except OSError:
                await asyncio.Event().wait()
            await loop.connect_accepted_socket(lambda: cls(Server()), sock)


FLAWS = (
    Flaw("descriptors-run-out", TriesAtOnce, "echo", r"% of the time while it has no descriptors left"),
    Flaw("descriptors-run-out", GivesUp, "echo", r"after all of them had left, no (echo|connection)"),
)
