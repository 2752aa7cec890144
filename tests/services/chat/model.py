"""A model of the chat: who is called what and is where, what was said in each room under which number, and what each
should have read. It knows nothing of bytes and effects, and its storage is what was said.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from netkit.endings import Ending
from netkit.services.chat.phrases import count, duration
from netkit.services.chat.records import Lines, Said

if TYPE_CHECKING:
    from tests.services.conftest import Seat, Stage

#: Lines that a room remembers here, so that the storage is needed.
REMEMBERED = 5

#: Seconds that a reader may be slow.
SLOW = 90.0


@dataclass(eq=False)
class Room:
    """A room of the model."""

    name: str
    lines: list[Said] = field(default_factory=list)
    topic: str = ""
    #: Of the last line, or a higher one where some numbers were lost.
    number: int = 0

    @property
    def newest(self) -> int:
        return self.lines[-1].number if self.lines else 0


@dataclass(eq=False)
class Someone:
    """A person of the model."""

    seat: Seat
    nick: str
    room: Room
    slow_since: float | None = None
    #: The number at which it became slow or came here, its own lines since, and what it missed in other rooms.
    slow_at: int = 0
    own: int = 0
    elsewhere: int = 0
    json: bool = False
    quiet: bool = False
    away: str = ""
    operator: bool = False
    muted_until: float = 0.0
    ignoring: set[Someone] = field(default_factory=set)
    writer: Someone | None = None
    left: bool = False
    due: list[str] = field(default_factory=list)

    @property
    def slow(self) -> bool:
        return self.slow_since is not None


def spoken(said: Said) -> str:
    return f"* {said.nick} {said.text}" if said.action else f"<{said.nick}> {said.text}"


def again(said: Said) -> str:
    return f"#{said.number} {spoken(said)}"


def as_line(data: bytes) -> str:
    """A JSON object as the line that others read instead of it."""
    match json.loads(data):
        case {"type": "notice", "text": text}:
            return f"*** {text}"
        case {"type": "line" | "again" as kind, "room": room, "number": number, "nick": nick, "text": text, **more}:
            said = Said(room, number, nick, text, "action" in more)
            return spoken(said) if kind == "line" else again(said)
        case {"type": "ok", "number": number}:
            return f"*** ok #{number}"
        case {"type": "private", **private}:
            return f"[{private['from']} -> {private['to']}] {private['text']}"
        case other:
            raise AssertionError(other)


class World:
    """All of it, and what follows from what people do."""

    #: The chat that is compared to it.
    stage: Stage

    def __init__(self) -> None:
        self.here: list[Someone] = []
        #: Connections of those who have left.
        self.closed: list[Seat] = []
        self.rooms: dict[str, Room] = {"#lobby": Room("#lobby")}
        #: Who waits for the storage, and for which lines of which room.
        self.asked: list[tuple[Someone, Room, Lines]] = []

    def rest(self, seconds: float) -> None:
        """Time passes; who is slow for too long is cut off."""
        self.stage.wait(seconds)
        slow = [(someone.slow_since, someone) for someone in self.here if someone.slow_since is not None]
        for since, someone in sorted(slow, key=lambda each: each[0]):
            if since + SLOW <= self.stage.now:
                assert someone.seat.closed == Ending.TOO_SLOW
                self.leave(someone, " (too slow)")

    def mates(self, someone: Someone) -> list[Someone]:
        return [other for other in self.here if other.room is someone.room and other is not someone]

    def tell_room(self, someone: Someone, line: str, *, notice: bool = True) -> None:
        """Tell those who listen; who comes and goes is told to who wants to know."""
        for other in self.mates(someone):
            if not other.slow and not (notice and other.quiet):
                other.due.append(line)

    def refused(self, someone: Someone) -> bool:
        """Whether somebody may not speak, and is told so."""
        left = someone.muted_until - self.stage.now
        if left > 0:
            someone.due.append(f"*** an operator does not let you speak for another {duration(left)}")
        return left > 0

    def said(self, someone: Someone, text: str, *, action: bool = False) -> None:
        room = someone.room
        room.number += 1
        said = Said(room.name, room.number, someone.nick, text, action)
        room.lines.append(said)
        someone.own += 1
        for other in self.mates(someone):
            if not other.slow and someone not in other.ignoring:
                other.due.append(spoken(said))
        if someone.json:
            someone.due.append(f"*** ok #{said.number}")

    def enter(self, someone: Someone, how: str) -> None:
        room, others = someone.room, self.mates(someone)
        if room.topic:
            someone.due.append(f"*** topic: {room.topic}")
        here = f"{count(len(others), 'other')} here: /who names them" if others else "nobody else is here yet"
        someone.due.append(f"*** {here}")
        last = room.lines[-min(REMEMBERED, 10) :]
        if last:
            someone.due.append(f"*** last said here ({count(len(last), 'line')}):")
            someone.due += map(again if someone.json else spoken, last)
        someone.slow_at, someone.own = room.number, 0
        self.tell_room(someone, f"*** {someone.nick} {how}")

    def exit(self, someone: Someone, how: str) -> None:
        self.tell_room(someone, f"*** {someone.nick} {how}")
        room = someone.room
        if someone.slow:
            someone.elsewhere += room.number - someone.slow_at - someone.own
        if not self.mates(someone) and not room.number and not room.topic and room.name != "#lobby":
            del self.rooms[room.name]

    def leave(self, someone: Someone, how: str = "") -> None:
        self.exit(someone, f"left{how}")
        self.here.remove(someone)
        self.closed.append(someone.seat)
        someone.left = True
        for other in self.here:
            other.ignoring.discard(someone)

    def whisper(self, someone: Someone, other: Someone, text: str) -> None:
        if self.refused(someone):
            return
        if other.slow:
            someone.due.append(f"*** {other.nick} has a slow connection and cannot be reached now: try again later")
        elif someone in other.ignoring:
            someone.due.append(f"*** {other.nick} does not want to hear from you")
        else:
            # Programs are told of both by their names.
            other.due.append(f"[{someone.nick} -> {other.nick if other.json else 'you'}] {text}")
            someone.due.append(f"[{someone.nick if someone.json else 'you'} -> {other.nick}] {text}")
            if other.away:
                someone.due.append(f"*** {other.nick} is away: {other.away}")
            other.writer = someone

    def find(self, someone: Someone, name: str) -> Someone | None:
        """Somebody else of that name, or None, and somebody is told why not."""
        other = next((other for other in self.here if other.nick.lower() == name.lower()), None)
        if other is None:
            someone.due.append(f"*** there is no {name} here: /who names those who are")
        elif other is someone:
            someone.due.append("*** that is you: name somebody else")
            return None
        return other

    def show(self, someone: Someone, room: Room, query: Lines) -> None:
        """The lines that somebody asked for, as many as are shown at a time."""
        if query.before:
            lines = [line for line in room.lines if line.number < query.number][-query.limit :][-REMEMBERED:]
            someone.due.append(f"*** last said here ({count(len(lines), 'line')}):")
        else:
            lines = [line for line in room.lines if line.number >= query.number][:REMEMBERED]
            lost = range(query.number, lines[0].number)
            if lost:
                gone = f"#{lost[0]} is" if len(lost) == 1 else f"#{lost[0]} to #{lost[-1]} are"
                someone.due.append(f"*** {gone} gone: too long ago")
        someone.due += map(again, lines)
        if lines[-1].number < room.newest:
            someone.due.append(f"*** there is more: /replay {lines[-1].number + 1}")

    def ask(self, someone: Someone, query: Lines, *, remembered: bool) -> None:
        """The room remembers the lines, or the storage is asked."""
        room = someone.room
        if remembered or room.lines[-REMEMBERED:][0].number == 1:
            self.show(someone, room, query)
        elif any(asked is someone for asked, *_ in self.asked):
            someone.due.append("*** the lines that you asked for are still being looked up: wait for them")
        else:
            self.asked.append((someone, room, query))
