"""What may go wrong when a server is to end, and when it is started again."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
from collections.abc import Callable

from tests.torture.flaws import Flaw
from tests.torture.server import Echo, Server


class Stopping(Echo):
    """Has its own way to end."""

    there: set[Stopping]
    reuse_address = True

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.there.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.there.discard(self)

    @classmethod
    async def serve(cls, port: int, cert: str, key: str) -> None:
        cls.there = set()
        loop = asyncio.get_running_loop()
        shared = Server()
        loop.add_signal_handler(signal.SIGTERM, cls.stop)
        await loop.create_server(lambda: cls(shared), "127.0.0.1", port, reuse_address=cls.reuse_address)
        await asyncio.Event().wait()

    @classmethod
    def stop(cls) -> None:
        os._exit(0)


class IgnoresIt(Stopping):
    """SIGTERM means nothing to it."""

    @classmethod
    def stop(cls) -> None:
        pass


class EndsInError(Stopping):
    """It calls its end by SIGTERM an error."""

    @classmethod
    def stop(cls) -> None:
        os._exit(1)


class SaysGoodbye(Stopping):
    """What it says in the end was not said by whom it echoes."""

    @classmethod
    def stop(cls) -> None:
        for each in cls.there:
            each.transport.write(b"*** goodbye\n")
        os._exit(0)


class BreaksOff(Stopping):
    """It resets all connections."""

    @classmethod
    def stop(cls) -> None:
        for each in cls.there:
            sock = each.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os._exit(0)


class WaitsForAll(Stopping):
    """It ends when the last connection has ended, for which all that is unwritten must be read."""

    @classmethod
    def stop(cls) -> None:
        for each in cls.there:
            each.transport.close()
        cls.look()

    @classmethod
    def look(cls) -> None:
        if not cls.there:
            os._exit(0)
        asyncio.get_running_loop().call_later(0.01, cls.look)


class ThinksAgain(Stopping):
    """It ends a second after SIGTERM; another one takes that back."""

    timer: asyncio.TimerHandle | None = None

    @classmethod
    def stop(cls) -> None:
        if cls.timer is not None:
            cls.timer.cancel()
            return
        end: Callable[[int], object] = os._exit
        cls.timer = asyncio.get_running_loop().call_later(1.0, end, 0)


class WantsTheAddressAlone(Stopping):
    """It binds without SO_REUSEADDR."""

    reuse_address = False


FLAWS = (
    Flaw("sigterm-under-load", IgnoresIt, "echo", r"has not ended within 3 s of SIGTERM"),
    Flaw("sigterm-under-load", EndsInError, "echo", r"after SIGTERM, the server has exited with 1"),
    Flaw("sigterm-under-load", SaysGoodbye, "echo", r"an echo has sent back .*, and wrong ones"),
    Flaw("sigterm-under-load", BreaksOff, "echo", r"silent was reset"),
    Flaw("sigterm-with-a-stalled-reader", WaitsForAll, "echo", r"has not ended within 3 s of SIGTERM"),
    Flaw("twice-sigterm", ThinksAgain, "echo", r"has not ended within 3 s of two SIGTERM"),
    Flaw("sigkill", WantsTheAddressAlone, "echo", r"does not start again on the same endpoint"),
)
