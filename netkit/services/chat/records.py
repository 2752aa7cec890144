"""Records: what the chat hands to the storage, asks it for, and is given when it starts. Values, no I/O.

The chat has no time of day. Where one is needed, a record says how many seconds are left, and the storage, which
has a clock, makes a date of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Said(NamedTuple):
    """A line that was said in a room. Its number is never given to another line of that room.

    A tuple, because it is made for every line: that takes a third of what a frozen dataclass takes.
    """

    room: str
    number: int
    nick: str
    text: str
    #: ``/me``: what somebody does.
    action: bool = False


@dataclass(frozen=True, slots=True)
class Topic:
    """What a room is about from now on. Empty: nothing."""

    room: str
    text: str


@dataclass(frozen=True, slots=True)
class Reserved:
    """Numbers of a room up to this one may be in use, also where their lines were lost: start after it next time."""

    room: str
    number: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A room that is no more: its topic, lines and numbers go with it."""

    room: str


@dataclass(frozen=True, slots=True)
class Ban:
    """Somebody who may not come in. There is one for each ``target``: a later one takes the place of an earlier one."""

    #: A network, as ``ipaddress`` writes it, or a folded nick with ``@`` in front.
    target: str
    #: Who banned it, and why; for people to read.
    by: str
    why: str
    #: How many seconds it has still to last. None: for ever.
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Unban:
    """A ban that is lifted."""

    target: str


@dataclass(frozen=True, slots=True)
class Lines:
    """A query: at most ``limit`` lines of a room from a number on, or the last ones before it, the oldest first.

    It is answered with a tuple of ``Said``.
    """

    room: str
    number: int
    limit: int
    #: Whether the lines are to be those before ``number``, the nearest to it, rather than those from it on.
    before: bool = False


@dataclass(frozen=True, slots=True)
class KeptRoom:
    """A room as it was kept."""

    name: str
    topic: str
    #: The highest number that may be in use: the next line has a higher one.
    number: int
    #: The last lines, oldest first.
    lines: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """All that was kept of a chat, as far as it is to be had at once when it starts."""

    rooms: tuple[KeptRoom, ...] = ()
    bans: tuple[Ban, ...] = ()
    #: Rooms that are not among these begin after this number: one may have been lost together with its first lines.
    start: int = 0
