"""The archive: lines that were said before, shown again from what a room remembers or from the storage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...service import Recall
from .history import page
from .house import House
from .messages import Again
from .person import Person
from .phrases import count
from .records import Lines, Said
from .refusal import Refusal
from .rooms import Room
from .turn import Turn


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to read again: the lines of a room from a number on, or the last ones."""

    person: Person
    room: Room
    #: The number to start from. 0: the last ``limit`` lines.
    number: int
    limit: int


def show(house: House, turn: Turn, wanted: Wanted) -> None:
    """Show the lines that are wanted, now or once the storage has answered.

    Raises:
        Refusal: there are none, or the storage is still being asked.
    """
    room = wanted.room
    if not room.number or not (room.shelf.lines or house.keeps):
        raise Refusal(f"nothing was said in {room.name} yet: be the first")
    # Not the number of the room itself: some before that may never have been given to a line.
    newest = room.shelf.newest or room.number
    if wanted.number > newest:
        raise Refusal(f"the last line in {room.name} is #{newest}")
    lines = room.shelf.since(wanted.number) if wanted.number else room.shelf.last(wanted.limit)
    first = room.shelf.first
    remembered = 0 < first <= wanted.number if wanted.number else len(lines) == wanted.limit
    # The first line of all has no line before it.
    if remembered or first == 1 or not house.keeps:
        _tell(turn, wanted, lines)
        return
    if any(other.person is wanted.person for other in house.recalls):
        raise Refusal("the lines that you asked for are still being looked up: wait for them")
    house.recalls.append(wanted)
    after = room.number + 1
    turn.add(Recall(Lines(room.name, wanted.number or after, wanted.limit, before=not wanted.number)))


def answer(house: House, turn: Turn, found: object) -> None:
    """The storage has answered who asked first."""
    wanted = house.recalls.popleft()
    if wanted.person.gone or wanted.person.room is not wanted.room:
        return
    if isinstance(found, tuple):
        _tell(turn, wanted, found)
    else:
        turn.tell(wanted.person, "*** what was said before cannot be read now: try again later")


def _tell(turn: Turn, wanted: Wanted, lines: Sequence[Said]) -> None:
    person, room = wanted.person, wanted.room
    # Of the last lines the newest must be among those that are shown.
    shown = page(lines) if wanted.number else page(reversed(lines))[::-1]
    if not shown:
        turn.tell(person, f"*** nothing is kept of what was said in {room.name} before #{room.number + 1}")
        return
    first, last = shown[0].number, shown[-1].number
    if wanted.number == 0:
        turn.tell(person, f"*** last said here ({count(len(shown), 'line')}):")
    elif first > wanted.number:
        gone = f"#{wanted.number} is" if first == wanted.number + 1 else f"#{wanted.number} to #{first - 1} are"
        turn.tell(person, f"*** {gone} gone: too long ago")
    for line in shown:
        turn.tell(person, Again(line))
    if last < room.shelf.newest:
        turn.tell(person, f"*** there is more: /replay {last + 1}")
