"""One person: what the chat keeps for a connection from ``opened`` until it leaves.

There may be thousands of them, most of them silent: slots everywhere, and whatever only a few need is made
when they need it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...service import Conn
from ...wire.lines import LineSplitter
from ...wire.telnet import Telnet

if TYPE_CHECKING:
    from .rooms import Room


class Person:
    """Somebody in the chat. The chat changes it, nobody else does.

    Args:
        conn: the connection.
        nick: the name given at the door.
        key: the same name as ``nicks.fold`` makes it.
        room: where it starts.
        line_length: the longest line it may send, in bytes.
    """

    __slots__ = (
        "away_since",
        "conn",
        "ending",
        "fresh",
        "gone",
        "input",
        "key",
        "missed",
        "nick",
        "paused",
        "renamed",
        "reply_to",
        "room",
        "settled",
        "shown_at",
        "telnet",
        "told_utf8",
        "too_long",
        "unfinished",
    )

    def __init__(self, conn: Conn, nick: str, key: str, room: Room, line_length: int) -> None:
        self.conn = conn
        self.nick = nick
        self.key = key
        self.room = room
        #: Has left, or was closed: nothing is sent to it any more, and what it sends is not read.
        self.gone = False

        # What it types.
        self.input = LineSplitter(line_length)
        #: Made at its first 0xFF byte: netcat never needs one.
        self.telnet: Telnet | None = None
        #: Nothing that it sent was a whole line yet: it may be no chat client at all.
        self.fresh = True
        #: Bytes since its last whole line.
        self.unfinished = 0
        #: When it sent lines that were too long, in the last minute.
        self.too_long: tuple[float, ...] = ()
        self.told_utf8 = False

        # What it gets.
        #: Ends each line it gets. Settled by how its own first line ends.
        self.ending = "\r\n"
        self.settled = False
        #: It reads too slowly, so what its room says passes it by until it has caught up.
        self.paused = False
        #: Lines that passed it by in other rooms than this one, since it was paused.
        self.missed = 0
        #: ``room.told`` when it was paused, or came to this room.
        self.away_since = 0
        #: When it was last shown that the server is there (AYT).
        self.shown_at = -1.0

        # Whom it knows.
        #: Who last wrote to it privately. May be gone.
        self.reply_to: Person | None = None
        #: When it changed its nick, in the last minute.
        self.renamed: tuple[float, ...] = ()

    def settle(self) -> None:
        """End its lines from now on as its own first line ended."""
        self.settled = True
        if self.input.ending == b"\n":
            self.ending = "\n"
            self.room.regroup()


def last_minute(times: tuple[float, ...], now: float) -> tuple[float, ...]:
    """Those of some times (seconds) that are less than a minute ago."""
    return tuple(time for time in times if now - time < 60.0)
