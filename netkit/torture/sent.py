"""What was sent, kept so that it can be shown: as a hexdump, and as a Python literal that can be sent again."""

from __future__ import annotations

from ..wire.hexdump import WIDTH, rows

#: Rows of a hexdump that are shown at most.
MOST_LINES = 12

#: Different pieces that are kept; of more, the last ones: what broke a server is mostly what it got last.
MOST_PIECES = 40

#: Bytes of one piece from which on its middle is left out of the literal.
LONG = 2048


class Sent:
    """What one connection has sent: pieces, each so many times in a row."""

    def __init__(self) -> None:
        self.bytes = 0
        self.left_out = 0
        """Bytes that were sent before the first piece that is kept."""
        self.pieces: list[tuple[bytes, int]] = []

    def note(self, data: bytes, times: int = 1) -> None:
        """Remember a piece that was sent so many times in a row."""
        self.bytes += len(data) * times
        if self.pieces and self.pieces[-1][0] == data:
            self.pieces[-1] = data, self.pieces[-1][1] + times
            return
        self.pieces.append((data, times))
        if len(self.pieces) > MOST_PIECES:
            gone, often = self.pieces.pop(0)
            self.left_out += len(gone) * often

    def literal(self) -> str:
        r"""A Python expression of it: ``b'A' * 5000 + b'\n'``. What is left out of it stands in a comment."""
        terms = []
        for data, times in self._joined():
            term = repr(data) if len(data) <= LONG else f"{data[: LONG // 2]!r} + {data[-LONG // 2 :]!r}"
            terms.append(f"{term} * {times}" if times > 1 and len(data) <= LONG else term)
        expression = " + ".join(terms) or "b''"
        notes = []
        if self.left_out:
            notes.append(f"after {self.left_out:,} bytes")
        if any(len(data) > LONG for data, _ in self._joined()):
            notes.append("the middle of long pieces is left out")
        return f"{expression}  # {', '.join(notes)}" if notes else expression

    def hexdump(self) -> str:
        """Its last bytes as ``hexdump -C`` shows them, with offsets from the first byte that was sent."""
        tail = self._tail(WIDTH * MOST_LINES)
        start = self.bytes - len(tail)
        lines = [] if not start else [f"(after {start:,} bytes)"]
        return "\n".join([*lines, *rows(tail, start)])

    def _joined(self) -> list[tuple[bytes, int]]:
        """The pieces, those in a row that were sent once each as one."""
        found: list[tuple[bytes, int]] = []
        for data, times in self.pieces:
            if times == 1 and found and found[-1][1] == 1 and len(found[-1][0]) + len(data) <= LONG:
                found[-1] = found[-1][0] + data, 1
            else:
                found.append((data, times))
        return found

    def _tail(self, most: int) -> bytes:
        tail = b""
        for data, times in reversed(self.pieces):
            wanted = most - len(tail)
            if wanted <= 0 or not data:
                continue
            repeats = min(times, -(-wanted // len(data)))
            tail = (data * repeats)[-wanted:] + tail
        return tail
