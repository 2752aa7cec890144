"""The line that is being typed: its cells, the cursor among them, and the part that fits on a row.

A cell is what a person takes for one character: a grapheme (UAX 29), such as a letter with its accents, or a flag
of two code points. The cursor stands between two of them. How wide a cell is on a terminal is what the library
wcwidth says, which is an optional part of netkit: ``available`` tells whether it is there.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from itertools import takewhile
from types import ModuleType

from .text import clean

#: Cells of a word: one that is longer takes more than one key, and no key takes long.
MAX_WORD = 256


@functools.cache
def _wcwidth() -> ModuleType:
    """The library. Its import takes a twentieth of a second, and most servers never need it."""
    import wcwidth

    return wcwidth


def available() -> bool:
    """Whether lines can be edited: wcwidth is installed (netkit's extra ``chat``), and not one from before 0.3.

    The first call is slow: the library is imported then.
    """
    try:
        return hasattr(_wcwidth(), "iter_graphemes")
    except ImportError:
        return False


def graphemes(text: str) -> Iterable[str]:
    """The text cut into cells."""
    return text if text.isascii() else _wcwidth().iter_graphemes(text)


@functools.lru_cache(maxsize=1024)
def width(cell: str) -> int:
    """The columns of a cell: mostly 1 or 2, but 0 and more than 2 are possible."""
    return 1 if cell.isascii() else _wcwidth().width(cell)


def columns(cells: list[str]) -> int:
    """The columns of some cells."""
    return len(cells) if "".join(cells).isascii() else sum(map(width, cells))


def fitting(cells: Iterable[str], room: int) -> list[str]:
    """The first of some cells, as many as fit into so many columns."""
    fit: list[str] = []
    for cell in cells:
        room -= width(cell)
        if room < 0:
            break
        fit.append(cell)
    return fit


class Typed:
    """One line, and the cursor in it. It holds nothing that ``clean`` would drop.

    What is typed makes cells with what is before the cursor. Whether it makes one with what is after it, as the two
    halves of a flag do, is settled when the cursor moves: so it makes no difference how what is typed is cut.
    """

    __slots__ = ("_at", "_cells", "_columns", "size")

    def __init__(self) -> None:
        self._cells: list[str] = []
        # How many of them are before the cursor.
        self._at = 0
        # The columns of all of them.
        self._columns = 0
        #: Bytes of the whole line in UTF-8.
        self.size = 0

    def __bool__(self) -> bool:
        return bool(self._cells)

    @property
    def text(self) -> str:
        """The whole line."""
        return "".join(self._cells)

    @property
    def before(self) -> str:
        """What is before the cursor."""
        return "".join(self._cells[: self._at])

    @property
    def at_end(self) -> bool:
        """Whether nothing is after the cursor."""
        return self._at == len(self._cells)

    # What changes the line.

    def set(self, text: str) -> None:
        """Another line, with the cursor at its end."""
        self._cells.clear()
        self._at = self._columns = self.size = 0
        self.insert(text)

    def insert(self, text: str) -> str:
        """Put text before the cursor. Returns what was: the text without what ``clean`` drops."""
        last = self._cells[self._at - 1] if self._at else ""
        if text.isascii() and text.isprintable() and last.isascii():
            # The usual case: between ASCII characters there is always a border.
            self._cells[self._at : self._at] = text
            self._at += len(text)
            self._columns += len(text)
            self.size += len(text)
        else:
            # The last cell belongs to it: a mark may stand on that, and no more of them than ``clean`` allows.
            whole = clean(last + text)
            text = whole[len(last) :]
            self._replace(1 if last else 0, 0, graphemes(whole))
        return text

    def replace_word(self, text: str) -> None:
        """Put text in the place of the word before the cursor."""
        self._replace(len(self._word()), 0)
        self.insert(text)

    def erase_before(self, cells: int) -> None:
        """Drop so many cells before the cursor, or as many as there are."""
        self._replace(min(cells, self._at), 0)

    def erase_after(self, cells: int) -> None:
        """Drop so many cells after the cursor, or as many as there are."""
        self._replace(0, cells)

    def erase_rest(self) -> None:
        """Drop all that is after the cursor."""
        self._replace(0, len(self._cells))

    def _replace(self, before: int, after: int, cells: Iterable[str] = ()) -> None:
        """Put cells in the place of so many before and after the cursor, which is behind them then."""
        span = slice(self._at - before, self._at + after)
        new, old = list(cells), self._cells[span]
        self._cells[span] = new
        self._at += len(new) - before
        self._columns += columns(new) - columns(old)
        self.size += len("".join(new).encode()) - len("".join(old).encode())

    # What moves the cursor.

    def move(self, cells: int) -> None:
        """Go so many cells to the right, or to the left where that is less than 0; at the end it stops."""
        self._settle()
        self._at = max(0, min(self._at + cells, len(self._cells)))

    def home(self) -> None:
        """Go to the start."""
        self.move(-len(self._cells))

    def end(self) -> None:
        """Go to the end."""
        self.move(len(self._cells))

    def _settle(self) -> None:
        """Make one cell of those on either side of the cursor, if they are one. The cursor is behind it then."""
        if self._torn:
            at = self._at
            rest = self._cells[at - 1 :]
            self._replace(1, len(rest) - 1, graphemes("".join(rest)))
            self._at = at

    @property
    def _torn(self) -> bool:
        """Whether the cursor stands within what is one cell."""
        if not 0 < self._at < len(self._cells):
            return False
        left, right = self._cells[self._at - 1 : self._at + 1]
        return not (left.isascii() and right.isascii()) and [*graphemes(left + right)] != [left, right]

    # Words: what stands between blanks.

    @property
    def word(self) -> str:
        """What is before the cursor, back to a blank."""
        return "".join(self._word())

    def _word(self) -> list[str]:
        found = list(takewhile(lambda cell: not cell.isspace(), self._near_before()))
        return found[::-1]

    def word_left(self) -> int:
        """How many cells before the cursor a word starts."""
        return _past_a_word(self._near_before())

    def word_right(self) -> int:
        """How many cells after the cursor a word ends."""
        return _past_a_word(self._cells[self._at : self._at + MAX_WORD])

    def _near_before(self) -> list[str]:
        """The cells before the cursor, the nearest first."""
        return self._cells[max(0, self._at - MAX_WORD) : self._at][::-1]

    # What is seen of it.

    def scrolled(self, room: int) -> int:
        """The columns that are out of sight on the left, if the cursor may be in columns 0 to ``room``.

        It depends on nothing but the line and the cursor. It changes by half a row at a time, so that what is typed
        at the end can mostly be shown by itself.
        """
        if self._columns <= room:
            return 0
        # Where more follows, some of that is to be seen.
        column, edge = (self._columns, room) if self.at_end else (self._column, room - room // 8)
        step = room // 2
        return max(0, -(-(column - edge) // step)) * step

    def view(self, room: int) -> tuple[str, str]:
        """What is in sight before the cursor and after it, of ``room`` columns at most."""
        if self._torn:
            return self._settled().view(room)
        before, after = self._cells[: self._at], self._cells[self._at :]
        if self._columns > room:
            before = fitting(reversed(before), self._column - self.scrolled(room))[::-1]
            after = fitting(after, room - columns(before))
        return "".join(before), "".join(after)

    @property
    def _column(self) -> int:
        """The columns before the cursor."""
        return columns(self._cells[: self._at])

    def _settled(self) -> Typed:
        """This line, as it will be when the cursor moves."""
        line = Typed()
        line._cells = self._cells[:]
        line._at, line._columns = self._at, self._columns
        line._settle()
        return line


def _past_a_word(cells: Iterable[str]) -> int:
    """How many cells it takes to pass the blanks and then a word."""
    number = 0
    within = False
    for cell in cells:
        if not cell.isspace():
            within = True
        elif within:
            break
        number += 1
    return number
