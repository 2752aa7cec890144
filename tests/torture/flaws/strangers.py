"""What may go wrong with those who want something else."""

from __future__ import annotations

import asyncio
import re
import ssl
from contextlib import suppress

import trustme

from tests.torture.flaws import Flaw
from tests.torture.server import Echo, Line

PROXY = re.compile(rb"PROXY TCP4 (\S+) .*\r\n")


class SpinsOnWhatHasNoEnd(Line):
    """It looks again and again whether what has no newline has one by now."""

    def stranger(self, data: bytes) -> None:
        if not self.transport.is_closing():
            asyncio.get_running_loop().call_soon(self.stranger, data)


class EchoOfText(Echo):
    """It gives back what is ASCII."""

    def data_received(self, data: bytes) -> None:
        super().data_received(bytes(each & 0x7F for each in data))


class SaysWhatAPageSends(Line):
    """It takes a web page for a person, and does not say who has said what."""

    def stranger(self, data: bytes) -> None:
        self.waiting.extend(self.split(data))
        self.work()

    def say(self, text: str) -> None:
        for other in list(self.server.members):
            if other is not self:
                other.write(text.encode() + b"\n")


class PassesBytesOn(Line):
    """It passes on whatever comes."""

    def line(self, line: bytes) -> None:
        for other in list(self.server.members):
            if other is not self:
                other.write(b"<%s> %s\n" % (self.name.encode(), line))


class StopsAtWhatIsNoText(Line):
    """What is not UTF-8 is an exception that ends all of it."""

    def line(self, line: bytes) -> None:
        try:
            line.decode()
        except UnicodeDecodeError:
            self.server.stop()
        super().line(line)


class BelievesProxies(Line):
    """It believes whoever says that they speak for somebody else."""

    def data_received(self, data: bytes) -> None:
        if found := PROXY.match(data):
            self.server.members[self] = self.name = found[1].decode()
            data = data[found.end() :]
        super().data_received(data)


class ObeysWhatCameBeforeTls(Line):
    """It goes over to TLS, and keeps for afterwards what came in the same read as STARTTLS."""

    behind = b""
    session: ssl.SSLObject | None = None

    def data_received(self, data: bytes) -> None:
        if self.session is not None:
            self.shake(self.session, data)
            return
        _, asked, behind = data.partition(b"STARTTLS\r\n")
        if not asked:
            super().data_received(data)
            return
        self.behind = behind
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("localhost").configure_cert(context)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.session = context.wrap_bio(self.incoming, self.outgoing, server_side=True)

    def write(self, data: bytes) -> None:
        if self.session is None:  # what others say must not come into the handshake
            super().write(data)

    def shake(self, session: ssl.SSLObject, data: bytes) -> None:
        self.incoming.write(data)
        with suppress(ssl.SSLWantReadError):
            session.do_handshake()
            behind, self.behind = self.behind, b""
            super().data_received(behind)
        self.transport.write(self.outgoing.read())


FLAWS = (
    Flaw("tls-on-plain", SpinsOnWhatHasNoEnd, "broadcast", r"uses \d+% of a core"),
    Flaw("tls-on-plain", EchoOfText, "echo", r"did not come back unchanged"),
    Flaw("http-request", SaysWhatAPageSends, "broadcast", r"no mark of who said it"),
    Flaw("random-bytes", StopsAtWhatIsNoText, "chat", r"the server has exited|no connection"),
    Flaw("random-bytes", EchoOfText, "echo", r"did not come back unchanged"),
    Flaw("other-protocols", PassesBytesOn, "broadcast", r"reached others"),
    Flaw("proxy-header", BelievesProxies, "chat", r"a PROXY header is believed"),
    Flaw("starttls-injection", ObeysWhatCameBeforeTls, "broadcast", r"was obeyed after it"),
)
