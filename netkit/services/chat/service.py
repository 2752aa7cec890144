"""The chat as a service: what happens to connections, handed to the house and the reader.

Somebody who leaves or is closed is out of the house before the effects are carried out: nothing is sent to
them after their ``Close``, and what they still send finds nobody.
"""

from __future__ import annotations

from collections.abc import Callable

from ...endings import Ending
from ...limits import Limits
from ...service import Conn, Effects, Send, Service, Wake
from . import archive
from .house import House
from .messages import Form, write
from .person import Person
from .reader import Reader
from .records import Kept
from .turn import Turn

#: The part of all places that is taken when strangers get less time, and how many seconds they get then: Postfix's
#: way under stress.
CROWDED = 0.8
CROWDED_FIRST_LINE = 10.0

#: What somebody is told who is turned away, or sent away for a silence.
REFUSED: dict[str, str] = {
    Ending.SERVER_FULL: "the server is full: try again later",
    Ending.ADDRESS_FULL: "too many connections from your address: close one of them",
    Ending.CONNECT_FLOOD: "too many connections from your address: try again in ten minutes",
    Ending.SHUTDOWN: "the server is stopping: try again later",
    Ending.IDLE: "nothing came from you for too long",
}


class Chat(Service):
    """A chat in rooms, for netcat and telnet.

    Args:
        limits: those that are marked as the chat's are kept to here; the others are for the layers.
        unicode_nicks: allow letters other than a-z in nicks, of one script in each.
        operator_token: makes an operator of who gives it to ``/op``. Empty: there are no operators.
        kept: what was kept of the chat before; from now on it is stored what is said. None: nothing is kept.
    """

    # Who does not read shall be seen at once, and not after megabytes.
    small_buffers = True

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        unicode_nicks: bool = False,
        operator_token: str = "",
        kept: Kept | None = None,
    ) -> None:
        limits = limits or Limits()
        self._limits = limits
        self._house = House(
            limits,
            unicode_nicks=unicode_nicks,
            operator_token=operator_token,
            kept=kept,
            endings=lambda: self.endings,
        )
        self._reader = Reader(self._house)

    def opened(self, conn: Conn, now: float) -> Effects:
        """Let somebody in and show the room, or turn away who is banned."""
        turn = Turn(now)
        house = self._house
        person = house.come(turn, conn)
        if person is not None and self._limits.first_line:
            if not conn.local:
                house.awaited[conn] = now
                turn.add(Wake(self._limits.first_line))
            if house.awaited and self._crowded():
                # For the one who has been silent longest: the next one's turn comes when that one is gone.
                oldest = next(iter(house.awaited.values()))
                turn.add(Wake(max(0.0, oldest + CROWDED_FIRST_LINE - now)))
        return turn.effects()

    def received(self, conn: Conn, data: bytes, now: float) -> Effects:
        """Read what somebody types."""
        person = self._house.people.get(conn)
        if person is None:
            return ()
        turn = Turn(now)
        self._reader.read(turn, person, data)
        return turn.effects()

    def ended(self, conn: Conn, now: float) -> Effects:
        """Take what was typed last for a line, and let somebody out once all is read."""
        return self._about(conn, now, self._reader.finish)

    def paused(self, conn: Conn, now: float) -> Effects:
        """Spare a slow reader what the room says. Its own commands are still answered."""
        return self._about(conn, now, self._house.pause)

    def resumed(self, conn: Conn, now: float) -> Effects:
        """Let a slow reader hear the room again."""
        return self._about(conn, now, self._house.resume)

    def lost(self, conn: Conn, now: float) -> Effects:
        """Let somebody out, unless that is done."""
        return self._about(conn, now, self._reader.lose)

    def woken(self, now: float) -> Effects:
        """Do whatever is due."""
        turn = Turn(now)
        self._reader.due(turn)
        self._house.notices.due(turn)
        self._dismiss_the_silent(turn)
        self._cut_the_slow(turn)
        return turn.effects()

    def recalled(self, query: object, found: object, now: float) -> Effects:
        """Show somebody what the storage has found."""
        turn = Turn(now)
        archive.answer(self._house, turn, found)
        return turn.effects()

    def stopping(self, now: float) -> Effects:
        """Tell everybody, slow readers too: it is the last line they get."""
        told = f"*** the server is stopping: goodbye ({Ending.SHUTDOWN})"
        turn = Turn(now)
        forms: dict[Form, list[Person]] = {}
        for person in self._house.people.values():
            if person.editor:
                turn.tell(person, told)
                turn.send(person, person.editor.erase())
            elif not person.lost:
                forms.setdefault(person.form, []).append(person)
        for form, people in forms.items():
            turn.add(Send(tuple(person.conn for person in people), write([told], form)))
        return turn.effects()

    def refused(self, reason: str) -> bytes:
        """One line for somebody who cannot be let in, or is let go for its silence."""
        return f"*** {REFUSED.get(reason, 'not now')} ({reason})\r\n".encode()

    def _about(self, conn: Conn, now: float, happens: Callable[[Turn, Person], None]) -> Effects:
        """Something happens to somebody, who may have left already."""
        person = self._house.people.get(conn)
        if person is None:
            return ()
        turn = Turn(now)
        happens(turn, person)
        return turn.effects()

    def _crowded(self) -> bool:
        return len(self._house.people) >= CROWDED * self._limits.connections

    def _dismiss_the_silent(self, turn: Turn) -> None:
        """Close strangers who have not sent a line in time."""
        house = self._house
        dismissed = False
        while house.awaited:
            conn, since = next(iter(house.awaited.items()))
            patience = self._limits.first_line
            if self._crowded():
                patience = min(patience, CROWDED_FIRST_LINE)
            if not turn.is_due(since + patience):
                if dismissed:
                    turn.add(Wake(since + patience - turn.now))
                break
            dismissed = True
            told = f"no line came from you in {patience:g} seconds"
            house.dismiss(turn, house.people[conn], Ending.SILENT, told)

    def _cut_the_slow(self, turn: Turn) -> None:
        """Cut those who have been slow for too long."""
        house = self._house
        while house.slow and self._limits.slow:
            conn, since = next(iter(house.slow.items()))
            if not turn.is_due(since + self._limits.slow):
                break
            house.cut(turn, house.people[conn], Ending.TOO_SLOW)
