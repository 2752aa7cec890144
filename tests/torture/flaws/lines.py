"""What may go wrong with lines."""

from __future__ import annotations

import asyncio
import re

from netkit.wire.lines import TooLong
from netkit.wire.text import decode
from tests.torture.flaws import Flaw
from tests.torture.server import LONGEST, Echo, Line, Server


class KeepsTheWholeLine(Line):
    """It waits for the end of a line, however much comes before it."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.held = bytearray()

    def split(self, data: bytes) -> list[bytes | TooLong]:
        return [*self.whole(data)]

    def whole(self, data: bytes) -> list[bytes]:
        self.held += data
        *lines, rest = self.held.split(b"\n") if b"\n" in data else (self.held,)
        self.held = bytearray(rest)
        return [bytes(line) for line in lines]


class SaysALongLineInPieces(KeepsTheWholeLine):
    """It has a buffer, and what fills it is a line, as with ``fgets``."""

    def split(self, data: bytes) -> list[bytes | TooLong]:
        lines = self.whole(data)
        while len(self.held) > LONGEST:
            lines.append(bytes(self.held[:LONGEST]))
            del self.held[:LONGEST]
        return [line[at : at + LONGEST] for line in lines for at in range(0, len(line), LONGEST)]


class ForgetsTheStartOfALongLine(KeepsTheWholeLine):
    """Past its limit it clears the buffer and goes on reading, as asyncio's ``readline`` does."""

    def split(self, data: bytes) -> list[bytes | TooLong]:
        lines = self.whole(data)
        if len(self.held) > LONGEST:
            self.held.clear()
        return [line for line in lines if len(line) <= LONGEST]


class SpinsOnALongLine(Line):
    """It looks again and again whether the line has ended, and the buffer is full."""

    spinning = False

    def split(self, data: bytes) -> list[bytes | TooLong]:
        lines = super().split(data)
        if any(isinstance(line, TooLong) for line in lines):
            self.spinning = True
            self.look()
        if data.endswith(b"\n"):
            self.spinning = False
        return lines

    def look(self) -> None:
        if self.spinning and not self.transport.is_closing():
            asyncio.get_running_loop().call_soon(self.look)


class EchoOfLines(Echo):
    """It has a limit for a line, and ends the connection above it."""

    length = 0

    def data_received(self, data: bytes) -> None:
        self.length = len(data) - data.rindex(b"\n") if b"\n" in data else self.length + len(data)
        super().data_received(data)
        if self.length > 1024 * 1024:
            self.transport.abort()


class OneKindOfLineEnd(Echo):
    """It gives lines back as they end on its own system."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data.replace(b"\r", b"\n"))


class TwoEndsWhereTheyComeApart(KeepsTheWholeLine):
    """It takes CR LF for two ends if they come in two pieces, and says the empty line that is between them."""

    def split(self, data: bytes) -> list[bytes | TooLong]:
        return super().split(re.sub(rb"\r[\n\0]|\r", b"\n", data))

    def line(self, line: bytes) -> None:
        if not line:
            self.say("")
        super().line(line)


class SignsPieces(Line):
    """It puts the mark before each piece that comes, and not before each line, as ``ncat --chat`` does."""

    def data_received(self, data: bytes) -> None:
        self.say(self.text(data.removesuffix(b"\n")))

    def text(self, line: bytes) -> str:
        return "".join(char for char in decode(line)[0] if char.isprintable() or char == "\n")


class KnowsNoOtherLineEnds(Line):
    """It takes out C0, and knows of no other character that ends a line."""

    def text(self, line: bytes) -> str:
        return re.sub("[\x00-\x1f\x7f]", "", decode(line)[0]).strip()


FLAWS = (
    Flaw("long-line", KeepsTheWholeLine, "broadcast", r"grown by .* for one line|only listens is"),
    Flaw("long-line", EchoOfLines, "echo", r"the connection is (ended|reset)|came back, and it is"),
    Flaw("no-newline", KeepsTheWholeLine, "broadcast", r"grown by .* for one line"),
    Flaw("no-newline", SpinsOnALongLine, "broadcast", r"of a core while it waits for the end of a line"),
    Flaw("tail-of-a-long-line", SaysALongLineInPieces, "broadcast", r"a piece of a long line as a line of its own"),
    Flaw("tail-of-a-long-line", ForgetsTheStartOfALongLine, "chat", r"/quit.* of a line of 5,000 bytes was obeyed"),
    Flaw("line-ends", TwoEndsWhereTheyComeApart, "chat", r"made another one"),
    Flaw("line-ends", OneKindOfLineEnd, "echo", r"came back for"),
    Flaw("forged-lines", SignsPieces, "broadcast", r"nobody has signed, behind b'\\n': b'<user99> "),
    Flaw("forged-lines", KnowsNoOtherLineEnds, "chat", r"nobody has signed, behind b'.xc2.x85': b'<user99> "),
)
