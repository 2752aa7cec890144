"""History: the numbered lines of all rooms, within bounds.

A room keeps its last ``LINES``, and all rooms together ``SIZE`` bytes: above that the room with the most of them
loses its oldest, so that a loud room cannot take away what a quiet one has to remember.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice

from .records import Said

#: Lines that one room keeps: ssh-chat keeps 20, ergo 2048.
LINES = 200

#: Bytes that all rooms keep together: five rooms full of the longest lines, or fifty of lines that people type.
SIZE = 4 * 1024 * 1024

#: Bytes of lines that are shown at once: below ``Limits.high`` (64 KiB), or asking would make one a slow reader.
SHOWN_SIZE = 48 * 1024

#: What a line takes besides its text: its name and its number.
OVERHEAD = 64


class Shelf:
    """The lines of one room, the oldest first."""

    __slots__ = ("lines", "size")

    def __init__(self) -> None:
        self.lines: deque[Said] = deque()
        self.size = 0

    @property
    def first(self) -> int:
        """The number of the oldest line. 0: there is none."""
        return self.lines[0].number if self.lines else 0

    @property
    def newest(self) -> int:
        """The number of the newest line. 0: there is none."""
        return self.lines[-1].number if self.lines else 0

    def last(self, number: int) -> list[Said]:
        """So many of the last lines, at most."""
        return list(islice(self.lines, max(0, len(self.lines) - number), None))

    def since(self, number: int) -> list[Said]:
        """The lines from this number on."""
        return [line for line in self.lines if line.number >= number]

    def drop(self) -> int:
        """Let go of the oldest line, and return its size."""
        size = _size(self.lines.popleft())
        self.size -= size
        return size


class History:
    """What all rooms keep."""

    __slots__ = ("_most", "_shelves", "size")

    def __init__(self, size: int = SIZE) -> None:
        self._most = size
        self._shelves: dict[str, Shelf] = {}
        self.size = 0

    def shelf(self, room: str) -> Shelf:
        """Where a room's lines are kept."""
        return self._shelves.setdefault(room, Shelf())

    def keep(self, shelf: Shelf, said: Said) -> None:
        """Keep a line on a room's shelf, and let go of older ones where it is too much."""
        lines = shelf.lines
        lines.append(said)
        grown = _size(said)
        if len(lines) > LINES:
            grown -= _size(lines.popleft())
        shelf.size += grown
        self.size += grown
        while self.size > self._most:
            fullest = max(self._shelves.values(), key=lambda each: each.size)
            # An eighth at once: to look for the fullest takes a step for each room.
            enough = fullest.size * 7 // 8
            while fullest.size > enough:
                self.size -= fullest.drop()

    def forget(self, room: str) -> None:
        """Let go of all that a room keeps."""
        shelf = self._shelves.pop(room, None)
        if shelf is not None:
            self.size -= shelf.size


def page(lines: Iterable[Said]) -> list[Said]:
    """The first of some lines, as many as may be shown at once: at least one, if there is one."""
    shown: list[Said] = []
    size = 0
    for line in lines:
        size += _size(line)
        if shown and (size > SHOWN_SIZE or len(shown) == LINES):
            break
        shown.append(line)
    return shown


def _size(line: Said) -> int:
    """Bytes that a line counts for: its text as it is sent, and what goes with it."""
    return OVERHEAD + (len(line.text) if line.text.isascii() else len(line.text.encode()))
