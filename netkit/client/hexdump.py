"""What passed, in both directions, as ``hexdump -C`` shows a file."""

from __future__ import annotations

from collections.abc import Iterator

#: Bytes of one line.
WIDTH = 16

SENT, RECEIVED = ">", "<"


class Hexdump:
    """The dump of one connection, in which each direction has offsets of its own."""

    def __init__(self) -> None:
        self._offsets = {SENT: 0, RECEIVED: 0}

    def lines(self, mark: str, data: bytes) -> str:
        """What was sent or received at once, each line with the mark of its direction and where it begins in it."""
        offset = self._offsets[mark]
        self._offsets[mark] += len(data)
        return "".join(_lines(mark, offset, data))


def _lines(mark: str, offset: int, data: bytes) -> Iterator[str]:
    for start in range(0, len(data), WIDTH):
        part = data[start : start + WIDTH]
        halves = f"{part[: WIDTH // 2].hex(' '):23}  {part[WIDTH // 2 :].hex(' '):23}"
        shown = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)
        yield f"{mark} {offset + start:08x}  {halves}  |{shown}|\n"
