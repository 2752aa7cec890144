"""Changes: what many records come to, in the form in which they are written.

Only lines add up. Of topics and bans the last one counts, of numbers the highest: so all else that waits for the disk
is bounded by how many rooms and bans there are, however long it waits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ..services.chat.records import Ban, Forgotten, Lines, Reserved, Said, Topic, Unban

#: Bytes of memory that a line takes beside its text: the objects that hold it, roughly.
OVERHEAD = 256

#: The greatest number of a line: what reads JSON keeps it whole, and SQLite can add to it.
HIGHEST = 2**53

OUT_OF_BOUNDS = f"the number of a line is from 0 to {HIGHEST}, not {{}}"


@dataclass(slots=True)
class RoomChanges:
    """What has become of one room."""

    #: Everything there was of it is to go first.
    forgotten: bool = False
    #: Whether there is such a room afterwards.
    there: bool = True
    topic: str | None = None
    #: The highest number of a line, also of one that was left out.
    number: int = 0
    reserved: int = 0
    #: Each with the time at which it was said, in seconds since the epoch.
    lines: list[tuple[float, Said]] = field(default_factory=list)
    #: Bytes of memory that the lines take.
    weight: int = 0


@dataclass(slots=True)
class Changes:
    """What is to be written in one go."""

    rooms: dict[str, RoomChanges] = field(default_factory=dict)
    #: By target: a ban, and the time at which it was made. None: it is lifted.
    bans: dict[str, tuple[float, Ban] | None] = field(default_factory=dict)

    @property
    def weight(self) -> int:
        """Bytes of memory that the lines in it take."""
        return sum(room.weight for room in self.rooms.values())

    @property
    def vital(self) -> bool:
        """Whether there is more to it than lines and topics: numbers not to be given again, or who may not come in."""
        return bool(self.bans) or any(room.reserved for room in self.rooms.values())

    @property
    def lines(self) -> int:
        """How many lines are in it."""
        return sum(len(room.lines) for room in self.rooms.values())

    def room(self, name: str) -> RoomChanges:
        """The changes of one room, to add to."""
        found = self.rooms.get(name)
        if found is None:
            found = self.rooms[name] = RoomChanges()
        found.there = True
        return found

    def say(self, said: Said, now: float, weight: int) -> None:
        """Add a line that was said ``now`` and takes so many bytes."""
        room = self.room(said.room)
        room.lines.append((now, said))
        room.weight += weight
        if said.number > room.number:
            room.number = said.number

    def skip(self, said: Said) -> None:
        """Leave a line out, but for its number, which shall not be given again."""
        room = self.room(said.room)
        room.number = max(room.number, said.number)

    def add(self, record: object, now: float) -> int:
        """Add any record but a line, and tell how many bytes less the lines take for it.

        Raises:
            TypeError: it is no record.
            ValueError: it cannot be stored.
        """
        match record:
            case Topic(room, text):
                _check(room, text)
                self.room(room).topic = text
            case Reserved(room, number):
                _check(room, number=number)
                self.room(room).reserved = max(self.room(room).reserved, number)
            case Forgotten(room):
                _check(room)
                freed = self.room(room).weight
                self.rooms[room] = RoomChanges(forgotten=True, there=False)
                return freed
            case Ban(target, by, why, seconds):
                _check(target, by, why)
                if seconds is not None and math.isnan(seconds):
                    raise ValueError("a ban lasts so many seconds, or for ever: nan is neither")
                self.bans[target] = (now, record)
            case Unban(target):
                _check(target)
                self.bans[target] = None
            case _:
                raise TypeError(f"the storage takes the records of a chat, not {record!r}")
        return 0

    def extend(self, later: Changes) -> None:
        """Add what came after these."""
        self.bans |= later.bans
        for name, new in later.rooms.items():
            old = self.rooms.get(name)
            if old is None or new.forgotten:
                self.rooms[name] = new
                continue
            old.there = True
            old.topic = old.topic if new.topic is None else new.topic
            old.number = max(old.number, new.number)
            old.reserved = max(old.reserved, new.reserved)
            old.lines += new.lines
            old.weight += new.weight


def check_query(query: Lines) -> None:
    """Refuse what could not be looked up.

    Raises:
        ValueError: it names a room that cannot be.
    """
    _check(query.room)


def weigh(said: Said) -> int:
    """Bytes of memory that a line takes.

    Raises:
        ValueError: it cannot be stored: its text is none that UTF-8 has, or its number is out of bounds.
    """
    if not 0 <= said.number <= HIGHEST:
        raise ValueError(OUT_OF_BOUNDS.format(said.number))
    return OVERHEAD + len((said.room + said.nick + said.text).encode())


def _check(*texts: str, number: int = 0) -> None:
    """Refuse at the door what would fail every time it is written."""
    if not 0 <= number <= HIGHEST:
        raise ValueError(OUT_OF_BOUNDS.format(number))
    for text in texts:
        text.encode()
