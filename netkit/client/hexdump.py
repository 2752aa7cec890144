"""What passed, in both directions, as ``hexdump -C`` shows a file."""

from __future__ import annotations

from ..wire.hexdump import rows

SENT, RECEIVED = ">", "<"


class Hexdump:
    """The dump of one connection, in which each direction has offsets of its own."""

    def __init__(self) -> None:
        self._offsets = {SENT: 0, RECEIVED: 0}

    def lines(self, mark: str, data: bytes) -> str:
        """What was sent or received at once, each line with the mark of its direction and where it begins in it."""
        offset = self._offsets[mark]
        self._offsets[mark] += len(data)
        return "".join(f"{mark} {row}\n" for row in rows(data, offset))
