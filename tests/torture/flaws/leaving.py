"""What may go wrong when somebody goes."""

from __future__ import annotations

import asyncio
import os

from netkit.wire.lines import LineSplitter, TooLong
from tests.torture.flaws import Flaw
from tests.torture.server import LONGEST, Echo, Line


class StopsAtWhoIsGone(Line):
    """A connection that was broken off stays in the list, and who comes after it hears nothing any more."""

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None:
            super().connection_lost(exc)

    def write(self, data: bytes) -> None:
        if self.transport.is_closing():
            raise ConnectionResetError
        super().write(data)


class DiesOfABrokenWrite(Echo):
    """It takes an error of one connection for its own."""

    def connection_lost(self, exc: Exception | None) -> None:
        if isinstance(exc, OSError):
            os._exit(3)


class DiesWithoutAnAddress(Echo):
    """It wants to know who it is that comes, and gives up where nobody is."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        try:
            transport.get_extra_info("socket").getpeername()
        except OSError:
            os._exit(2)


class KeepsWhoSaidNothing(Echo):
    """The end of a connection is the end of a message, and without one there is nothing to end."""

    said = False

    def data_received(self, data: bytes) -> None:
        self.said = True
        super().data_received(data)

    def eof_received(self) -> bool:
        return not self.said


class ThrowsAnswersAway(Echo):
    """It answers a little later, and goes as soon as the other side does."""

    def data_received(self, data: bytes) -> None:
        asyncio.get_running_loop().call_later(0.05, self.transport.write, data)

    def eof_received(self) -> bool:
        self.transport.abort()
        return False


class NeverEnds(Echo):
    """It waits for the other side to end, which has."""

    def eof_received(self) -> bool:
        return True


class ForgetsTheLastLine(Line):
    """What has no newline is no line."""

    def eof_received(self) -> bool:
        self.splitter = LineSplitter(LONGEST)
        return super().eof_received()


class HasOneBuffer(Line):
    """All connections share a buffer for what has no newline yet."""

    shared = LineSplitter(LONGEST)

    def split(self, data: bytes) -> list[bytes | TooLong]:
        return HasOneBuffer.shared.feed(data)


FLAWS = (
    Flaw("reset-while-written-to", StopsAtWhoIsGone, "broadcast", r"broke off did not come through|has not heard"),
    Flaw("reset-while-written-to", DiesOfABrokenWrite, "echo", r"exited with 3"),
    Flaw("reset-at-once", DiesWithoutAnAddress, "echo", r"exited with 2"),
    Flaw("connect-storm", KeepsWhoSaidNothing, "echo", r"descriptors open, before it was"),
    Flaw("half-close", ThrowsAnswersAway, "echo", r"bytes before the end of our side [\d,]+ came back"),
    Flaw("half-close", NeverEnds, "echo", r"has not ended its side within"),
    Flaw("half-close", ForgetsTheLastLine, "chat", r"before the end of our side did not come through"),
    Flaw("leave-mid-line", HasOneBuffer, "broadcast", r"was glued to half a line"),
)
