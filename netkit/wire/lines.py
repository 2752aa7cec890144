r"""A stream of bytes cut into lines, however it arrives and however its lines end.

The rules:

- A line ends with LF, CR LF, CR NUL or a bare CR, and all four mean the same (RFC 1123, 3.3.1).
- A CR ends its line at once. To wait for the byte after it would hang every peer that sends a CR alone. An LF
  that follows belongs to that CR and is swallowed, even where it comes with the next chunk.
- A NUL is left out wherever it stands, and so after a CR.
- A line longer than the limit is reported once, when it passes the limit, and dropped up to its end. No part
  of it is ever taken for a line of its own: ``AAAA...A/quit\n`` must not become ``/quit``.
- What is kept between two chunks is never more than the limit.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

# Categories of characters that go with the one before them: marks of three kinds, and format characters such
# as the zero-width joiner.
_ATTACHED = frozenset({"Mn", "Mc", "Me", "Cf"})

# No UTF-8 sequence is longer (RFC 3629, section 3).
_LONGEST_SEQUENCE = 4

_NUL, _CR = b"\0\r"


@dataclass(frozen=True, slots=True)
class TooLong:
    """Stands where a line of more than ``limit`` bytes would have stood. The line itself is dropped."""

    limit: int


class LineSplitter:
    """The lines of one peer.

    Args:
        limit: the longest line in bytes, without its ending. A line of exactly so many bytes is fine.
    """

    __slots__ = ("_after_cr", "_dropping", "_held", "ending", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        #: How the peer's first line ended, and so how lines to it should end: ``b"\n"`` after an LF,
        #: ``b"\r\n"`` after any of the three with a CR, None as long as no line has ended.
        self.ending: bytes | None = None
        # The half-typed line.
        self._held = bytearray()
        # The last byte was a CR. An LF that comes next belongs to it.
        self._after_cr = False
        # The present line has passed the limit and been reported. The rest of it is thrown away.
        self._dropping = False

    @property
    def pending(self) -> bytes:
        """The half-typed line: what came after the last ending. Empty where that is being dropped."""
        return bytes(self._held)

    def feed(self, data: bytes) -> list[bytes | TooLong]:
        """Take the next bytes of the stream, and return the lines that end in them, without their endings."""
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        if not data:
            return []
        if self.ending is None:
            self.ending = _first_ending(data)
        self._after_cr = data[-1] == _CR
        if _NUL in data:
            # The endings first: CR NUL LF are two, and must not become the one CR LF.
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\0", b"")
        whole = data.splitlines()
        rest = whole.pop() if whole and data[-1] not in b"\r\n" else b""
        # Where all there is would fit into one line, no line can be too long.
        crowded = len(self._held) + len(data) > self.limit
        if whole and self._dropping:
            del whole[0]
            self._dropping = False
        elif whole and self._held:
            whole[0] = bytes(self._held) + whole[0]
            self._held.clear()
        lines: list[bytes | TooLong] = (
            [line if len(line) <= self.limit else TooLong(self.limit) for line in whole] if crowded else [*whole]
        )
        if rest and not self._dropping:
            if len(self._held) + len(rest) > self.limit:
                self._held.clear()
                self._dropping = True
                lines.append(TooLong(self.limit))
            else:
                self._held += rest
        return lines

    def finish(self) -> list[bytes | TooLong]:
        """The stream has ended: return what came after the last ending as a line, if there is any."""
        last: list[bytes | TooLong] = [bytes(self._held)] if self._held else []
        self._held.clear()
        return last

    def erase_character(self) -> None:
        """Drop the last character of the half-typed line with the marks on it (telnet's EC, RFC 854)."""
        while self._held:
            size = _last_character(self._held)
            char = self._held[-size:].decode("utf-8", "replace")
            del self._held[-size:]
            if unicodedata.category(char) not in _ATTACHED:
                return

    def erase_line(self) -> None:
        """Drop the half-typed line (telnet's EL, RFC 854). One that is too long stays dropped."""
        self._held.clear()


def _first_ending(data: bytes) -> bytes | None:
    """The ending for lines to a peer that sent these bytes first. Never a bare CR: lines would overprint."""
    cr, lf = data.find(b"\r"), data.find(b"\n")
    if cr < 0 and lf < 0:
        return None
    return b"\n" if cr < 0 or 0 <= lf < cr else b"\r\n"


def _last_character(text: bytearray) -> int:
    """How many bytes the last character has: a UTF-8 sequence, the start of one, or some other byte."""
    for size in range(min(_LONGEST_SEQUENCE, len(text)), 1, -1):
        if len(text[-size:].decode("utf-8", "replace")) == 1:
            return size
    return 1
