"""Pace: how fast people and rooms may talk. Above that nothing is refused: it is read later.

Strategy: token buckets, each kept as one number, the time at which it will be full again (the virtual scheduling of
the Generic Cell Rate Algorithm, ITU-T I.371). Who has to wait in a room whose bucket is empty reserves the next
place in it, so that everybody gets one in turn, however much somebody else sends.
"""

from __future__ import annotations

import math

from ...limits import Limits

#: A paste, up to so many lines and bytes, counts as one line: the bounds of ergo's multiline messages.
PASTE_LINES = 100
PASTE_BYTES = 4096

#: What a line of a paste counts for in its room: fifty people may paste, but not all at once.
PASTE_SHARE = 0.2

#: Seconds in which all of a paste has arrived, which are too few for anybody to type two lines; and from one paste to
#: the next that counts as one line.
PASTE_SPAN = 0.5
PASTE_EVERY = 10.0


class Bucket:
    """So many a second, and so many at once before that.

    Args:
        rate: a second. 0: no bound.
        burst: at once.
    """

    __slots__ = ("_burst", "_full_at", "_rate")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        # When it is full again, in seconds.
        self._full_at = 0.0

    def wait(self, now: float) -> float:
        """Seconds until one more is there. 0: it is there."""
        if not self._rate:
            return 0.0
        return max(0.0, self._full_at - now - (self._burst - 1.0) / self._rate)

    def take(self, amount: float, now: float) -> None:
        """Take some, whether they are there or not."""
        if self._rate:
            self._full_at = max(self._full_at, now) + amount / self._rate

    def left(self, now: float) -> float:
        """How many are there. ``math.inf``: there is no bound."""
        return max(0.0, self._burst - max(0.0, self._full_at - now) * self._rate) if self._rate else math.inf


class Pace:
    """How fast one person talks."""

    __slots__ = ("_bytes", "_lines", "_next_paste", "_paste_at", "_paste_bytes", "_paste_lines")

    def __init__(self, limits: Limits) -> None:
        self._lines = Bucket(limits.line_rate, limits.line_burst)
        self._bytes = Bucket(limits.byte_rate, limits.line_burst * PASTE_BYTES)
        # When the present paste began, what is left of it, and when another one may begin.
        self._paste_at = 0.0
        self._paste_lines = 0
        self._paste_bytes = 0
        self._next_paste = 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next line may be read."""
        waits = self._bytes.wait(now)
        return waits if self._pasting(now) else max(waits, self._lines.wait(now))

    def read(self, size: int, now: float) -> None:
        """So many bytes were read."""
        self._bytes.take(size, now)

    def line(self, size: int, now: float) -> float:
        """There was a line of so many bytes in it. Returns what it counts for in its room, of a line."""
        if self._pasting(now):
            self._next_paste = self._paste_at + PASTE_EVERY
            if size <= self._paste_bytes:
                self._paste_lines -= 1
                self._paste_bytes -= size
                return PASTE_SHARE
        self._lines.take(1.0, now)
        self._paste_lines = 0
        if now >= self._next_paste:
            self._paste_at = now
            self._paste_lines = PASTE_LINES - 1
            self._paste_bytes = PASTE_BYTES - size
        return 1.0

    def left(self, now: float) -> tuple[float, float]:
        """Lines and bytes that may come at once."""
        return self._lines.left(now), self._bytes.left(now)

    def _pasting(self, now: float) -> bool:
        return self._paste_lines > 0 and now - self._paste_at < PASTE_SPAN
