"""Notices of who comes, leaves and changes their name. In a crowd they are gathered: nobody can read a thousand."""

from __future__ import annotations

from ...service import Conn, Wake
from .phrases import names
from .rooms import Room
from .turn import Turn

#: People in a room above which its notices are gathered.
CROWD = 50

#: Readings of gathered notices a second in one room, above which they are rarer: each costs a write.
READINGS = 2500

#: Names that a gathered notice tells; of the others it tells how many there are.
TOLD = 8


class Notices:
    """Says what there is to say of coming and going, at once or gathered.

    Args:
        rate: gathered notices a second in one room, at most. 0: none is gathered.
    """

    __slots__ = ("_due", "_every")

    def __init__(self, rate: float) -> None:
        self._every = 1.0 / rate if rate else 0.0
        # Rooms in which some are gathered, and when they are said.
        self._due: dict[Room, float] = {}

    def say(self, turn: Turn, room: Room, nick: str, what: str, conn: Conn) -> None:
        """Tell a room of somebody, who is not told: ``*** nick what``."""
        if not self._every or len(room.members) <= CROWD:
            self._tell(turn, room)
            turn.announce(room, f"*** {nick} {what}", (conn, *room.quiet))
            return
        if not room.gathered:
            after = max(self._every, len(room.members) / READINGS)
            self._due[room] = turn.now + after
            turn.add(Wake(after))
        room.gathered.append((nick, what, conn))

    def due(self, turn: Turn) -> None:
        """Tell the rooms whose time has come."""
        for room in [room for room, when in self._due.items() if turn.is_due(when)]:
            self._tell(turn, room)

    def _tell(self, turn: Turn, room: Room) -> None:
        gathered, room.gathered = room.gathered, []
        self._due.pop(room, None)
        if len(gathered) == 1:
            ((nick, what, conn),) = gathered
            turn.announce(room, f"*** {nick} {what}", (conn, *room.quiet))
        elif gathered:
            kinds: dict[str, list[str]] = {}
            for nick, what, _ in gathered:
                kinds.setdefault(_kind(what), []).append(nick if _kind(what) != "renamed" else f"{nick} {what}")
            told = "; ".join(f"{kind}: {names(nicks, TOLD)}" for kind, nicks in kinds.items())
            turn.announce(room, f"*** {told}", tuple(room.quiet))


def _kind(what: str) -> str:
    """What a notice is gathered under."""
    if what.startswith(("is here", "came")):
        return "came"
    return "left" if what.startswith(("left", "went")) else "renamed"
