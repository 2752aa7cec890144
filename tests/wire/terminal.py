"""A terminal, and somebody who sits at it with an editor at the other end."""

from __future__ import annotations

import re
from collections.abc import Sequence

from wcwidth import iter_graphemes, width

from netkit.wire.editor import COLUMNS, Editor, Event, Show

#: The longest line, in bytes.
LIMIT = 200

UP, DOWN, RIGHT, LEFT = (b"\x1b[" + letter for letter in (b"A", b"B", b"C", b"D"))
HOME, END, DELETE, WORD_LEFT, WORD_RIGHT = b"\x01", b"\x05", b"\x1b[3~", b"\x1b[1;5D", b"\x1b[1;5C"

TOKENS = re.compile(r"(?P<control>[\r\n\a]|\x1b\[K)|(?P<char>[^\x00-\x1f\x7f])")


class Terminal:
    """A terminal without a bottom. It knows what the editor may send, and fails at anything else."""

    def __init__(self, columns: int = COLUMNS) -> None:
        self.columns = columns
        # Each row by columns: what stands there, and nothing where the cell before it reaches to.
        self._rows: list[list[str]] = [[]]
        self.column = 0
        # Where the last character was put, as long as the cursor is behind it: a mark joins with that.
        self._last: int | None = None

    @property
    def rows(self) -> list[str]:
        """All rows, without the blanks at their ends. The cursor is in the last one."""
        return ["".join(row).rstrip() for row in self._rows]

    @property
    def before(self) -> str:
        """What is in the row of the cursor before it."""
        row = self._rows[-1]
        return "".join(row[: self.column]) + " " * (self.column - len(row))

    @property
    def after(self) -> str:
        """What is in the row of the cursor after it, without the blanks at the end."""
        return "".join(self._rows[-1][self.column :]).rstrip()

    def write(self, data: bytes) -> None:
        text = data.decode()
        at = 0
        while at < len(text):
            token = TOKENS.match(text, at)
            assert token, text[at:]
            at = token.end()
            if token["char"]:
                self._put(token["char"])
            else:
                self._obey(token["control"])

    def _obey(self, control: str) -> None:
        if control in "\r\n":
            self._last = None
        if control == "\r":
            self.column = 0
        elif control == "\n":
            self._rows.append([])
        elif control == "\x1b[K":
            # Behind the last column, where it waits to go on to the next row, it would erase what it just put there.
            del self._rows[-1][min(self.column, self.columns - 1) :]

    def _put(self, char: str) -> None:
        row = self._rows[-1]
        if self._last is not None and len(list(iter_graphemes(row[self._last] + char))) == 1:
            char = row[self._last] + char
            self.column = self._last
        elif self.column + width(char) > self.columns:
            row = []
            self._rows.append(row)
            self.column = 0
        self._last = self.column
        self.column += width(char)
        row += [" "] * (self.column - len(row))
        row[self._last : self.column] = [char] + [""] * (width(char) - 1)
        for half in range(self.column, len(row)):  # of a wide one that was overwritten
            if row[half]:
                break
            row[half] = " "


class Person:
    """Somebody at a terminal, with the editor at the other end."""

    def __init__(self, limit: int = LIMIT, columns: int = COLUMNS, words: Sequence[str] = ()) -> None:
        self.editor = Editor(limit, complete=lambda word: [each for each in words if each.startswith(word)])
        self.terminal = Terminal(columns)
        self.sent = b""
        self.see(self.editor.resize(columns))

    def see(self, data: bytes) -> None:
        self.sent = data
        self.terminal.write(data)

    def types(self, *data: bytes | str) -> list[Event]:
        """What comes of it, but for what is to be shown, which is seen."""
        events: list[Event] = []
        self.sent = b""
        for chunk in data:
            for event in self.editor.feed(chunk if isinstance(chunk, bytes) else chunk.encode()):
                if isinstance(event, Show):
                    self.sent += event.data
                    self.terminal.write(event.data)
                else:
                    events.append(event)
        return events

    def hears(self, *lines: str) -> None:
        self.see(self.editor.above("".join(line + "\r\n" for line in lines).encode()))

    @property
    def line(self) -> str:
        """The lowest row, with a bar for the cursor."""
        return f"{self.terminal.before}|{self.terminal.after}"

    @property
    def above(self) -> list[str]:
        """The rows above it."""
        return self.terminal.rows[:-1]
