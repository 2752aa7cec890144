"""The reader: from the bytes that somebody sends to what they say and do.

Strategy: what arrives passes through five stations. What comes too fast waits at the first, and is not read from the
network either. Then telnet commands are taken out, once a connection has sent any; Ctrl-D at the start of a line is
seen to; the rest is cut into lines; and each line is said to the room, or obeyed if it starts with a slash. How the
bytes are cut when they arrive makes no difference to anybody.
"""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Callable
from itertools import count

from ...endings import Ending
from ...service import Hold, Wake
from ...wire.editor import Editor, Key, Show
from ...wire.lines import TooLong
from ...wire.telnet import Command, Flood, Marked, Negotiated, Reply, Subnegotiation
from ...wire.text import clean, decode
from . import objects, strangers
from .commands import obey
from .commands import terminal as make_terminal
from .house import House, why
from .messages import Form, Receipt
from .person import Person, last_minute
from .refusal import Refusal
from .terminal import Terminal
from .turn import Turn

#: What Ctrl-D sends where the terminal is raw, and what telnet sends for it on any port but 23: EOT (RFC 20).
CTRL_D = b"\x04"

#: Lines that are too long, in one minute, above which it is no accident.
TOO_LONG_LINES = 3

#: Bytes without a line that is short enough, above which it is no text.
TOO_LONG_BYTES = 1024 * 1024

#: Seconds between two answers to "are you there".
SHOWN_EVERY = 1.0

#: Seconds without waiting after which a storm in a room is over.
STORM_OVER = 10.0

_IAC = Command.IAC.value

_LINE_END = re.compile(rb"\r\n?|\n")

# What the editor takes for one Enter.
_ENTER = re.compile(rb"\r[\n\0]?|\n")


