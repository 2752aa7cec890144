"""The house: everybody who is in the chat, what they are called and which room they are in.

What people do to one another happens here: come, speak, move, change their name, leave. Each is one step that
leaves names and rooms in agreement, and says in the turn what everybody concerned gets to read. Every line
starts with what says where it is from, and no input can make another one:

    <ann> text            said in the room
    * ann waves           done in the room
    [ann -> you] text     said to you alone, and ``[you -> ann] text`` to the one who said it
    #481 <ann> text       said before, under this number
    *** text              the chat itself
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ...endings import Ending
from ...limits import Limits
from ...service import Close, Conn, Send, Wake
from .bans import Bans, named
from .history import History
from .messages import Again, Private, Receipt
from .nicks import Nicks
from .notices import Notices
from .pace import Pace
from .person import Person, last_minute
from .phrases import count, duration
from .records import Ban, Kept, Reserved, Said
from .refusal import Refusal
from .rooms import Room, Rooms
from .turn import Turn

if TYPE_CHECKING:
    from .archive import Wanted

#: Lines of a room that somebody gets to read who comes in: about half a screen.
SHOWN_LINES = 10

#: Numbers of a room that the storage is told of ahead of their use. At ``room_rate`` it has ten seconds to write that
#: down; where there is no such bound, as many lines would have to be said before it has.
AHEAD = 1024
FAR_AHEAD = 64 * 1024

#: Endings of which a room is told no more than that somebody left.
PLAIN_ENDINGS = frozenset({Ending.QUIT, Ending.EOF, Ending.LOST})


class House:
    """Who is here.

    Args:
        limits: the bounds of the chat.
        unicode_nicks: allow letters other than a-z in nicks, of one script in each.
        operator_token: makes an operator of who gives it. Empty: there are none.
        kept: what was kept of the chat before. None: nothing is kept.
        endings: gives how many connections have ended so far, by reason.
    """

    __slots__ = (
        "_ahead",
        "_kept_bans",
        "awaited",
        "bans",
        "began",
        "endings",
        "history",
        "keeps",
        "limits",
        "most",
        "nicks",
        "notices",
        "operator_token",
        "operators",
        "people",
        "recalls",
        "rooms",
        "said",
        "slow",
    )

    def __init__(
        self,
        limits: Limits,
        *,
        unicode_nicks: bool,
        operator_token: str,
        kept: Kept | None,
        endings: Callable[[], Mapping[str, int]],
    ) -> None:
        self.limits = limits
        self.people: dict[Conn, Person] = {}
        #: Strangers who have not sent a line, and since when they are here. The oldest are first.
        self.awaited: OrderedDict[Conn, float] = OrderedDict()
        #: Slow readers, and since when they are that. The slowest are first.
        self.slow: OrderedDict[Conn, float] = OrderedDict()
        self.nicks = Nicks(unicode=unicode_nicks)
        self.history = History()
        self.rooms = Rooms(self.history, limits.room_rate, kept)
        self.notices = Notices(limits.notice_rate)
        self.bans = Bans()
        self._kept_bans = kept.bans if kept else ()
        #: Those who may send people away, and what makes one of somebody; empty: nothing does.
        self.operators: set[Person] = set()
        self.operator_token = operator_token
        #: Who waits for lines that the storage is asked for, in the order in which it was asked.
        self.recalls: deque[Wanted] = deque()
        #: Whether what is said is stored.
        self.keeps = kept is not None
        self._ahead = AHEAD if limits.room_rate else FAR_AHEAD

        # What can be counted.
        self.endings = endings
        #: When the first one came, in seconds. None: nobody has yet.
        self.began: float | None = None
        #: The most people at a time, and the lines said so far.
        self.most = 0
        self.said = 0

    def come(self, turn: Turn, conn: Conn) -> Person | None:
        """Let somebody in: a name and a place in the lobby at once, without any questions. None: it is banned."""
        if self.began is None:
            self._begin(turn.now)
        ban = self.bans.of(conn.host, turn.now)
        if ban is not None:
            turn.add(Send((conn,), f"*** {banned(ban)}: goodbye ({Ending.BANNED})\r\n".encode()))
            turn.add(Close(conn, Ending.BANNED))
            return None
        nick = self.nicks.guest()
        person = Person(conn, nick, nick, self.rooms.lobby, self.limits.line_length, Pace(self.limits), turn.now)
        self.people[conn] = person
        self.nicks.add(person)
        self.most = max(self.most, len(self.people))
        turn.tell(person, f"*** you are {nick} in {person.room.name}")
        turn.tell(person, "*** type a line and press Enter to talk; /help shows more, /quit leaves")
        self._enter(turn, person, "is here")
        return person

    def say(self, turn: Turn, person: Person, text: str, *, action: bool = False) -> None:
        """Tell the room a line, or what somebody does, and keep it for those who come later.

        Raises:
            Refusal: an operator does not let this one speak.
        """
        if person.muted_until:
            self.may_speak(turn, person)
        room = person.room
        room.number += 1
        room.used = turn.now
        self.said += 1
        said = Said(room.name, room.number, person.nick, text, action)
        but: tuple[Conn, ...] = (person.conn,)
        if person.ignored_by:
            but += tuple(other.conn for other in person.ignored_by)
        turn.announce(room, said, but)
        self.history.keep(room.shelf, said)
        person.said = room.number
        if person.paused:
            person.own += 1
        if person.form.json:
            turn.tell(person, Receipt(room.name, room.number))
        if self.keeps:
            self._reserve(turn, room)
            turn.keep(said)

    def whisper(self, turn: Turn, person: Person, to: Person, text: str) -> None:
        """Tell somebody something that nobody else gets to read.

        Raises:
            Refusal: it would not arrive now.
        """
        self.may_speak(turn, person)
        if not to.listens:
            raise Refusal(f"{to.nick} has a slow connection and cannot be reached now: try again later")
        if to.ignoring and person in to.ignoring:
            raise Refusal(f"{to.nick} does not want to hear from you")
        turn.tell(to, Private(person.nick, to.nick, text, own=False))
        turn.tell(person, Private(person.nick, to.nick, text, own=True))
        if to.away:
            turn.tell(person, f"*** {to.nick} is away: {to.away}")
        to.reply_to = person

    def move(self, turn: Turn, person: Person, room: Room) -> None:
        """Take somebody from one room to another one."""
        left = person.room
        self._exit(turn, person, f"went to {room.name}")
        person.room = room
        turn.tell(person, f"*** you are in {room.name} now")
        self._enter(turn, person, f"came from {left.name}")

    def rename(self, turn: Turn, person: Person, nick: str) -> None:
        """Give somebody another name, and tell the room.

        Raises:
            Refusal: the name cannot be had, or there were too many in a minute.
        """
        most = self.limits.renames
        renamed = last_minute(person.renamed, turn.now)
        if most and len(renamed) >= most:
            raise Refusal(f"a name may change {most} times a minute: try again in a minute")
        if self.bans.find(named(nick), turn.now):
            raise Refusal(f"{nick} is banned: choose another name")
        before = person.nick
        self.nicks.rename(person, nick)
        if most:
            person.renamed = (*renamed, turn.now)
        turn.tell(person, f"*** you are {person.nick} now")
        self.notices.say(turn, person.room, before, f"is {person.nick} now", person.conn)

    def dismiss(self, turn: Turn, person: Person, ending: Ending, told: str = "") -> None:
        """Close somebody's connection, and say why: to the one who goes, to the room, and for the log.

        Args:
            turn: what is said meanwhile.
            person: who is to go.
            ending: the reason.
            told: the same in a few words for the one who goes; empty if that was a wish.
        """
        turn.tell(person, f"*** {told}: goodbye ({ending})" if told else f"*** goodbye ({ending})")
        self.leave(turn, person, why(ending))
        turn.close(person, ending)

    def cut(self, turn: Turn, person: Person, ending: Ending) -> None:
        """Cut somebody's connection, which would not take another word."""
        self.leave(turn, person, why(ending))
        turn.abort(person, ending)

    def leave(self, turn: Turn, person: Person, how: str = "") -> None:
        """Let somebody out, for good: name and place are free again. ``how`` ends the notice to the room."""
        self.awaited.pop(person.conn, None)
        self.slow.pop(person.conn, None)
        self.operators.discard(person)
        for other in person.ignoring or ():
            (other.ignored_by or set()).discard(person)
        for other in person.ignored_by or ():
            (other.ignoring or set()).discard(person)
        self._exit(turn, person, f"left{how}")
        self.nicks.remove(person)
        del self.people[person.conn]
        person.gone = True
        person.backlog = b""
        # Or each would keep the one it last heard from, and that one the next, long after they are gone.
        person.reply_to = person.ignoring = person.ignored_by = None

    def linger(self, person: Person) -> None:
        """Keep somebody whose connection is gone until all that it sent is read. Nothing is sent to it any more."""
        person.lost = True
        person.paused = False
        self.slow.pop(person.conn, None)
        self.awaited.pop(person.conn, None)
        person.room.regroup()

    def pause(self, turn: Turn, person: Person) -> None:
        """Let what the room says pass somebody by."""
        if person.paused:
            return
        person.paused = True
        person.paused_at = person.room.number
        person.own = 0
        person.room.regroup()
        self.slow[person.conn] = turn.now
        if self.limits.slow:
            turn.add(Wake(self.limits.slow))

    def resume(self, turn: Turn, person: Person) -> None:
        """Let somebody hear the room again, and know how much was missed."""
        if not person.paused:
            return
        del self.slow[person.conn]
        person.paused = False
        person.room.regroup()
        missed, first, last = self._missed(person)
        if missed:
            lines = f"#{first} to #{last}" if last > first else f"#{first}"
            told = f"you missed {count(missed, 'message')} ({lines}): your connection was slow. /replay {first}"
            turn.tell(person, f"*** {told}")
        if person.missed:
            turn.tell(person, f"*** you missed {count(person.missed, 'message')} in rooms that you have left")
        person.missed = 0

    def ignore(self, person: Person, other: Person) -> bool:
        """Spare somebody what another one says, or no longer. Returns whether it is spared now."""
        if person.ignoring and other in person.ignoring:
            person.ignoring.discard(other)
            (other.ignored_by or set()).discard(person)
            return False
        person.ignoring = person.ignoring or set()
        person.ignoring.add(other)
        other.ignored_by = other.ignored_by or set()
        other.ignored_by.add(person)
        return True

    def store(self, turn: Turn, record: object) -> None:
        """Have something stored, where that is done at all."""
        if self.keeps:
            turn.keep(record)

    def may_speak(self, turn: Turn, person: Person) -> None:
        """Nothing, where somebody may speak now.

        Raises:
            Refusal: an operator does not let this one speak.
        """
        left = person.muted_until - turn.now
        if left > 0:
            raise Refusal(f"an operator does not let you speak for another {duration(left)}")

    def _begin(self, now: float) -> None:
        """The first one comes. Only now is there a time from which the seconds of the bans that were kept count."""
        self.began = now
        for ban in self._kept_bans:
            self.bans.add(ban, now)
        self._kept_bans = ()

    def _reserve(self, turn: Turn, room: Room) -> None:
        """Tell the storage in time which numbers are in use, should the lines themselves be lost."""
        if room.reserved - room.number < self._ahead // 2:
            room.reserved = room.number + self._ahead
            turn.keep(Reserved(room.name, room.reserved))

    def _missed(self, person: Person) -> tuple[int, int, int]:
        """How many lines of this room passed somebody by, and the first and last number among them."""
        return person.room.number - person.paused_at - person.own, person.paused_at + 1, person.room.number

    def _enter(self, turn: Turn, person: Person, how: str) -> None:
        """Into ``person.room``: show it to the person, and the person to it."""
        room = person.room
        if room.topic:
            turn.tell(person, f"*** topic: {room.topic}")
        others = len(room.members)
        here = f"{count(others, 'other')} here: /who names them" if others else "nobody else is here yet"
        turn.tell(person, f"*** {here}")
        lines = room.shelf.last(SHOWN_LINES)
        if lines:
            turn.tell(person, f"*** last said here ({count(len(lines), 'line')}):")
        for line in lines:
            turn.tell(person, Again(line) if person.form.json else line)
        room.add(person)
        self.notices.say(turn, room, person.nick, how, person.conn)
        person.paused_at = room.number
        person.own = 0

    def _exit(self, turn: Turn, person: Person, how: str) -> None:
        """Out of ``person.room``, which is told of it: it alone, as the notice may bring others that were gathered."""
        room = person.room
        if person.paused:
            person.missed += self._missed(person)[0]
        room.remove(person)
        room.used = turn.now
        self.notices.say(turn, room, person.nick, how, person.conn)
        self.rooms.tidy(room)


def banned(ban: Ban) -> str:
    """What somebody is told who meets a ban."""
    until = "" if ban.seconds is None else f" for another {duration(ban.seconds)}"
    return f"you are banned{until}" + (f" ({ban.why})" if ban.why else "")


def why(ending: str) -> str:
    """What a room is told of an ending, after ``left``: `` (too slow)``, or nothing where that says no more."""
    return "" if not ending or ending in PLAIN_ENDINGS else f" ({ending.replace('-', ' ')})"
