"""What may go wrong with those who do not read."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from tests.torture.flaws import Flaw
from tests.torture.server import PAUSE, Echo, Line


class KeepsAll(Echo):
    """It reads on from who does not read, and keeps all of it."""

    def pause_writing(self) -> None:
        pass

    def resume_writing(self) -> None:
        pass


class WaitsForTheSlowest(Line):
    """It waits until each has taken what is said, before it reads on from anybody."""

    slow: ClassVar[set[Line]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(0)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.slow.discard(self)

    def pause_writing(self) -> None:
        self.slow.add(self)

    def resume_writing(self) -> None:
        self.slow.discard(self)

    def work(self) -> None:
        if self.slow:
            self.transport.pause_reading()
            self.timer = asyncio.get_running_loop().call_later(PAUSE, self.work)
        else:
            super().work()

    def write(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(data)


FLAWS = (
    Flaw("reader-stops", KeepsAll, "echo", r"grown by .* for a client that does not read|goes on"),
    Flaw("listener-stops", WaitsForTheSlowest, "broadcast", r"has not heard message|99th percentile"),
)