class Reader:
    """Reads for everybody in a house; what is half read is kept with the person.

    Args:
        house: where it is said and done.
    """

    __slots__ = ("_due", "_house", "_limit", "_order", "_paced")

    def __init__(self, house: House) -> None:
        self._house = house
        self._limit = house.limits.line_length
        limits = house.limits
        self._paced = bool(limits.line_rate or limits.byte_rate or limits.room_rate)
        # Who is read on, and when; the number keeps people apart whose time is the same.
        self._due: list[tuple[float, int, Person]] = []
        self._order = count()

    def read(self, turn: Turn, person: Person, data: bytes) -> None:
        """Take the next bytes of somebody. Afterwards the person may be gone."""
        if not self._paced:
            self._take(turn, person, data)
        elif person.backlog:
            person.backlog += data
        else:
            self._pass(turn, person, data)

    def finish(self, turn: Turn, person: Person) -> None:
        """Take a line that was begun and never ended, give a receipt, and let somebody out.

        Where a backlog is to be read first, that is put off, and the connection held.
        """
        if person.backlog:
            person.ended = True
            turn.add(Hold(person.conn, math.inf))
            return
        self._lines(turn, person, person.input.finish())
        if person.gone:
            return
        # A program has had one for each line already. To others it is the number that is told.
        if person.said and not person.form.json:
            turn.tell(person, Receipt(person.room.name, person.said))
        self._house.leave(turn, person)
        turn.close(person, Ending.EOF)

    def lose(self, turn: Turn, person: Person) -> None:
        """Let somebody out whose connection is gone; if all of it had come, only once it is read."""
        ending = person.conn.ending
        if person.backlog and person.ended and ending in ("", Ending.EOF):
            self._house.linger(person)
        else:
            self._house.leave(turn, person, why(ending))

    def due(self, turn: Turn) -> None:
        """Read on for those whose time has come."""
        people = []
        while self._due and turn.is_due(self._due[0][0]):
            people.append(heapq.heappop(self._due)[2])
        for person in people:
            if not person.gone:
                data, person.backlog = person.backlog, b""
                self._pass(turn, person, data, held=True)

    # The first station: the pace.

    def _pass(self, turn: Turn, person: Person, data: bytes, *, held: bool = False) -> None:
        """Pass on as much as may be read now, and keep the rest."""
        at = 0
        while at < len(data):
            when = self._next(turn, person)
            if not turn.is_due(when):
                person.backlog = data[at:]
                if person.fresh and _LINE_END.search(data, at):
                    # Its first line is here: that it is not read yet is no silence.
                    self._house.awaited.pop(person.conn, None)
                if not held:
                    turn.add(Hold(person.conn, math.inf))
                heapq.heappush(self._due, (when, next(self._order), person))
                turn.add(Wake(when - turn.now))
                return
            found = _LINE_END.search(data, at)
            # No more at a time than a line, whether it ends or not: so nobody gets far ahead of their pace.
            end = min(found.end() if found else len(data), at + self._limit + 1)
            person.pace.read(end - at, turn.now)
            self._take(turn, person, data[at:end])
            if person.gone:
                return
            at = end
        if person.ended:
            self.finish(turn, person)
        elif held:
            turn.add(Hold(person.conn, 0.0))

    def _next(self, turn: Turn, person: Person) -> float:
        """When the next line of somebody may be read: now, or later."""
        when = turn.now + person.pace.wait(turn.now)
        if not turn.is_due(when):
            return when
        if person.slot is None:
            waits = person.room.pace.wait(turn.now)
            if waits <= 0:
                return turn.now
            person.slot = turn.now + waits
            person.room.pace.take(1.0, turn.now)
            self._storm(turn, person)
        return person.slot

    def _storm(self, turn: Turn, person: Person) -> None:
        """Tell a room, once, that too much is said in it."""
        room = person.room
        if turn.now >= room.storm_until:
            turn.announce(room, "*** too much is said here at once: for now, everybody is read more slowly")
        room.storm_until = turn.now + STORM_OVER

    def _charge(self, person: Person, size: int, now: float) -> None:
        """A line of somebody was read: it counts for the person, and for the room unless a place was reserved."""
        share = person.pace.line(size, now)
        if person.slot is None:
            person.room.pace.take(share, now)
        person.slot = None

    # The second station: telnet.

    def _take(self, turn: Turn, person: Person, data: bytes) -> None:
        if person.terminal is None:
            at = data.find(_IAC)
            if at:
                # What stands before is none of a terminal yet: what comes of it may depend on that.
                self._type(turn, person, data[:at] if at > 0 else data)
            if at < 0 or person.gone:
                return
            data = data[at:]
        terminal = person.terminal or make_terminal(self._house, person)
        for event in terminal.telnet.events(data):
            if isinstance(event, bytes):
                self._keys(turn, person, terminal, event)
            elif isinstance(event, Command):
                self._command(turn, person, event)
            elif isinstance(event, Reply):
                turn.send(person, event.data)
            elif isinstance(event, Flood):
                self._house.dismiss(turn, person, Ending.TELNET_FLOOD, event.reason)
            else:
                self._agree(turn, person, terminal, event)
            if person.gone:
                return

    def _agree(
        self, turn: Turn, person: Person, terminal: Terminal, event: Negotiated | Subnegotiation | Marked
    ) -> None:
        """Take what a terminal says of itself; with that, the editor of its line may come or go."""
        if isinstance(event, Marked):
            took = terminal.marked(turn.now)
            if terminal.asked:
                terminal.asked = False
                turn.tell(person, f"*** {took * 1000:.0f} ms to you and back")
            return
        before = terminal.editor
        # What it was told until now is in the form that it was in then, and above the row as it was.
        turn.flush()
        if isinstance(event, Negotiated):
            data = terminal.negotiated(event, person.input.pending)
        else:
            data = terminal.resized(event)
        if terminal.editor and not before and person.form.json:
            # It has asked for JSON meanwhile: no editor for a program.
            terminal.editor = None
            data = terminal.withdraw()
        elif terminal.editor and not before:
            person.input.erase_line()
            person.take(Form.EDITED)
        elif before and not terminal.editor:
            person.take(Form.CRLF)
        turn.send(person, data)

    def _keys(self, turn: Turn, person: Person, terminal: Terminal, keys: bytes) -> None:
        """Take keys line by line: each line may turn the editor off, and what follows is then read without it."""
        at = 0
        while at < len(keys) and not person.gone:
            if terminal.editor is None:
                self._type(turn, person, keys[at:])
                return
            found = _ENTER.search(keys, at)
            end = found.end() if found else len(keys)
            self._edit(turn, person, terminal, terminal.editor, keys[at:end])
            at = end

    def _edit(self, turn: Turn, person: Person, terminal: Terminal, editor: Editor, keys: bytes) -> None:
        """Let the editor take the keys of one line, and do as it says."""
        person.unfinished += len(keys)
        # What was told until now stands above the row as it is now.
        turn.flush()
        for event in editor.feed(keys):
            if person.gone:
                continue  # to its end, as it asks for
            if isinstance(event, Show):
                turn.send(person, event.data)
            elif event is Key.END_OF_INPUT:
                self._house.dismiss(turn, person, Ending.QUIT)
            elif event is Key.INTERRUPT:
                terminal.question = ""
            elif isinstance(event, bytes | TooLong):
                self._edited(turn, person, terminal, event)
        self._unending(turn, person)

    def _edited(self, turn: Turn, person: Person, terminal: Terminal, line: bytes | TooLong) -> None:
        """A line has been edited: it may be the answer to a question."""
        if terminal.question and isinstance(line, bytes):
            question, terminal.question = terminal.question, ""
            line = question.encode() + line if line else b""
        self._lines(turn, person, [line])
        turn.flush()

    def _command(self, turn: Turn, person: Person, command: Command) -> None:
        """Do as the keys of a telnet terminal should (RFC 854; RFC 1184 for EOF and ABORT)."""
        editor = person.editor
        if command in (Command.IP, Command.BRK, Command.ABORT):
            if person.terminal:
                person.terminal.question = ""
            self._erase(turn, person, editor.interrupt if editor else person.input.erase_line)
        elif command is Command.EL:
            self._erase(turn, person, editor.erase_line if editor else person.input.erase_line)
        elif command is Command.EC:
            self._erase(turn, person, editor.erase_character if editor else person.input.erase_character)
        elif command is Command.EOF and not (editor or person.input).pending:
            self._house.dismiss(turn, person, Ending.QUIT)
        elif command is Command.AO:
            # All output is with the layer already: there is none to throw away, only to say that it is done.
            turn.send(person, editor.above(b"\r\n") if editor else b"\r\n")
        elif command is Command.AYT and turn.now - person.shown_at >= SHOWN_EVERY:
            person.shown_at = turn.now
            turn.tell(person, f"[netkit: yes, {person.room.name}, {len(self._house.people)} online]")

    def _erase(self, turn: Turn, person: Person, erase: Callable[[], bytes | None]) -> None:
        """Erase something of the half-typed line, and show that where the line is ours."""
        turn.flush()
        turn.send(person, erase() or b"")

    # The third station: Ctrl-D.

    def _type(self, turn: Turn, person: Person, data: bytes) -> None:
        """See to Ctrl-D: at the start of a line it leaves, elsewhere it is nothing."""
        if CTRL_D not in data:
            self._cut(turn, person, data)
            return
        head, *rest = data.split(CTRL_D)
        self._cut(turn, person, head)
        for piece in rest:
            if person.gone:
                return
            if not person.input.pending:
                self._house.dismiss(turn, person, Ending.QUIT)
                return
            self._cut(turn, person, piece)

    # The fourth station: lines.

    def _cut(self, turn: Turn, person: Person, data: bytes) -> None:
        if person.fresh:
            stranger = strangers.recognise(person.input.pending + data, self._limit)
            if stranger is not None:
                self._house.leave(turn, person, " (no chat client)")
                turn.send(person, stranger.answer)
                turn.close(person, stranger.ending)
                return
        person.unfinished += len(data)
        items = person.input.feed(data)
        if items:
            self._lines(turn, person, items)
        self._unending(turn, person)

    def _unending(self, turn: Turn, person: Person) -> None:
        """Let somebody go who sends and sends, and no line."""
        if person.unfinished > TOO_LONG_BYTES and not person.gone:
            self._house.dismiss(turn, person, Ending.LINE_TOO_LONG, "that was too much without a line of yours")

    def _lines(self, turn: Turn, person: Person, items: list[bytes | TooLong]) -> None:
        if person.fresh:
            person.fresh = False
            self._house.awaited.pop(person.conn, None)
        for item in items:
            if self._paced:
                self._charge(person, len(item) + 1 if isinstance(item, bytes) else item.limit, turn.now)
            if isinstance(item, bytes):
                self._line(turn, person, item)
            else:
                self._too_long(turn, person)
            if person.gone:
                return

    def _too_long(self, turn: Turn, person: Person) -> None:
        person.too_long = (*last_minute(person.too_long, turn.now), turn.now)
        if len(person.too_long) > TOO_LONG_LINES:
            told = "those were too many lines that are too long"
            self._house.dismiss(turn, person, Ending.LINE_TOO_LONG, told)
        else:
            turn.tell(person, f"*** your line was dropped: make it shorter than {self._limit + 1} bytes")

    # The last station: what is said and done.

    def _line(self, turn: Turn, person: Person, line: bytes) -> None:
        person.unfinished = 0
        person.heard_at = turn.now
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
        try:
            if person.form.json and text.lstrip(" ")[0] == "{":
                self._object(turn, person, text)
            elif text[0] == "/" and text[1:2] != "/":
                self._obey(turn, person, text)
            else:
                self._house.say(turn, person, text[1:] if text[0] == "/" else text)
        except Refusal as refusal:
            turn.tell(person, f"*** {refusal}")

    def _obey(self, turn: Turn, person: Person, line: str) -> None:
        """Do as a command says. A long answer counts as much as a long line: who asks for many waits for them."""
        before = turn.told
        try:
            obey(self._house, turn, person, line)
        finally:
            person.pace.read(turn.told - before, turn.now)

    def _object(self, turn: Turn, person: Person, line: str) -> None:
        """Do as a JSON object says: see ``objects``."""
        asked = objects.read(line)
        if asked.command:
            self._obey(turn, person, asked.command)
        else:
            self._house.say(turn, person, asked.text, action=asked.action)
