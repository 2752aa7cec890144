"""What an echo is made of: a ring of different messages, and the comparison of what comes back.

Every connection sends the same bytes again and again, from an offset of its own. A message that is lost, doubled or
swapped with another one shows, since neighbours differ; and the comparison is one call of memcmp, whatever the pieces
that the bytes arrive in.
"""

from __future__ import annotations

from random import Random

#: Different messages in the ring, fewer where they are large, but never only one.
MESSAGES, LEAST_MESSAGES = 64, 4
RING_SIZE = 4 << 20

#: What makes bytes that have no lower-case letters: a service of one's own may change case, as a shouting echo does.
CASELESS = bytes.maketrans(b"abcdefghijklmnopqrstuvwxyz", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")

#: Most bytes read or written in one call.
CHUNK = 256 * 1024


class Ring:
    """The messages of one size.

    Attributes:
        size: bytes of a message.
        length: bytes before it begins again.
        data: the ring and, behind its end, enough of its start for one chunk.
        view: the same, to be sliced without a copy.
    """

    def __init__(self, size: int, seed: int) -> None:
        """Make it, the same for the same seed."""
        self.size = size
        self.count = max(LEAST_MESSAGES, min(MESSAGES, RING_SIZE // size))
        self.length = size * self.count
        once = Random(seed).randbytes(self.length).translate(CASELESS)
        self.data = (once * (CHUNK // self.length + 2))[: self.length + CHUNK]
        self.view = memoryview(self.data)

    def offset(self, connection: int) -> int:
        """Where a connection begins: 7 goes round all 64, so that neighbours are far apart."""
        return connection * 7 % self.count * self.size
