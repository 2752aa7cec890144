"""The lines that somebody typed, for the arrow keys to bring back."""

from __future__ import annotations

#: What is kept for one person, whichever is reached first.
HISTORY_LINES = 100
HISTORY_SIZE = 16 * 1024

#: Bytes of a line above which it is not kept: somebody pasted it, and it is not to come back at a key.
LONGEST = 1024


class History:
    """Lines, newest last, and how far back among them one has gone."""

    __slots__ = ("_back", "_lines", "_size", "_unfinished")

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        # Bytes of all of them.
        self._size = 0
        # How many lines back the one is that is on the screen; 0 is the one that is new.
        self._back = 0
        # The new one, while an older one is on the screen.
        self._unfinished = b""

    def add(self, line: bytes) -> None:
        """Keep a line that is done, unless it is empty, very long, or the same as the one before it."""
        self.leave()
        if not 0 < len(line) <= LONGEST or self._lines[-1:] == [line]:
            return
        self._lines.append(line)
        self._size += len(line)
        while len(self._lines) > HISTORY_LINES or self._size > HISTORY_SIZE:
            self._size -= len(self._lines.pop(0))

    def leave(self) -> None:
        """Come back to a new line, whatever is on the screen."""
        self._back = 0
        self._unfinished = b""

    def older(self, shown: bytes) -> bytes | None:
        """The line before the one that is shown; None where there is none."""
        if self._back == len(self._lines):
            return None
        if not self._back:
            self._unfinished = shown
        self._back += 1
        return self._lines[-self._back]

    def newer(self) -> bytes | None:
        """The line after the one that is shown: after the last, what was not finished; after that, None."""
        if not self._back:
            return None
        self._back -= 1
        return self._lines[-self._back] if self._back else self._unfinished
