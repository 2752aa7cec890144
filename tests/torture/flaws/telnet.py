"""What may go wrong with those who speak telnet."""

from __future__ import annotations

import asyncio
import re
import socket

from tests.torture.flaws import Flaw
from tests.torture.server import Echo, Line

IAC, SB, SE, WILL, WONT, DO, DONT = 0xFF, 0xFA, 0xF0, 0xFB, 0xFC, 0xFD, 0xFE

COMMAND = re.compile(rb"\xff(?:([\xfb-\xfe])([\x00-\xff])|[^\xfa-\xff])")

REFUSALS = {WILL: DONT, WONT: DONT, DO: WONT, DONT: WONT}


class AnswersRefusals(Line):
    """It answers each request with a refusal, and each refusal too."""

    refused = 1

    def untelnet(self, data: bytes) -> list[bytes]:
        for found in COMMAND.finditer(data):
            if found[1]:
                self.write(bytes((IAC, REFUSALS[found[1][0]], found[2][0])) * self.refused)
        return [COMMAND.sub(b"", data)]


class AnswersTwice(AnswersRefusals):
    """It answers everything twice."""

    refused = 2


class PassesCommandsOn(Line):
    """It takes commands for text, and text for what others may see."""

    def untelnet(self, data: bytes) -> list[bytes]:
        return [data]

    def line(self, line: bytes) -> None:
        for other in self.server.members:
            if other is not self:
                other.write(b"<%s> %s\n" % (self.name.encode(), line))


class KeepsSubnegotiations(Line):
    """It keeps each subnegotiation until its end."""

    kept: bytearray | None = None

    def untelnet(self, data: bytes) -> list[bytes]:
        if self.kept is None:
            text, begun, data = data.partition(bytes((IAC, SB)))
            if not begun:
                return [text]
            self.kept = bytearray()
            return [text, *self.untelnet(data)]
        before = len(self.kept)
        self.kept += data
        end = self.kept.find(bytes((IAC, SE)), max(0, before - 1))
        if end < 0:
            return []
        rest, self.kept = bytes(self.kept[end + 2 :]), None
        return [rest]


class ForgetsHalfACommand(Line):
    """It takes only those commands for such that come whole."""

    def untelnet(self, data: bytes) -> list[bytes]:
        self.telnet = None
        return super().untelnet(data)


class EchoWithoutTelnet(Echo):
    """It takes telnet commands out of what it gives back."""

    def data_received(self, data: bytes) -> None:
        super().data_received(COMMAND.sub(b"", data))


class MarksOnce(Line):
    """It answers the first mark alone, as if that were an option that is off already."""

    marked = False

    def write(self, data: bytes) -> None:
        mark = bytes((IAC, WILL, 6))
        super().write((b"" if self.marked else mark) if mark in data else data)
        self.marked = self.marked or mark in data


class LosesTheUrgentByte(Line):
    """It has urgent data out of line, and does not read it there."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 0)
        super().connection_made(transport)


FLAWS = (
    Flaw("telnet-option-storm", AnswersRefusals, "chat", r"refusals were answered with refusals"),
    Flaw("telnet-option-storm", AnswersTwice, "broadcast", r"\d+ answers came to \d+ telnet requests"),
    Flaw("telnet-option-storm", PassesCommandsOn, "broadcast", r"reached others"),
    Flaw("telnet-option-storm", EchoWithoutTelnet, "echo", r"bytes of .* came back of telnet negotiations"),
    Flaw("telnet-subnegotiation", KeepsSubnegotiations, "chat", r"grown by .* for telnet subnegotiations"),
    Flaw("telnet-iac-at-end", ForgetsHalfACommand, "chat", r"did not come through whole, cut after"),
    Flaw("telnet-refusals", AnswersRefusals, "broadcast", r"there was no end"),
    Flaw("telnet-interrupt", MarksOnce, "chat", r"1 of 5 timing marks were answered"),
    Flaw("telnet-interrupt", LosesTheUrgentByte, "chat", r"its urgent byte was lost"),
)
