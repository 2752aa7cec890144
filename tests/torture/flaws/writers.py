"""What may go wrong with those who write slowly, or not at all."""

from __future__ import annotations

import asyncio

from netkit.wire.lines import TooLong
from tests.torture.flaws import Flaw
from tests.torture.server import Echo, Line


class TakesPiecesForLines(Line):
    """It takes each piece that comes for a line, and not what lies between two newlines."""

    def split(self, data: bytes) -> list[bytes | TooLong]:
        return [*data.splitlines()]


class FewPlaces(Echo):
    """It has a place for fifty clients, and who says nothing keeps theirs."""

    taken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        FewPlaces.taken += 1
        if FewPlaces.taken > 50:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        FewPlaces.taken -= 1


FLAWS = (
    Flaw("slow-writers", TakesPiecesForLines, "broadcast", r"a byte a second did not come through"),
    Flaw("silent", FewPlaces, "echo", r"no connection|no echo"),
)
