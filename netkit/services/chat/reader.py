"""The reader: from the bytes that somebody sends to what they say and do.

Strategy: what arrives passes through four stations. Telnet commands are taken out, once a connection has
sent any; Ctrl-D at the start of a line is seen to; the rest is cut into lines; and each line is said to the
room, or obeyed if it starts with a slash. How the bytes are cut when they arrive makes no difference to
anybody.
"""

from __future__ import annotations

from ...wire.lines import TooLong
from ...wire.telnet import Command, Flood, Reply, Telnet
from ...wire.text import clean, decode
from . import strangers
from .commands import obey
from .house import House
from .person import Person, last_minute
from .turn import Turn

#: What Ctrl-D sends where the terminal is raw, and what telnet sends for it on any port but 23: EOT (RFC 20).
CTRL_D = b"\x04"

#: Lines that are too long, in one minute, above which it is no accident.
TOO_LONG_LINES = 3

#: Bytes without a line that is short enough, above which it is no text.
TOO_LONG_BYTES = 1024 * 1024

#: Seconds between two answers to "are you there".
SHOWN_EVERY = 1.0


class Reader:
    """Reads for everybody in a house; what is half read is kept with the person.

    Args:
        house: where it is said and done.
        limit: the longest line, in bytes.
    """

    __slots__ = ("_house", "_limit")

    def __init__(self, house: House, limit: int) -> None:
        self._house = house
        self._limit = limit

    def read(self, turn: Turn, person: Person, data: bytes, now: float) -> None:
        """Take the next bytes of somebody. Afterwards the person may be gone."""
        if person.telnet is None and Command.IAC.value not in data:
            self._type(turn, person, data, now)
            return
        if person.telnet is None:
            person.telnet = Telnet()
        for event in person.telnet.feed(data):
            if isinstance(event, bytes):
                self._type(turn, person, event, now)
            elif isinstance(event, Command):
                self._command(turn, person, event, now)
            elif isinstance(event, Reply):
                turn.send(person, event.data)
            elif isinstance(event, Flood):
                self._house.dismiss(turn, person, "telnet flood", event.reason)
            if person.gone:
                return

    def finish(self, turn: Turn, person: Person, now: float) -> None:
        """Take a line that was begun and never ended. Afterwards the person may be gone."""
        self._lines(turn, person, person.input.finish(), now)

    # The first station: telnet.

    def _command(self, turn: Turn, person: Person, command: Command, now: float) -> None:
        """Do as the keys of a telnet terminal should (RFC 854; RFC 1184 for EOF and ABORT)."""
        if command in (Command.IP, Command.BRK, Command.ABORT, Command.EL):
            person.input.erase_line()
        elif command is Command.EC:
            person.input.erase_character()
        elif command is Command.EOF and not person.input.pending:
            self._house.dismiss(turn, person, "quit")
        elif command is Command.AO:
            # All output is with the layer already: there is none to throw away, only to say that it is done.
            turn.send(person, b"\r\n")
        elif command is Command.AYT and now - person.shown_at >= SHOWN_EVERY:
            person.shown_at = now
            turn.tell(person, f"[netkit: yes, {person.room.name}, {len(self._house.people)} online]")

    # The second station: Ctrl-D.

    def _type(self, turn: Turn, person: Person, data: bytes, now: float) -> None:
        """See to Ctrl-D: at the start of a line it leaves, elsewhere it is nothing."""
        if CTRL_D not in data:
            self._cut(turn, person, data, now)
            return
        head, *rest = data.split(CTRL_D)
        self._cut(turn, person, head, now)
        for piece in rest:
            if person.gone:
                return
            if not person.input.pending:
                self._house.dismiss(turn, person, "quit")
                return
            self._cut(turn, person, piece, now)

    # The third station: lines.

    def _cut(self, turn: Turn, person: Person, data: bytes, now: float) -> None:
        if person.fresh:
            stranger = strangers.recognise(person.input.pending + data, self._limit)
            if stranger is not None:
                self._house.leave(turn, person, " (no chat client)")
                turn.send(person, stranger.answer)
                turn.close(person, stranger.reason)
                return
        person.unfinished += len(data)
        items = person.input.feed(data)
        if items:
            self._lines(turn, person, items, now)
        if person.unfinished > TOO_LONG_BYTES and not person.gone:
            self._house.dismiss(turn, person, "line too long", "that was too much without a line of yours")

    def _lines(self, turn: Turn, person: Person, items: list[bytes | TooLong], now: float) -> None:
        if person.fresh:
            person.fresh = False
            self._house.awaited.pop(person.conn, None)
        for item in items:
            if isinstance(item, bytes):
                self._line(turn, person, item, now)
            else:
                self._too_long(turn, person, now)
            if person.gone:
                return

    def _too_long(self, turn: Turn, person: Person, now: float) -> None:
        person.too_long = (*last_minute(person.too_long, now), now)
        if len(person.too_long) > TOO_LONG_LINES:
            self._house.dismiss(turn, person, "line too long", "those were too many lines that are too long")
        else:
            turn.tell(person, f"*** your line was dropped: make it shorter than {self._limit + 1} bytes")

    # The last station: what is said and done.

    def _line(self, turn: Turn, person: Person, line: bytes, now: float) -> None:
        person.unfinished = 0
        if not person.settled:
            # What it was told until now ends in the old way, however the bytes were cut.
            turn.flush()
            person.settle()
        text, replaced = decode(line)
        text = clean(text).rstrip()
        if replaced and not person.told_utf8:
            person.told_utf8 = True
            turn.tell(person, "*** your text was not UTF-8: others see \ufffd for what could not be read")
        if not text:
            return
        if text[0] == "/":
            if text[1:2] != "/":
                obey(self._house, turn, person, text, now)
                return
            text = text[1:]
        self._house.say(turn, person, f"<{person.nick}> {text}")
