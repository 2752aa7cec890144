"""The line that is being typed: its cells, the cursor among them, and the part that fits on a row.

A cell is what a person takes for one character: a grapheme (UAX 29), such as a letter with its accents, or a flag
of two code points. The cursor stands between two of them. How wide a cell is on a terminal is what the library
wcwidth says, which is an optional part of netkit: ``available`` tells whether it is there.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from itertools import takewhile
from types import ModuleType

from .text import clean


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


def width(cell: str) -> int:
    """The columns of a cell: mostly 1 or 2, but 0 and more than 2 are possible."""
    return 1 if cell.isascii() else _wcwidth().width(cell)


class Typed:
    """One line, and the cursor in it. It holds nothing that ``clean`` would drop."""

    __slots__ = ("_after", "_before", "_column", "size")

    def __init__(self) -> None:
        self._before: list[str] = []
        # Those after the cursor, the nearest last: both lists are changed at their end only.
        self._after: list[str] = []
        # Where the cursor is: the columns before it.
        self._column = 0
        #: Bytes of the whole line in UTF-8.
        self.size = 0

    def __bool__(self) -> bool:
        return bool(self._before or self._after)

    @property
    def text(self) -> str:
        """The whole line."""
        return "".join(self._before) + "".join(reversed(self._after))

    @property
    def before(self) -> str:
        """What is before the cursor."""
        return "".join(self._before)

    @property
    def at_end(self) -> bool:
        """Whether nothing is after the cursor."""
        return not self._after

    # What changes the line. Afterwards the cursor is between two cells, as they are then.

    def set(self, text: str) -> None:
        """Another line, with the cursor at its end."""
        self._before.clear()
        self._after.clear()
        self._column = self.size = 0
        self.insert(text)

    def insert(self, text: str) -> str:
        """Put text before the cursor. Returns what was: the text without what ``clean`` drops."""
        last = self._before[-1] if self._before else ""
        if not (text.isascii() and text.isprintable()):
            # The last cell belongs to it: a mark may stand on that, and no more of them than ``clean`` allows.
            text = clean(last + text)[len(last) :]
        self.size += len(text.encode())
        if text.isascii() and last.isascii() and (not self._after or self._after[-1].isascii()):
            # The usual case: between ASCII characters there is always a border.
            self._before += text
            self._column += len(text)
        else:
            self._join(text)
        return text

    def replace_word(self, text: str) -> None:
        """Put text in the place of the word before the cursor."""
        self.erase_before(sum(1 for _ in self._word()))
        self.insert(text)

    def erase_before(self, cells: int) -> None:
        """Drop so many cells before the cursor."""
        if cells and self._before:
            dropped = self._before[-cells:]
            del self._before[-cells:]
            self._drop(dropped)
            self._column -= sum(map(width, dropped))
            self._join()

    def erase_after(self, cells: int) -> None:
        """Drop so many cells after the cursor."""
        if cells and self._after:
            dropped = self._after[-cells:]
            del self._after[-cells:]
            self._drop(dropped)
            self._join()

    def erase_rest(self) -> None:
        """Drop all that is after the cursor."""
        self.erase_after(len(self._after))

    def _drop(self, cells: list[str]) -> None:
        self.size -= len("".join(cells).encode())

    def _join(self, text: str = "") -> None:
        """Put text before the cursor where it may make one cell with what is on either side."""
        if not text and not self._after:
            return
        last = self._before.pop() if self._before else ""
        self._column -= width(last) if last else 0
        cursor = len(last) + len(text)
        at = 0
        after = []
        for cell in graphemes(last + text + "".join(reversed(self._after))):
            if at < cursor:
                self._before.append(cell)
                self._column += width(cell)
            else:
                after.append(cell)
            at += len(cell)
        self._after = after[::-1]

    # What moves the cursor.

    def move(self, cells: int) -> None:
        """Go so many cells to the right, or to the left where that is less than 0; at the end it stops."""
        for _ in range(min(cells, len(self._after))):
            cell = self._after.pop()
            self._before.append(cell)
            self._column += width(cell)
        for _ in range(min(-cells, len(self._before))):
            cell = self._before.pop()
            self._after.append(cell)
            self._column -= width(cell)

    def home(self) -> None:
        """Go to the start."""
        self.move(-len(self._before))

    def end(self) -> None:
        """Go to the end."""
        self.move(len(self._after))

    # Words: what stands between blanks.

    @property
    def word(self) -> str:
        """What is before the cursor, back to a blank."""
        return "".join(reversed(list(self._word())))

    def _word(self) -> Iterator[str]:
        """The cells of it, the last one first."""
        return takewhile(lambda cell: not cell.isspace(), reversed(self._before))

    def word_left(self) -> int:
        """Cells before the cursor, back to the start of a word."""
        return _to_end_of_word(reversed(self._before))

    def word_right(self) -> int:
        """Cells after the cursor, on to the end of a word."""
        return _to_end_of_word(reversed(self._after))

    # What is seen of it.

    def scrolled(self, room: int) -> int:
        """The columns that are out of sight on the left, if the cursor may be in columns 0 to ``room``.

        It depends on nothing but the line and the cursor. It changes by half a row at a time, so that what is typed
        at the end can mostly be shown by itself.
        """
        edge = room
        if self._after:
            if self._column + sum(map(width, self._after)) <= room:
                return 0
            edge -= room // 8  # some of what comes next is to be seen
        step = room // 2
        return max(0, -(-(self._column - edge) // step)) * step

    def view(self, room: int) -> tuple[str, str]:
        """What is in sight before the cursor and after it, of ``room`` columns at most."""
        left = self._column - self.scrolled(room)
        before = fitting(reversed(self._before), left)
        after = fitting(reversed(self._after), room - sum(map(width, before)))
        return "".join(reversed(before)), "".join(after)


def fitting(cells: Iterable[str], columns: int) -> list[str]:
    """The first of some cells, as many as fit into so many columns."""
    fit: list[str] = []
    for cell in cells:
        columns -= width(cell)
        if columns < 0:
            break
        fit.append(cell)
    return fit


def _to_end_of_word(cells: Iterable[str]) -> int:
    """How many cells it takes to pass the blanks and then a word."""
    number = 0
    within = False
    for cell in cells:
        if cell.isspace():
            if within:
                break
        else:
            within = True
        number += 1
    return number
