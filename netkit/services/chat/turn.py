"""A turn: what one event makes the chat say, in order, in as few effects as carry it.

Lines that follow one another to the same person, or to the same room, become one ``Send`` for each line
ending: a paste or a long answer costs as much as a line. All goes out as ``Send`` and nothing as plain
bytes, which could overtake it.
"""

from __future__ import annotations

from ...service import Close, Effect, Send
from .person import Person
from .rooms import Room


class Turn:
    """Collects what is said and done during one event; ``effects()`` hands it over."""

    __slots__ = ("_but", "_effects", "_lines", "_to")

    def __init__(self) -> None:
        self._effects: list[Effect] = []
        # Lines that are not an effect yet, and for whom they are.
        self._lines: list[str] = []
        self._to: Person | Room | None = None
        self._but: Person | None = None

    def tell(self, person: Person, line: str) -> None:
        """Say a line, without its ending, to one person: an answer, or something private."""
        if self._to is not person:
            self.flush()
            self._to = person
        self._lines.append(line)

    def announce(self, room: Room, line: str, but: Person | None = None) -> None:
        """Say a line, without its ending, to everybody in a room but one."""
        if self._to is not room or self._but is not but:
            self.flush()
            self._to = room
            self._but = but
        self._lines.append(line)
        room.told += 1
        if but is not None and but.paused:
            # Its own line is none that it missed.
            but.away_since += 1

    def send(self, person: Person, data: bytes) -> None:
        """Send bytes as they are: an answer of telnet or of HTTP."""
        self.flush()
        self._effects.append(Send((person.conn,), data))

    def close(self, person: Person, reason: str) -> None:
        """Close the connection of somebody who has left, after what it was told."""
        self.flush()
        self._effects.append(Close(person.conn, reason))

    def add(self, effect: Effect) -> None:
        """Any other effect."""
        self.flush()
        self._effects.append(effect)

    def effects(self) -> list[Effect]:
        """All of it, in order."""
        self.flush()
        return self._effects

    def flush(self) -> None:
        """Make effects of the lines so far, for those who are to get them as things stand now."""
        to, lines = self._to, self._lines
        if to is None:
            return
        if isinstance(to, Person):
            self._effects.append(Send((to.conn,), _encode(lines, to.ending)))
        else:
            for ending, conns in to.listeners(self._but):
                self._effects.append(Send(conns, _encode(lines, ending)))
        self._to = self._but = None
        self._lines = []


def _encode(lines: list[str], ending: str) -> bytes:
    return (ending.join(lines) + ending).encode()
