"""The chat as a service: what happens to connections, handed to the house and the reader.

Somebody who leaves or is closed is out of the house before the effects are carried out: nothing is sent to
them after their ``Close``, and what they still send finds nobody.
"""

from __future__ import annotations

from ...limits import Limits
from ...service import Conn, Effects, Send, Service, Wake
from ...wire.text import clean
from .house import House
from .reader import Reader
from .turn import Turn

#: Seconds by which a loop may wake us early, as some count in milliseconds and round.
EARLY = 0.05


class Chat(Service):
    """A chat in rooms, for netcat and telnet.

    Args:
        limits: ``line_length`` and ``first_line`` are kept to here; the others are for the layers.
        unicode_nicks: allow letters other than a-z in nicks, of one script in each.
    """

    def __init__(self, limits: Limits | None = None, *, unicode_nicks: bool = False) -> None:
        limits = limits or Limits()
        self._first_line = limits.first_line
        self._house = House(limits.line_length, unicode_nicks=unicode_nicks)
        self._reader = Reader(self._house, limits.line_length)

    def opened(self, conn: Conn, now: float) -> Effects:
        """Let somebody in and show the room."""
        turn = Turn()
        self._house.come(turn, conn)
        if self._first_line and not conn.local:
            self._house.awaited[conn] = now + self._first_line
            turn.add(Wake(self._first_line))
        return turn.effects()

    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        """Read what somebody types."""
        person = self._house.people.get(conn)
        if person is None:
            return ()
        turn = Turn()
        self._reader.read(turn, person, data, now)
        return turn.effects()

    def ended(self, conn: Conn, now: float) -> Effects:
        """Take what was typed last for a line, and let somebody out."""
        person = self._house.people.get(conn)
        if person is None:
            return ()
        turn = Turn()
        self._reader.finish(turn, person, now)
        if not person.gone:
            self._house.leave(turn, person)
        return turn.effects()

    def paused(self, conn: Conn, now: float) -> Effects:
        """Spare a slow reader what the room says. Its own commands are still answered."""
        person = self._house.people.get(conn)
        if person is not None:
            self._house.pause(person)
        return ()

    def resumed(self, conn: Conn, now: float) -> Effects:
        """Let a slow reader hear the room again."""
        person = self._house.people.get(conn)
        if person is None:
            return ()
        turn = Turn()
        self._house.resume(turn, person)
        return turn.effects()

    def lost(self, conn: Conn, now: float) -> Effects:
        """Let somebody out, unless that is done."""
        person = self._house.people.get(conn)
        if person is None:
            return ()
        turn = Turn()
        self._house.leave(turn, person)
        return turn.effects()

    def woken(self, now: float) -> Effects:
        """Close strangers who have not sent a line in time."""
        turn = Turn()
        house = self._house
        while house.awaited:
            conn, deadline = next(iter(house.awaited.items()))
            if deadline > now + EARLY:
                break
            told = f"no line came from you in {self._first_line:g} seconds"
            house.dismiss(turn, house.people[conn], "no first line", told)
        return turn.effects()

    def stopping(self, now: float) -> Effects:
        """Tell everybody, slow readers too: it is the last line they get."""
        people = self._house.people.values()
        effects = []
        for ending in ("\r\n", "\n"):
            to = tuple(person.conn for person in people if person.ending == ending)
            if to:
                effects.append(Send(to, f"*** the server is stopping{ending}".encode()))
        return effects

    def refused(self, reason: str) -> bytes:
        """One line for somebody who cannot be let in."""
        return f"*** not now, try again later: {clean(reason)}\r\n".encode()
