"""What may go wrong with text."""

from __future__ import annotations

import codecs
import re

from netkit.wire.lines import TooLong
from netkit.wire.text import clean, decode
from tests.torture.flaws import Flaw
from tests.torture.server import Echo, Line, Server


class DecodesStrictly(Line):
    """An exception ends the connection of who sends what is no UTF-8."""

    def text(self, line: bytes) -> str:
        return clean(line.decode()).strip()

    def line(self, line: bytes) -> None:
        try:
            super().line(line)
        except UnicodeDecodeError:
            self.waiting.clear()
            self.leave()


class DecodesPieces(Line):
    """It makes text of each piece that comes, and not of each line."""

    def split(self, data: bytes) -> list[bytes | TooLong]:
        return super().split(data.decode(errors="replace").encode())


class PassesBytes(Line):
    """What one sends is what others get."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.held = b""

    def split(self, data: bytes) -> list[bytes | TooLong]:
        *lines, self.held = (self.held + data).split(b"\n")
        return [*lines]

    def line(self, line: bytes) -> None:
        for other in self.server.members:
            if other is not self:
                other.write(f"<{self.name}> ".encode() + line.removesuffix(b"\r") + b"\n")


class EchoOfText(Echo):
    """It gives back what it could read."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def data_received(self, data: bytes) -> None:
        super().data_received(self.decoder.decode(data).encode())


class EchoOfStrings(Echo):
    """A NUL is a space to it."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data.replace(b"\0", b" "))


class KnowsNoC1(Line):
    """It takes out C0, and not what does the same in eight bits."""

    def text(self, line: bytes) -> str:
        return re.sub("[\x00-\x1f\x7f]", "", decode(line)[0]).strip()


class AnswersAsItWasAsked(Line):
    """Others get nothing that it has not cleaned; who has made a mistake is shown it."""

    def line(self, line: bytes) -> None:
        if line.startswith(b"/"):
            self.command(decode(line)[0])
        else:
            super().line(line)


class TakesOutEscapes(Line):
    """It takes out ESC, and what comes behind it stays."""

    def text(self, line: bytes) -> str:
        return decode(line)[0].replace("\x1b", "").strip()


class PassesWhatIsNotSeen(Line):
    """It takes out controls alone."""

    def text(self, line: bytes) -> str:
        return re.sub("[\x00-\x1f\x7f-\x9f]", "", decode(line)[0]).strip()


class PassesMarks(Line):
    """It takes out what is not seen, and lets a heap of marks grow over other lines."""

    def text(self, line: bytes) -> str:
        text = decode(line)[0]
        return "".join(char for char in text if clean(f"x{char}") != "x").strip()


FLAWS = (
    Flaw("invalid-utf8", DecodesStrictly, "broadcast", r"no UTF-8 was cut off"),
    Flaw("invalid-utf8", DecodesPieces, "chat", r"when it was cut in two"),
    Flaw("invalid-utf8", PassesBytes, "broadcast", r"byte 80, which is no UTF-8 there, reached others"),
    Flaw("invalid-utf8", EchoOfText, "echo", r"came back for"),
    Flaw("nul", PassesBytes, "broadcast", r"NUL reached others"),
    Flaw("nul", EchoOfStrings, "echo", r"came back for"),
    Flaw("control-characters", KnowsNoC1, "broadcast", r"U\+0080 .*reached others"),
    Flaw("control-characters", AnswersAsItWasAsked, "chat", r"U\+0001 .*reached its sender, in an answer"),
    Flaw("control-characters", EchoOfText, "echo", r"came back for"),
    Flaw("terminal-escapes", TakesOutEscapes, "broadcast", r"U\+0007 .*reached others"),
    Flaw("terminal-escapes", KnowsNoC1, "chat", r"U\+009D .*reached others"),
    Flaw("hidden-text", PassesWhatIsNotSeen, "broadcast", r"U\+202A .*reached others"),
    Flaw("hidden-text", PassesMarks, "chat", r"combining marks in a row reached others"),
)
