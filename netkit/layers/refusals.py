"""What the log tells of those who are turned away: the first, and then one line in a while, however many they are."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

from ..endings import Ending

log = logging.getLogger(__name__)

#: Seconds between two lines for the same reason.
PERIOD = 1.0


class Refusals:
    """Tells of refusals, for each reason at most once in ``PERIOD`` seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        # How many came since the last line, and when the next one is due.
        self.untold: Counter[Ending] = Counter()
        self.due: dict[Ending, asyncio.TimerHandle] = {}

    def add(self, peer: str, reason: Ending) -> None:
        """Somebody was turned away."""
        if reason in self.due:
            self.untold[reason] += 1
        else:
            log.info("refused %s: %s", peer, reason)
            self.wait(reason)

    def wait(self, reason: Ending) -> None:
        """Say no more of it for a while."""
        self.due[reason] = self.loop.call_later(PERIOD, self.tell, reason)

    def tell(self, reason: Ending) -> None:
        """Say how many more there were, if there were any."""
        self.due.pop(reason).cancel()
        if count := self.untold.pop(reason, 0):
            log.info("refused %d more: %s", count, reason)
            self.wait(reason)

    def stop(self) -> None:
        """Tell the rest."""
        while self.due:
            self.tell(next(iter(self.due)))
