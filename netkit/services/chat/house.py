"""The house: everybody who is in the chat, what they are called and which room they are in.

What people do to one another happens here: come, speak, move, change their name, leave. Each is one step that
leaves names and rooms in agreement, and says in the turn what everybody concerned gets to read. Every line
starts with what says where it is from, and no input can make another one:

    <ann> text            said in the room
    * ann waves           done in the room
    [ann -> you] text     said to you alone, and ``[you -> ann] text`` to the one who said it
    *** text              the chat itself
"""

from __future__ import annotations

from collections import OrderedDict

from ...service import Conn
from .nicks import Nicks
from .person import Person, last_minute
from .phrases import count
from .refusal import Refusal
from .rooms import Room, Rooms
from .turn import Turn

#: Lines of a room that somebody gets to read who comes in: about half a screen.
SHOWN_LINES = 10

#: Times in a minute that somebody may change their name: each time, the whole room is told.
RENAMES = 3


class House:
    """Who is here.

    Args:
        line_length: the longest line that anybody may send, in bytes.
        unicode_nicks: allow letters other than a-z in nicks, of one script in each.
    """

    __slots__ = ("_line_length", "awaited", "nicks", "people", "rooms")

    def __init__(self, line_length: int, *, unicode_nicks: bool) -> None:
        self._line_length = line_length
        self.people: dict[Conn, Person] = {}
        #: Strangers who have not sent a line, and until when they must have. The oldest are first.
        self.awaited: OrderedDict[Conn, float] = OrderedDict()
        self.nicks = Nicks(unicode=unicode_nicks)
        self.rooms = Rooms()

    def come(self, turn: Turn, conn: Conn) -> Person:
        """Let somebody in: a name and a place in the lobby at once, without any questions."""
        nick = self.nicks.guest()
        person = Person(conn, nick, nick, self.rooms.lobby, self._line_length)
        self.people[conn] = person
        self.nicks.add(person)
        turn.tell(person, f"*** you are {nick} in {person.room.name}")
        turn.tell(person, "*** type a line and press Enter to talk; /help shows more, /quit leaves")
        self._enter(turn, person, "is here")
        return person

    def say(self, turn: Turn, person: Person, line: str) -> None:
        """Tell the room a line that starts with the person's name, and keep it for those who come later."""
        room = person.room
        turn.announce(room, line, person)
        room.remember(line)

    def whisper(self, turn: Turn, person: Person, to: Person, text: str) -> None:
        """Tell somebody something that nobody else gets to read.

        Raises:
            Refusal: it would not arrive now.
        """
        if to.paused:
            raise Refusal(f"{to.nick} has a slow connection and cannot be reached now: try again later")
        turn.tell(to, f"[{person.nick} -> you] {text}")
        turn.tell(person, f"[you -> {to.nick}] {text}")
        to.reply_to = person

    def move(self, turn: Turn, person: Person, room: Room) -> None:
        """Take somebody from one room to another one."""
        left = person.room
        turn.announce(left, f"*** {person.nick} went to {room.name}", person)
        self._exit(person)
        person.room = room
        turn.tell(person, f"*** you are in {room.name} now")
        self._enter(turn, person, f"came from {left.name}")

    def rename(self, turn: Turn, person: Person, nick: str, now: float) -> None:
        """Give somebody another name, and tell the room.

        Raises:
            Refusal: the name cannot be had, or it is the fourth in a minute.
        """
        renamed = last_minute(person.renamed, now)
        if len(renamed) >= RENAMES:
            raise Refusal(f"a name may change {RENAMES} times a minute: try again in a minute")
        before = person.nick
        self.nicks.rename(person, nick)
        person.renamed = (*renamed, now)
        turn.tell(person, f"*** you are {person.nick} now")
        turn.announce(person.room, f"*** {before} is {person.nick} now", person)

    def dismiss(self, turn: Turn, person: Person, reason: str, told: str = "") -> None:
        """Close somebody's connection.

        Args:
            turn: what is said meanwhile.
            person: who is to go.
            reason: a few fixed words for the log; the room gets to read them too, if this is not a wish.
            told: why, for the one who goes; empty if that was a wish.
        """
        turn.tell(person, f"*** {told}: goodbye" if told else "*** goodbye")
        self.leave(turn, person, f" ({reason})" if told else "")
        turn.close(person, reason)

    def leave(self, turn: Turn, person: Person, how: str = "") -> None:
        """Let somebody out, for good: name and place are free again. ``how`` ends the notice to the room."""
        self.awaited.pop(person.conn, None)
        turn.announce(person.room, f"*** {person.nick} left{how}", person)
        self._exit(person)
        self.nicks.remove(person)
        del self.people[person.conn]
        person.gone = True
        # Or each would keep the one it last heard from, and that one the next, long after they are gone.
        person.reply_to = None

    def pause(self, person: Person) -> None:
        """Let what the room says pass somebody by."""
        if person.paused:
            return
        person.paused = True
        person.away_since = person.room.told
        person.room.regroup()

    def resume(self, turn: Turn, person: Person) -> None:
        """Let somebody hear the room again, and know how much was missed."""
        if not person.paused:
            return
        missed = person.missed + person.room.told - person.away_since
        person.paused = False
        person.missed = 0
        person.room.regroup()
        if missed:
            turn.tell(person, f"*** you missed {count(missed, 'line')}: your connection was too slow")

    def _enter(self, turn: Turn, person: Person, how: str) -> None:
        """Into ``person.room``: show it to the person, and the person to it."""
        room = person.room
        if room.topic:
            turn.tell(person, f"*** topic: {room.topic}")
        others = len(room.members)
        here = f"{count(others, 'other')} here: /who names them" if others else "nobody else is here yet"
        turn.tell(person, f"*** {here}")
        lines = room.last(SHOWN_LINES)
        if lines:
            turn.tell(person, f"*** last said here ({count(len(lines), 'line')}):")
        for line in lines:
            turn.tell(person, line)
        room.add(person)
        turn.announce(room, f"*** {person.nick} {how}", person)
        person.away_since = room.told

    def _exit(self, person: Person) -> None:
        room = person.room
        if person.paused:
            person.missed += room.told - person.away_since
        room.remove(person)
        self.rooms.tidy(room)
