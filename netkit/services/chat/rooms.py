"""Rooms: who is in one, what was said in it last, and what it may be called.

A room keeps its listeners by the line ending they use: a line to everybody is at most two bytes objects,
one for each ending, and to find out who gets which must not take a step in Python for each listener. Both
groups are in the order in which people joined.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

from ...service import Conn
from .person import Person
from .refusal import Refusal

#: Where everybody starts, and the one room that is always there.
LOBBY = "#lobby"

#: Rooms at a time, with people in them. Each may keep HISTORY_SIZE bytes, 48 MiB in all.
MAX_ROOMS = 1000

#: What a room keeps of what was said, whichever is reached first: ssh-chat keeps 20 lines, ergo 2048. All of
#: it must fit below ``Limits.high`` (64 KiB), or asking for it would make whoever asks a slow reader.
HISTORY_LINES = 200
HISTORY_SIZE = 48 * 1024

_NAME = re.compile(r"#[a-z0-9_-]{1,32}")


def room_name(text: str) -> str:
    """The name of a room as it is kept: ``#`` and 1 to 32 of a-z, 0-9, ``_`` and ``-``, case folded.

    Raises:
        Refusal: it cannot be the name of a room.
    """
    # No character folds to more than three, so what is longer than this needs no folding to be refused.
    name = text.casefold() if len(text) <= 33 else ""
    if not _NAME.fullmatch(name):
        raise Refusal("a room is called # and then 1 to 32 of a-z, 0-9, _ and -: try /join #tea")
    return name


class Room:
    """One room: its members, its topic and its last lines."""

    __slots__ = ("_crlf", "_kept", "_lf", "_lines", "_stale", "members", "name", "told", "topic")

    def __init__(self, name: str) -> None:
        self.name = name
        #: What it is about, as one line; empty until somebody sets it.
        self.topic = ""
        #: Lines told to the room so far: what somebody missed is the difference of two of these.
        self.told = 0
        self.members: dict[Conn, Person] = {}
        # Dictionaries for their order and their quick removal; the values mean nothing.
        self._crlf: dict[Conn, None] = {}
        self._lf: dict[Conn, None] = {}
        self._stale = False
        self._lines: deque[str] = deque()
        self._kept = 0

    def add(self, person: Person) -> None:
        """Let somebody in, last in the order."""
        self.members[person.conn] = person
        if not person.paused:
            (self._crlf if person.ending == "\r\n" else self._lf)[person.conn] = None

    def remove(self, person: Person) -> None:
        """Let somebody out."""
        del self.members[person.conn]
        self._crlf.pop(person.conn, None)
        self._lf.pop(person.conn, None)

    def regroup(self) -> None:
        """A member's line ending changed, or whether it listens: see to it before the next line."""
        self._stale = True

    def listeners(self, but: Person | None) -> Iterator[tuple[str, tuple[Conn, ...]]]:
        """Who hears what is said now, by line ending and without the one who says it."""
        if self._stale:
            self._group()
        for ending, group in (("\r\n", self._crlf), ("\n", self._lf)):
            if but is not None and but.conn in group:
                # A copy without one, all in C: a tenth of what a comprehension over the group takes.
                group = group.copy()
                del group[but.conn]
            if group:
                yield ending, tuple(group)

    def _group(self) -> None:
        self._stale = False
        listening = [person for person in self.members.values() if not person.paused]
        self._crlf = {person.conn: None for person in listening if person.ending == "\r\n"}
        self._lf = {person.conn: None for person in listening if person.ending == "\n"}

    def remember(self, line: str) -> None:
        """Keep a line for those who come later, and forget the oldest where it is too much."""
        lines = self._lines
        lines.append(line)
        self._kept += _size(line)
        while len(lines) > HISTORY_LINES or self._kept > HISTORY_SIZE:
            self._kept -= _size(lines.popleft())

    def last(self, number: int) -> list[str]:
        """The last lines that were said, oldest first, at most so many."""
        return list(self._lines)[-number:] if number > 0 else []


def _size(line: str) -> int:
    """Bytes of a line when it is sent, without its ending."""
    return len(line) if line.isascii() else len(line.encode())


class Rooms:
    """All rooms. One is made when somebody joins it, and gone when the last one leaves; the lobby stays."""

    __slots__ = ("_rooms", "lobby")

    def __init__(self) -> None:
        self.lobby = Room(LOBBY)
        self._rooms = {LOBBY: self.lobby}

    def __len__(self) -> int:
        return len(self._rooms)

    def __iter__(self) -> Iterator[Room]:
        return iter(self._rooms.values())

    def find(self, name: str) -> Room:
        """The room of that name.

        Raises:
            Refusal: there is none.
        """
        name = room_name(name)
        try:
            return self._rooms[name]
        except KeyError:
            raise Refusal(f"there is no room {name}: /rooms lists them, /join {name} makes it") from None

    def open(self, name: str) -> Room:
        """The room of that name, made if there is none.

        Raises:
            Refusal: the name is none for a room, or there are too many rooms.
        """
        name = room_name(name)
        room = self._rooms.get(name)
        if room is None:
            if len(self._rooms) >= MAX_ROOMS:
                raise Refusal(f"there are {MAX_ROOMS} rooms and there can be no more: /rooms lists some")
            room = self._rooms[name] = Room(name)
        return room

    def tidy(self, room: Room) -> None:
        """Let go of a room if nobody is left in it."""
        if not room.members and room is not self.lobby:
            del self._rooms[room.name]
