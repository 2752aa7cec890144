"""Twisted: a protocol object per connection, with its own producers and consumers for the flow control.

usage: twisted_server.py {echo,chat} PORT [--cert FILE --key FILE]; TLS needs pip install twisted[tls]

The chat is a LineOnlyReceiver: one call of write per line and receiver, which the transport joins until it can write.
"""

from __future__ import annotations

import argparse
import itertools
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import react
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure
from zope.interface import implementer  # type: ignore[import-untyped]

BACKLOG = 1024
MAX_WAITING = 256 * 1024  # bytes for one client of the chat: whoever lets more pile up is cut off

room: set[Chat] = set()
numbers = itertools.count(1)


@implementer(IHalfCloseableProtocol)
class Echo(Protocol):
    """Sends everything back. Twisted reads 65536 bytes at a time, its own default."""

    transport: Any  # described by an interface of zope, which mypy cannot read

    def connectionMade(self) -> None:
        """Let the transport stop itself: it reads nothing while its own answers wait."""
        self.transport.setTcpNoDelay(True)
        self.transport.registerProducer(self.transport, True)

    def dataReceived(self, data: bytes) -> None:
        """Send it back."""
        self.transport.write(data)

    def readConnectionLost(self) -> None:
        """The peer has sent everything: write what waits, and close."""
        self.transport.unregisterProducer()
        self.transport.loseConnection()

    def writeConnectionLost(self) -> None:
        """We never end our side alone."""


@implementer(IHalfCloseableProtocol, IPushProducer)
class Chat(LineOnlyReceiver):
    """Passes each line on to everyone else."""

    transport: Any
    delimiter = b"\n"
    MAX_LENGTH = 65536

    def connectionMade(self) -> None:
        """Enter the room, and be told when too much waits for this client."""
        self.transport.setTcpNoDelay(True)
        self.transport.registerProducer(self, True)
        self.prefix = b"<user%d> " % next(numbers)
        self.paused = False
        self.waiting = bytearray()
        room.add(self)

    def lineReceived(self, line: bytes) -> None:
        """Pass it on."""
        text = self.prefix + line + b"\n"
        for other in room - {self}:
            other.hears(text)

    def lineLengthExceeded(self, line: bytes) -> None:
        """Nobody says that much."""
        self.transport.abortConnection()

    def hears(self, text: bytes) -> None:
        """What another one said."""
        if not self.paused:
            self.transport.write(text)
            return
        self.waiting += text
        if len(self.waiting) > MAX_WAITING:
            room.discard(self)
            self.transport.abortConnection()

    def pauseProducing(self) -> None:
        """More than 65536 bytes wait in the transport."""
        self.paused = True

    def resumeProducing(self) -> None:
        """None do."""
        self.paused = False
        text, self.waiting = bytes(self.waiting), bytearray()
        self.transport.write(text)

    def stopProducing(self) -> None:
        """The connection is gone, and ``connectionLost`` follows."""

    def readConnectionLost(self) -> None:
        """The client has said everything."""
        room.discard(self)
        if self.waiting:
            self.transport.write(bytes(self.waiting))
        self.transport.unregisterProducer()
        self.transport.loseConnection()

    def writeConnectionLost(self) -> None:
        """We never end our side alone."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Leave the room."""
        room.discard(self)


def serve(reactor: Any, args: argparse.Namespace) -> Deferred[None]:
    """Serve for ever."""
    factory = Factory.forProtocol(Echo if args.service == "echo" else Chat)
    if args.cert:
        from twisted.internet.ssl import DefaultOpenSSLContextFactory

        tls = DefaultOpenSSLContextFactory(args.key, args.cert)  # type: ignore[no-untyped-call]
        reactor.listenSSL(args.port, factory, tls, backlog=BACKLOG, interface="127.0.0.1")
    else:
        reactor.listenTCP(args.port, factory, backlog=BACKLOG, interface="127.0.0.1")
    return Deferred()  # never fires


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("service", choices=("echo", "chat"))
    parser.add_argument("port", type=int)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    react(serve, [parser.parse_args()])
