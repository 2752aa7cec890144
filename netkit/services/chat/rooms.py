"""Rooms: who is in one, the number of its last line, and what it may be called.

A room keeps its listeners by the form in which they get messages: a line to everybody is at most one bytes object
for each form, and to find out who gets which must not take a step in Python for each listener. Each group is in the
order in which people joined.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...service import Conn
from .history import History, Shelf
from .messages import Form
from .pace import Bucket
from .person import Person
from .records import Kept
from .refusal import Refusal

#: Where everybody starts, and the one room that is always there.
LOBBY = "#lobby"

#: Rooms at a time. Each takes about a kilobyte, and what ``history`` keeps for it.
MAX_ROOMS = 1000

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

    __slots__ = (
        "_groups",
        "_stale",
        "gathered",
        "members",
        "name",
        "number",
        "pace",
        "quiet",
        "reserved",
        "shelf",
        "storm_until",
        "topic",
        "used",
    )

    def __init__(self, name: str, shelf: Shelf, pace: Bucket) -> None:
        self.name = name
        #: What it is about, as one line; empty until somebody sets it.
        self.topic = ""
        #: The number of the last line said here: the first one has 1.
        self.number = 0
        #: Numbers up to this one are known to the storage as used.
        self.reserved = 0
        #: What it remembers.
        self.shelf = shelf
        #: When somebody was last here, or it was last spoken in, in seconds.
        self.used = 0.0
        self.members: dict[Conn, Person] = {}

        #: How fast is spoken here.
        self.pace = pace
        #: So long a storm is one and the same, and nobody is told of it again.
        self.storm_until = 0.0
        #: Who came, left or changed their name since people were last told, as far as that is gathered.
        self.gathered: list[tuple[str, str, Conn]] = []

        # Dictionaries for their order and their quick removal; the values mean nothing.
        self._groups: dict[Form, dict[Conn, None]] = {form: {} for form in Form}
        self._stale = False
        #: Members who do not want to know who comes and goes.
        self.quiet: dict[Conn, None] = {}

    def add(self, person: Person) -> None:
        """Let somebody in, last in the order."""
        self.members[person.conn] = person
        if person.listens:
            self._groups[person.form][person.conn] = None
        if person.quiet:
            self.quiet[person.conn] = None

    def remove(self, person: Person) -> None:
        """Let somebody out."""
        del self.members[person.conn]
        for group in self._groups.values():
            group.pop(person.conn, None)
        self.quiet.pop(person.conn, None)

    def regroup(self) -> None:
        """A member gets messages in another form now, or does not listen: see to it before the next line."""
        self._stale = True

    def listeners(self, but: Sequence[Conn]) -> Iterator[tuple[Form, tuple[Conn, ...]]]:
        """Who hears what is said now, by form and without some."""
        if self._stale:
            self._group()
        for form, group in self._groups.items():
            if not group:
                continue
            if not group.keys().isdisjoint(but):
                # A copy without them, all in C: a tenth of what a comprehension over the group takes.
                group = group.copy()
                for conn in but:
                    group.pop(conn, None)
                if not group:
                    continue
            yield form, tuple(group)

    def _group(self) -> None:
        self._stale = False
        self._groups = {form: {} for form in Form}
        for conn, person in self.members.items():
            if person.listens:
                self._groups[person.form][conn] = None


class Rooms:
    """All rooms. One is made when somebody joins it, and gone when the last one leaves; the lobby stays.

    Args:
        history: where the rooms' lines are kept.
        rate: lines a second in one room, 0 for no bound.
        kept: what was kept of a chat before this one. None: nothing is kept, and a room that is empty is gone.
    """

    __slots__ = ("_history", "_kept", "_rate", "_rooms", "_start", "lobby")

    def __init__(self, history: History, rate: float, kept: Kept | None) -> None:
        self._history = history
        self._rate = rate
        self._kept = kept is not None
        self._start = kept.start if kept else 0
        self._rooms: dict[str, Room] = {}
        for each in kept.rooms if kept else ():
            room = self._make(each.name)
            room.topic = each.topic
            room.number = room.reserved = each.number
            for line in each.lines:
                history.keep(room.shelf, line)
        self.lobby = self._rooms.get(LOBBY) or self._make(LOBBY)

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

    def open(self, name: str) -> tuple[Room, Room | None]:
        """The room of that name, made if there is none, and the one that had to go for it, if one had to.

        Raises:
            Refusal: the name is none for a room, or there are too many rooms.
        """
        name = room_name(name)
        room = self._rooms.get(name)
        if room is not None:
            return room, None
        gone = self._spare() if len(self._rooms) >= MAX_ROOMS else None
        return self._make(name), gone

    def tidy(self, room: Room) -> None:
        """Let go of a room if nobody is left in it, and nothing of it is to be kept."""
        if room.members or room is self.lobby:
            return
        # Where nothing was said in it, it will begin after the same number again.
        if not self._kept or not (room.topic or room.shelf.lines or room.number > self._start):
            self._drop(room)

    def _make(self, name: str) -> Room:
        room = self._rooms[name] = Room(name, self._history.shelf(name), Bucket(self._rate, self._rate))
        room.number = room.reserved = self._start
        return room

    def _spare(self) -> Room:
        """Make place: let go of the room that was left the longest ago.

        Raises:
            Refusal: somebody is in each.
        """
        empty = [room for room in self._rooms.values() if not room.members and room is not self.lobby]
        if not empty:
            raise Refusal(f"there are {MAX_ROOMS} rooms and there can be no more: /rooms lists some")
        room = min(empty, key=lambda room: room.used)
        self._drop(room)
        return room

    def _drop(self, room: Room) -> None:
        del self._rooms[room.name]
        self._history.forget(room.name)
