"""What may go wrong with datagrams."""

from __future__ import annotations

import asyncio

from tests.torture.flaws import Flaw
from tests.torture.server import Datagrams


class HasASmallBuffer(Datagrams):
    """It reads into a buffer that is too small for many, and the rest of them is gone."""

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        super().datagram_received(data[:4096], addr)


class AnswersInPieces(Datagrams):
    """It answers with pieces that fit into a packet."""

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        for at in range(0, len(data), 1400):
            super().datagram_received(data[at : at + 1400], addr)


class SaysMore(Datagrams):
    """It is polite, to whomever."""

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        super().datagram_received(data, addr)
        if not data:
            self.transport.sendto(b"you sent nothing, did you?", addr)


class AnswersEveryPort(Datagrams):
    """It answers every port, and so the echo of another machine."""

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data and addr != self.own:
            self.transport.sendto(data, addr)


class AnswersItself(Datagrams):
    """It does not know its own address."""

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data and addr[1] >= 1024:
            self.transport.sendto(data, addr)


class AnswersTheLastOne(Datagrams):
    """It answers many at once, and all of them where the last one came from."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.waiting: list[tuple[bytes, tuple[str, int]]] = []

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.waiting.append((data, addr))
        if len(self.waiting) == 1:
            asyncio.get_running_loop().call_later(0.005, self.answer)

    def answer(self) -> None:
        waiting, self.waiting = self.waiting, []
        for data, addr in waiting:
            super().datagram_received(data, addr if len(waiting) < 20 else waiting[-1][1])


class RemembersEach(Datagrams):
    """It keeps something for each source that it has ever heard of."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.sources: dict[tuple[str, int], bytes] = {}

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.sources.setdefault(addr, bytes(b"\x01" * 512 * 1024))
        super().datagram_received(data, addr)


class StopsAtTooMuch(Datagrams):
    """It reads nothing more once it has been asked too much."""

    asked = 0

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.asked += 1
        if self.asked > 1000:
            self.transport.close()
        else:
            super().datagram_received(data, addr)


FLAWS = (
    Flaw("udp-sizes", HasASmallBuffer, "echo", r"of 4,097 bytes came back as 4,096 bytes", "udp"),
    Flaw("udp-sizes", AnswersInPieces, "echo", r"of 1,472 bytes came back as 1,400 \+ 72 bytes", "udp"),
    Flaw("udp-sizes", SaysMore, "echo", r"26 bytes came back for 0", "udp"),
    Flaw("udp-reflection", AnswersEveryPort, "echo", r"it answers port 7, echo", "udp"),
    Flaw("udp-flood", AnswersTheLastOne, "echo", r"came back to another", "udp"),
    Flaw("udp-flood", RemembersEach, "echo", r"it loses memory", "udp"),
    Flaw("udp-flood", StopsAtTooMuch, "echo", r"nobody new is answered|has exited", "udp"),
    Flaw("udp-loop", AnswersItself, "echo", r"answered itself .* and goes on", "udp"),
)
