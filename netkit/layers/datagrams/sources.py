"""How much one source may ask for: a token bucket each, in a table that does not grow beyond its bound.

The source of a datagram can be forged, and then the reply hits whom it names. So this bounds what any one victim gets
through us, and it ends a loop with another echo: the datagram that goes round is dropped as soon as it goes too fast.
"""

from __future__ import annotations

from collections import OrderedDict

from ...limits import Limits


class Sources:
    """The buckets of all sources, under the names that ``admission.place`` gives them."""

    def __init__(self, limits: Limits) -> None:
        self.rate = limits.datagram_rate
        self.burst = limits.datagram_burst
        self.most = limits.datagram_sources
        # Tokens, and when there were so many. Who asked last is last.
        self.buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, key: str | None, now: float) -> bool:
        """Whether a source may be answered once more.

        Args:
            key: what the source is counted under. None: it is exempt.
            now: the loop's clock.
        """
        if key is None or not self.rate:
            return True
        tokens, since = self.buckets.get(key, (float(self.burst), now))
        tokens = min(tokens + (now - since) * self.rate, self.burst)
        allowed = tokens >= 1
        self.buckets[key] = (tokens - allowed, now)
        self.buckets.move_to_end(key)
        if len(self.buckets) > self.most:
            self.buckets.popitem(last=False)
        return allowed
