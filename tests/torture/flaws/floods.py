"""What may go wrong when somebody says more than anybody can use, or nothing in many pieces."""

from __future__ import annotations

import asyncio

from tests.torture.flaws import Flaw
from tests.torture.server import Echo, Line, Server


class AnswersWithoutEnd(Line):
    """It answers each command of a flood at once, and keeps the answers for who does not read."""

    def data_received(self, data: bytes) -> None:
        if (commands := data.count(b"\n/")) > 10:
            self.transport.write((b"*** " + b"x" * 2000 + b"\n") * commands)
        else:
            super().data_received(data)

    def write(self, data: bytes) -> None:
        self.transport.write(data)


class SaysEachInItsOwnTime(Line):
    """It has a task for each line, and some are done sooner than others."""

    def say(self, text: str) -> None:
        asyncio.get_running_loop().call_later(sum(text.encode()) % 7 / 1000, super().say, text)


class HearsOneOutFirst(Line):
    """It takes all lines of one before those of the next, and each takes it a while."""

    def work(self) -> None:
        lines, self.waiting = list(self.waiting), type(self.waiting)()
        for at, line in enumerate(lines):
            if at:
                busy_until = asyncio.get_running_loop().time() + 0.005
                while asyncio.get_running_loop().time() < busy_until:
                    pass
            if isinstance(line, bytes):
                self.line(line)
        if self.ended:
            self.leave()


class TakesEmptyForTheEnd(Line):
    """It loops while there is something in a line."""

    def line(self, line: bytes) -> None:
        if not line.strip():
            self.leave()
        else:
            super().line(line)


class HasOnePlaceForAnAnswer(Echo):
    """It answers a little later, with what came last."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.answer = b""

    def data_received(self, data: bytes) -> None:
        if not self.answer:
            asyncio.get_running_loop().call_later(0.005, self.say)
        self.answer = data

    def say(self) -> None:
        self.transport.write(self.answer)
        self.answer = b""


FLAWS = (
    Flaw("command-flood", AnswersWithoutEnd, "chat", r"grown by .* for one who asks and does not read"),
    Flaw("talk-flood", SaysEachInItsOwnTime, "broadcast", r"of one who talks fast came after line"),
    Flaw("talk-flood", HearsOneOutFirst, "broadcast", r"99th percentile|has not heard"),
    Flaw("empty-messages", TakesEmptyForTheEnd, "chat", r"after 3 empty lines: "),
    Flaw("empty-messages", HasOnePlaceForAnAnswer, "echo", r"did not come back unchanged"),
)
