"""Outboxes: one write per connection and turn of the loop.

What a service sends fills an outbox per connection; at the end of the turn each is joined and written once. While
every turn brings more to write, the end is put off by up to ``GATHER`` seconds, and a long round of writes is followed
by a rest: under load that makes one write out of what would have been several.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from .session import Session

#: Seconds that a turn's writes may be put off while every turn brings more: far below what a person notices, and
#: above the few turns of the loop in which a burst is read.
GATHER = 0.001

#: Seconds at most without a round of writes after one that took as long: in a crowd that comes, leaves or talks all at
#: once, half of the time is left for listening to it.
MAX_REST = 0.02

#: Deliveries queued in one turn before they are written all the same: half a megabyte of references. A room of two
#: thousand who all speak at once is four million.
MAX_QUEUED = 64 * 1024


class Outboxes:
    """The outboxes of all connections, and when they are written."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        time: Callable[[], float],
        write_on: Callable[[Session, bytes], None],
        ended: Callable[[], None],
    ) -> None:
        """Write on ``loop``, by its clock ``time``.

        Args:
            loop: the running loop.
            time: its clock, in seconds.
            write_on: writes to a connection that may be slow, held, closing or gone; others are written to directly.
            ended: is called when a turn's writes are done.
        """
        self.loop = loop
        self.time = time
        self.write_on = write_on
        self.ended = ended
        # Sessions whose outbox is not empty.
        self.dirty: list[Session] = []
        # Deliveries so far: all that were put, at the last write, and at the last look whether more came in.
        self.queued = 0
        self.written = 0
        self.gathered = 0
        # When the turn's end is put off no longer, and before when no other round of writes begins.
        self.gather_until = 0.0
        self.rests_until = 0.0
        self.scheduled = False

    def put(self, to: Collection[Session], data: bytes) -> None:
        """Put the same bytes into the outbox of each session that is not closing."""
        dirty = self.dirty
        for session in to:
            if not session.closing:
                if not session.outbox:
                    dirty.append(session)
                session.outbox.append(data)
        self.queued += len(to)
        if self.queued - self.written > MAX_QUEUED:
            self.write(midway=True)
        if not self.scheduled:
            self.schedule()

    def schedule(self) -> None:
        """Write at the end of this turn, or after a rest where the last round of writes took long."""
        if self.scheduled:
            return
        self.scheduled = True
        now = self.time()
        rest = self.rests_until - now
        if rest > GATHER:
            self.loop.call_later(rest, self.flush)
            return
        self.gathered = self.queued
        self.gather_until = now + GATHER
        self.loop.call_soon(self.turn_ends)

    def turn_ends(self) -> None:
        """Write now, or after one more turn if this one brought more to write."""
        if self.queued != self.gathered and self.time() < self.gather_until:
            self.gathered = self.queued
            self.loop.call_soon(self.turn_ends)
        else:
            self.flush()

    def flush(self) -> None:
        """Write, and say that it is done."""
        self.scheduled = False
        self.write()
        self.ended()

    def write(self, midway: bool = False) -> None:
        """Write every outbox: once, at the turn's end, or ``midway`` and then perhaps many times."""
        begun = self.time()
        self.written = self.queued
        dirty, self.dirty = self.dirty, []
        for session in dirty:
            outbox = session.outbox
            data = outbox[0] if len(outbox) == 1 else b"".join(outbox)
            outbox.clear()
            if session.stalled or session.held or session.closing or midway:
                self.write_on(session, data)
            else:
                session.connection.write(data)
        ended = self.time()
        self.rests_until = ended + min(ended - begun, MAX_REST)
