"""How much may wait for all connections together, and who is cut off when it is more.

To add up what waits for ten thousand connections takes milliseconds, so it is done seldom. What waits can only be
bytes that a service gave us to send. So between two looks it is at most

    what waited at the last look + what was put since

and there is nothing to add up until that could be more than the budget. With little waiting, as it mostly is, that
is once in so many bytes as the budget has: 256 MiB of them. Near the budget it would be each time, and therefore at
least ``1 / STEPS`` of it lies between two looks. By so much, less than 2 %, the budget may be exceeded, and by what is
put in the turn of the loop in which that is noticed.

What counts as put:

- ``Send`` and bytes that wait for the turn's end: a multiplication for each effect, however many it goes to.
- Plain bytes that are written at once are not counted, for an echo lives on their being cheap. The transport takes no
  more than ``Limits.high`` of them before it calls its connection slow, and then all that waits is counted; from there
  on they wait for the turn's end. What is below ``high`` matters only with so many connections that all of it together
  could be more than the budget, more than four thousand by default. Then there is a look each ``PERIOD``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from operator import itemgetter

from ..endings import Ending
from ..limits import Limits
from .session import Session

log = logging.getLogger(__name__)

#: The least part of the budget that is put between two looks.
STEPS = 64

#: Seconds between two looks where connections that are not slow could exceed the budget.
PERIOD = 1.0


class Budget:
    """The bytes that wait for all connections."""

    def __init__(
        self,
        limits: Limits,
        sessions: Collection[Session],
        loop: asyncio.AbstractEventLoop,
        cut: Callable[[Session, Ending], None],
    ) -> None:
        """Keep to ``limits.budget``.

        Args:
            limits: the bounds of the server.
            sessions: all connections, as they come and go.
            loop: the running loop.
            cut: closes a connection at once, for a reason.
        """
        self.most = limits.budget
        self.high = limits.high
        self.sessions = sessions
        self.loop = loop
        self.cut = cut
        # Bytes put since the last look, and with how many the next one is due.
        self.put = 0
        self.free = self.most
        self.due = False
        self.timer: asyncio.TimerHandle | None = None

    def count(self, size: int) -> None:
        """So many bytes were put. A look is never taken in here: a write may be under way."""
        self.put += size
        if self.put >= self.free and not self.due:
            self.due = True
            self.loop.call_soon(self.look)

    def opened(self) -> None:
        """One more is there: begin to look each period if all of them together could be too much unseen."""
        if self.timer is None and len(self.sessions) * self.high > self.most:
            self.timer = self.loop.call_later(PERIOD, self.again)

    def again(self) -> None:
        """Look, a period after the last time."""
        self.timer = None
        self.look()
        self.opened()

    def look(self) -> None:
        """Add up what waits. If that is too much, cut off those for whom the most does, until it is not."""
        waiting = [(session.waiting, session) for session in self.sessions]
        total = sum(size for size, _ in waiting)
        if total > self.most:
            total -= self.evict(waiting, total)
        self.put = 0
        self.due = False
        self.free = max(self.most - total, self.most // STEPS)

    def evict(self, waiting: list[tuple[int, Session]], total: int) -> int:
        """Cut off the largest until all the rest fits, and tell how many bytes are gone with them."""
        waiting.sort(key=itemgetter(0), reverse=True)
        gone = count = 0
        for size, session in waiting:
            if total - gone <= self.most:
                break
            self.cut(session, Ending.OVER_BUDGET)
            gone += size
            count += 1
        said = "cut off %d of %d connections, for which %d of %d bytes waited: no more than %d may wait for all"
        log.warning(said, count, len(waiting), gone, total, self.most)
        return gone

    def stop(self) -> None:
        """Look no more."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
