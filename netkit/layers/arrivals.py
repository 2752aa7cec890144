"""How many connections came from each address lately, in a table that does not grow beyond its bound.

Who connects and leaves at once never holds many places, but makes others read who comes and goes, and the server shake
hands each time. So every address has a count, which begins with its first connection and is forgotten ``WINDOW``
seconds later.
"""

from __future__ import annotations

from collections import OrderedDict

#: Seconds in which connections are counted together, as in ergo's throttle.
WINDOW = 600.0

#: Addresses that are told apart, about a megabyte of memory; beyond, the one whose window is the oldest is forgotten.
MOST = 4096


class Arrivals:
    """Counts connections under the names that ``admission.place`` gives to addresses."""

    def __init__(self, limit: int) -> None:
        """Allow so many from each address in a window; 0 is no bound."""
        self.limit = limit
        # Since when, and how many came. The oldest window is first.
        self.windows: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def allows(self, key: str, now: float) -> bool:
        """Whether one more may come from there, which is counted if so.

        Args:
            key: what the address is counted under.
            now: the loop's clock.
        """
        if not self.limit:
            return True
        while self.windows and next(iter(self.windows.values()))[0] + WINDOW <= now:
            self.windows.popitem(last=False)
        since, count = self.windows.get(key, (now, 0))
        if count >= self.limit:
            return False
        self.windows[key] = (since, count + 1)
        if len(self.windows) > MOST:
            self.windows.popitem(last=False)
        return True
