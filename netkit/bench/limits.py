"""Whose limit a cell shows: the server's, the load's, or nobody's.

A rate at which the load was the limit says nothing about the server, and neither does a latency that the load made
itself. So every cell is stamped, from signals that do not depend on one another, and a cell in which the load was the
limit leaves the ranking.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from .numbers import percent
from .results import Sample, Series
from .scenario import Workload

SERVER, LOAD, NEITHER = "server-bound", "generator-bound", "neither"

#: Shares of one core. A server above the first has nothing left; one below the second was waiting for the load. Between
#: them both were near their limits, and neither set the pace alone.
SATURATED, SPARE = 0.95, 0.80

#: Share of a core at which a load counts as busy, the threshold of Locust and memtier_benchmark.
LOAD_BUSY = 0.90

#: Share of what the load reaches against a server that does nothing, above which it is too near its own limit.
CEILING = 0.70

#: Of an open loop: share of the offered messages that must have gone out, and how late the load may have been, in
#: microseconds and as a share of the response time.
ACHIEVED, LATE, LATE_SHARE = 0.995, 100.0, 0.10

#: Little's law, N = X * R, holds for whoever measures right; this is how far it may be off.
LITTLE = 0.05


@dataclass(frozen=True, slots=True)
class Limit:
    """A stamp, and the reason for it in a few words."""

    stamp: str
    why: str

    @property
    def ranked(self) -> bool:
        """Whether a cell with this stamp takes part in the ranking."""
        return self.stamp != LOAD


def stamp(workload: Workload, samples: Iterable[Sample], ceiling: float) -> Limit:
    """Stamp one arm from its samples, by their medians.

    Args:
        workload: what was measured.
        samples: those without a failure, at least one.
        ceiling: messages a second that the load reached against a server that only echoes. 0: not measured.
    """
    good = list(samples)

    def median(name: str, figures: bool = False) -> float | None:
        held = [(each.figures if figures else each.observed).get(name) for each in good]
        known = [value for value in held if value is not None]
        return statistics.median(known) if known else None

    if workload.kind == "idle":
        return Limit(NEITHER, "memory has no such limit")
    if workload.kind == "capacity":
        late = median("load_limited") or 0.0
        return (
            Limit(LOAD, "the load itself was late at the highest rate") if late else Limit(SERVER, "p99 is its bound")
        )
    server, load = median("server_busy"), median("load_busy")
    if server is not None and server >= SATURATED:
        return Limit(SERVER, f"the server was busy {percent(server)} of the time")
    if workload.open:
        return _open(median("achieved"), median("lateness_p99", True), median("p99", True), server)
    return _closed(server, load or 0.0, median("rate", True) or 0.0, ceiling)


def _closed(server: float | None, load: float, rate: float, ceiling: float) -> Limit:
    if server is None or server < SPARE:
        idle = "" if server is None else f", and the server only {percent(server)}"
        if load >= LOAD_BUSY:
            return Limit(LOAD, f"the load was busy {percent(load)} of the time{idle}")
        if ceiling and rate > CEILING * ceiling:
            return Limit(LOAD, f"{percent(rate / ceiling)} of what the load can do at all{idle}")
    busy = "the server's CPU is not known" if server is None else f"the server was busy {percent(server)} of the time"
    return Limit(NEITHER, f"{busy}, the load {percent(load)}")


def _open(achieved: float | None, lateness: float | None, p99: float | None, server: float | None) -> Limit:
    if achieved is not None and achieved < ACHIEVED:
        return Limit(LOAD, f"only {percent(achieved, 1)} of the messages went out in time")
    if lateness is not None and p99 is not None and lateness > max(LATE, LATE_SHARE * p99):
        return Limit(LOAD, f"p99 of the load's own lateness was {lateness:.0f} us, of the response {p99:.0f} us")
    busy = "" if server is None else f", the server was busy {percent(server)} of the time"
    return Limit(NEITHER, f"the rate was given{busy}")


def inconsistent(series: Series, arm: str) -> str:
    """Why the figures of an arm do not fit together, by Little's law; empty if they do."""
    held = [each.samples[arm].observed.get("little") for each in series.kept if arm in each.samples]
    known = [value for value in held if value is not None]
    if not known or abs(statistics.median(known) - 1) <= LITTLE:
        return ""
    return f"rate times response time gives {statistics.median(known):.2f} of the connections: Little's law is off"
