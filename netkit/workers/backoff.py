"""How long to wait before a worker that died is replaced. No clock in here: what happened comes in as seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """The rules. With the defaults: 0.1 s, 0.2 s, 0.4 s and so on up to 10 s, and anew after 10 s without trouble."""

    first: float = 0.1
    """Seconds before the first replacement: most deaths are single ones, and the others serve meanwhile."""

    factor: float = 2.0
    """How many times longer each further death makes it."""

    longest: float = 10.0
    """Seconds that it never exceeds: soon enough for a cause that has been mended, and too seldom to load a machine."""

    steady: float = 10.0
    """Seconds of serving after which all earlier deaths are forgotten."""

    attempts: int = 3
    """Deaths in a row in one place before the server was ever ready, after which it gives up."""


class Restarts:
    """The deaths in one worker's place."""

    def __init__(self, rules: Backoff) -> None:
        self.rules = rules
        # Deaths in a row, none of them after a steady life.
        self.deaths = 0

    def died(self, served: float | None) -> float:
        """One more death. How many seconds to wait before the place is filled again.

        Args:
            served: seconds since it was ready; None if it never was.
        """
        if served is not None and served >= self.rules.steady:
            self.deaths = 0
        self.deaths += 1
        try:
            delay = self.rules.first * self.rules.factor ** (self.deaths - 1)
        except OverflowError:  # after a thousand deaths
            return self.rules.longest
        return min(delay, self.rules.longest)
