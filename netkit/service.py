"""The seam: what a service is told, and what it may answer.

A service is told what happened and answers with values, called effects. It never touches a socket, an event
loop or a clock, so that the same service runs on every layer and a test of it is an equality between values.

The rules, which every layer keeps:

- ``opened`` comes first and ``lost`` last, each exactly once for a connection; between them come any number of
  ``received``, ``paused`` and ``resumed``, and at most one ``ended``.
- ``received`` gets whatever bytes arrived, never none and never a promise about where they are cut.
- After ``Close`` or ``Abort``, only ``lost`` follows for that connection: what it still sends is thrown away.
- After ``ended`` the connection is closed, unless the answer holds it: then when the ``Hold`` is over.
- ``now`` is the loop's monotonic clock in seconds. It never jumps, and it is not the time of day.
- Effects are carried out in the order they are given. What is sent to a connection arrives in that order.
- An exception out of a service is a bug in it: it is logged and costs that one connection, never the server.

A service with ``datagrams = True`` can be served on ``udp://`` too, where there are no connections:

- ``received`` is called with each datagram as it came, which may be empty, and no other event is told.
- Its ``conn`` stands for where this one datagram came from, and for nothing afterwards.
- It answers with plain bytes, which go back as one datagram, and with nothing else: any other effect is a bug in it.
  An answer that is longer than what came is not sent.
- An exception costs that one datagram.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from concurrent.futures import Future


class Conn(Protocol):
    """A connection as a service sees it: an identity (hashable, equal only to itself) and where it came from."""

    @property
    def peer(self) -> str:
        """The other side, printable, such as ``tcp://192.0.2.7:50312`` or ``unix:///run/chat.sock``."""

    @property
    def local(self) -> bool:
        """Whether it is exempt from limits for strangers: it came over loopback, a Unix socket or standard input."""

    @property
    def host(self) -> str:
        """The address it came from as text, without a port, such as ``192.0.2.7``. Empty where it has none."""

    @property
    def waiting(self) -> int:
        """Bytes that wait to be written to it."""

    @property
    def ending(self) -> str:
        """Why it ends, most often an ``Ending``. Empty as long as it does not; to be read in ``lost``."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send the same bytes to some connections. A broadcast is one effect, however many there are in ``to``.

    The bytes wait until the end of the loop's turn, and go out in one write per connection together with
    whatever else the turn brought for it. Connections that are gone or closing are passed over.
    """

    to: Collection[Conn]
    data: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """Close a connection after what is queued for it has been written.

    ``reason`` goes to the log and is counted: an ``Ending``, or a word of the service's own. It is never empty.
    """

    conn: Conn
    reason: str


@dataclass(frozen=True, slots=True)
class Abort:
    """Cut a connection at once: what is queued for it is lost. For who does not read; ``reason`` as in ``Close``."""

    conn: Conn
    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Stop reading from a connection for so many seconds: how a flood is slowed without losing any of it.

    ``math.inf`` holds until further notice, 0 lets go at once. A later ``Hold`` replaces an earlier one.
    In answer to ``ended`` it puts off the closing, for a service that has not dealt with all that came before.
    """

    conn: Conn
    seconds: float


@dataclass(frozen=True, slots=True)
class Wake:
    """Call ``woken`` after so many seconds. Each one is answered once; there may be many under way."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop the server, in order, as SIGTERM does. ``Server.wait`` returns then."""


@dataclass(frozen=True, slots=True)
class Store:
    """Keep a record: it goes to the storage that the server was given. What is stored is written in this order."""

    record: object


@dataclass(frozen=True, slots=True)
class Recall:
    """Look something up in the storage, among all that was given to ``Store`` before. Answered by ``recalled``."""

    query: object


class Storage(Protocol):
    """Where ``Store`` and ``Recall`` go: a database, say, that works in a thread of its own.

    Only ``close`` may block. The others are called on the event loop, and none is after ``close``.
    """

    def put(self, record: object) -> None:
        """Keep a record, in the order of the calls."""

    def recall(self, query: object) -> Future[object]:
        """Look something up among all that was put before. The future may be made done in any thread."""

    def close(self) -> None:
        """Return when everything is written. Called once, in a thread of its own."""


# Plain bytes go back to the connection that the event is about, at once where nothing is queued for it.
# That is what an echo does a hundred thousand times a second, and it spares the loop a turn.
Effect: TypeAlias = bytes | Send | Close | Abort | Hold | Wake | Stop | Store | Recall
Effects: TypeAlias = Iterable[Effect]


class Service:
    """What a server does. Override what you need; each method returns, or yields, its effects.

    ::

        class Shout(netkit.Service):
            def received(self, conn, data, now):
                yield data.upper()
    """

    idle: float | None = None
    """Seconds without a byte from a peer before it is closed, where ``Limits.idle`` does not say. None: never."""

    datagrams: bool = False
    """Whether it does without connections, and may be served on ``udp://``."""

    small_buffers: bool = False
    """Whether the kernel is to keep little for a peer that does not read, so that ``paused`` comes soon.

    Otherwise it may be 4 MiB for each. For who sends the same to many it pays; an echo of large messages costs half as
    much again.
    """

    endings: Mapping[str, int] = MappingProxyType({})
    """How many connections have ended so far, by reason. Whoever serves the service puts the true one here."""

    workers: bool = False
    """Whether several processes may serve it side by side (``netkit serve --workers``), each with its own instance: no
    connection has to know of another."""

    def opened(self, conn: Conn, now: float) -> Effects:
        """A connection is there, after its TLS handshake if it has one."""
        return ()

    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        """Some bytes arrived, at least one. Or a datagram did."""
        return ()

    def ended(self, conn: Conn, now: float) -> Effects:
        """The peer has finished sending. What this answers is still written; then the connection is closed.

        A ``Hold`` in the answer puts the closing off until it is over, or until ``Close`` or ``Abort``. What is sent
        until then is written. Over TLS it has no effect: there asyncio closes when the peer has finished.
        """
        return ()

    def paused(self, conn: Conn, now: float) -> Effects:
        """More waits to be written to this connection than ``Limits.high`` bytes: its peer reads too slowly.

        Whatever is sent to it from now on only piles up, until ``Limits.hard`` ends the connection.
        """
        return ()

    def resumed(self, conn: Conn, now: float) -> Effects:
        """A connection that was paused is back below ``Limits.low`` bytes."""
        return ()

    def lost(self, conn: Conn, now: float) -> Effects:
        """The connection is gone, for the reason ``conn.ending``. Nothing can be sent to it any more."""
        return ()

    def woken(self, now: float) -> Effects:
        """The time of one ``Wake`` has come. There is no connection here for plain bytes to go back to."""
        return ()

    def recalled(self, query: object, found: object, now: float) -> Effects:
        """What ``Recall`` asked the storage for. ``found`` is as the storage makes it, None where it failed."""
        return ()

    def stopping(self, now: float) -> Effects:
        """The server stops. What this answers is written out; then every connection is closed."""
        return ()

    def refused(self, reason: str) -> bytes:
        """What to tell a peer that is turned away at the door, or closed for its silence. Empty: nothing.

        Args:
            reason: an ``Ending``.
        """
        return b""
