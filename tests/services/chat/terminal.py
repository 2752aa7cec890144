"""A telnet client that lets the server edit its line: what it sends, and what is on its screen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.wire.terminal import Terminal

if TYPE_CHECKING:
    from tests.services.conftest import Seat

DO_ECHO, DONT_ECHO, WILL_ECHO, WONT_ECHO = (b"\xff%c\x01" % verb for verb in (253, 254, 251, 252))
DO_SGA, DONT_SGA, WILL_SGA, WONT_SGA = (b"\xff%c\x03" % verb for verb in (253, 254, 251, 252))
WILL_NAWS, WONT_NAWS, DO_NAWS = (b"\xff%c\x1f" % verb for verb in (251, 252, 253))
DO_TIMING_MARK, WILL_TIMING_MARK, WONT_TIMING_MARK = (b"\xff%c\x06" % verb for verb in (253, 251, 252))
INTERRUPT, ARE_YOU_THERE, ERASE_CHARACTER, ERASE_LINE = (b"\xff%c" % code for code in (244, 246, 247, 248))

WISHES = WILL_ECHO + WILL_SGA + DO_NAWS
AGREED = DO_ECHO + DO_SGA
ERASE = b"\r\x1b[K"

#: What telnet says, without the data of a subnegotiation, of which a server sends none here.
TELNET = re.compile(rb"\xff[\xfb-\xfe].", re.DOTALL)

LIMIT = 40


def size(columns: int) -> bytes:
    """What tells how wide it is."""
    return b"\xff\xfa\x1f" + columns.to_bytes(2).replace(b"\xff", b"\xff\xff") + b"\0\x18\xff\xf0"


class Screen:
    """What is on the screen of a seat whose line is edited."""

    def __init__(self, seat: Seat, columns: int = 80) -> None:
        self._seat = seat
        self.terminal = Terminal(columns)
        self._old = 0

    def look(self) -> None:
        self.terminal.write(TELNET.sub(b"", self._seat.reads()))

    @property
    def line(self) -> str:
        """The lowest row, with a bar for the cursor."""
        self.look()
        return f"{self.terminal.before}|{self.terminal.after}"

    def above(self) -> list[str]:
        """The rows above it that were not looked at yet."""
        self.look()
        rows = self.terminal.rows[self._old : -1]
        self._old += len(rows)
        return rows


def edited(seat: Seat) -> Screen:
    """Let the line of somebody be edited."""
    seat.reads()
    seat.sends(WILL_NAWS + AGREED)
    assert seat.reads() == WISHES + b"\r> \x1b[K"
    screen = Screen(seat)
    screen.terminal.write(b"> ")
    return screen
