"""The highest rate at which the 99th percentile keeps its bound: doubled until it breaks, then bisected.

A rate must be exceeded twice in a row before it counts as too high, for a neighbour of a shared machine can spoil any
single step.
"""

from __future__ import annotations

import math
import socket
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from .. import stats
from ..limits import ACHIEVED, SPARE
from ..scenario import Workload
from .connect import Place
from .lines import Room
from .paced import Paced, schedule
from .ring import Ring
from .window import NANO, SETTLE, Edge, Outcome, Window

#: Messages a second to begin with: any server can do that.
FIRST = {"echo": 1000.0, "chat": 100.0}

#: Bisections between the last rate that was kept and twice that: the answer is within 2 ** (1 / 16), 4.4 %.
BISECTIONS = 4

#: Seconds at the beginning of a step that do not count.
LEAD = 0.1

#: A rate that no machine reaches: where a bound never breaks, the search must end all the same.
HIGHEST = 16_000_000.0


#: Microseconds that stand in a file for a response that never came.
LONGEST = 3.6e9


@dataclass(frozen=True, slots=True)
class Step:
    """One rate, tried.

    Attributes:
        kept: whether the bound was kept.
        ours: whether it was this side that could not keep up.
        p99: of the response, in nanoseconds.
    """

    kept: bool
    ours: bool
    p99: float


class Measurement:
    """See ``window.Measurement``: one slice, which takes as many steps as it needs."""

    def __init__(self, workload: Workload, place: Place, ring: Ring, window: Window, seed: int) -> None:
        self.workload = workload
        self.window = window
        self.sockets = place.dial_all(workload.conns)
        self.steps = 0
        if workload.lines:
            self.trial = _lines(workload, self.sockets, window)
        else:
            self.trial = _echoes(workload, self.sockets, ring, window, seed)

    def warm(self) -> None:
        """Run at the first rate, which any server can do."""
        self.trial(FIRST[self.workload.service])

    def slice(self, seconds: float) -> None:
        """Look for the highest rate.

        Raises:
            Broken: the server did something wrong.
        """
        self.best, self.broke = _search(FIRST[self.workload.service], self.tried)

    def tried(self, rate: float) -> Step:
        """One rate, and once more where it was too high."""
        self.steps += 1
        step = self.trial(rate)
        return step if step.kept else self.trial(rate)

    def outcome(self, keep: Collection[int]) -> Outcome:
        """What it found."""
        made = Outcome()
        made.figures["capacity"] = self.best * (self.workload.conns - 1 if self.workload.lines else 1)
        made.observed.update(
            steps=self.steps, load_limited=float(self.broke.ours), p99=min(self.broke.p99 / 1000, LONGEST)
        )
        return made

    def close(self) -> None:
        """Close every connection."""
        for sock in self.sockets:
            sock.close()


def _search(first: float, tried: Callable[[float], Step]) -> tuple[float, Step]:
    """The highest rate that was kept, and the lowest one that was not."""
    low, high = 0.0, first
    while (step := tried(high)).kept and high < HIGHEST:
        low, high = high, high * 2
    if not low:
        return first / 2, step  # not even that: it is told as half of the first rate
    for _ in range(BISECTIONS):
        middle = math.sqrt(low * high)
        now = tried(middle)
        if now.kept:
            low = middle
        else:
            high, step = middle, now
    return low, step


def _judge(first: Edge, last: Edge, responses: list[int], achieved: float, late: float, bound: float) -> Step:
    p99 = stats.percentile(sorted(responses), 99.0) if responses else math.inf
    kept = p99 <= bound and achieved >= ACHIEVED
    busy = (last.cpu - first.cpu) / max(1, last.at - first.at)
    return Step(kept, not kept and busy < SPARE and (achieved < ACHIEVED or late > bound / 2), p99)


def _echoes(
    workload: Workload, sockets: Sequence[socket.socket], ring: Ring, window: Window, seed: int
) -> Callable[[float], Step]:
    loop = Paced(workload, sockets, ring)

    def trial(rate: float) -> Step:
        loop.begin(schedule(rate, LEAD + workload.seconds + SETTLE, workload.conns, workload.arrival, seed))
        loop.run(loop.zero + int(LEAD * NANO))
        first = window.edge(loop.count)
        loop.run(first.at + int(workload.seconds * NANO))
        last = window.edge(loop.count)
        done = loop.finish(first.at, first.at + int(workload.seconds * NANO))
        late = stats.percentile(sorted(done.lateness), 99.0) if done.lateness else math.inf
        return _judge(first, last, done.response, 1 - done.unsent / max(1, done.due), late, workload.p99 * 1e6)

    return trial


def _lines(workload: Workload, sockets: Sequence[socket.socket], window: Window) -> Callable[[float], Step]:
    room = Room(workload, sockets)
    room.settle()

    def trial(rate: float) -> Step:
        lasts = LEAD + workload.seconds + SETTLE
        room.begin(schedule(rate / workload.depth, lasts, workload.senders, workload.arrival, 0))
        room.run(room.zero + int(LEAD * NANO))
        first = window.edge(room.count)
        room.run(first.at + int(workload.seconds * NANO))
        last = window.edge(room.count)
        room.finish()
        done = room.deliveries(first.at, first.at + int(workload.seconds * NANO))
        late = stats.percentile(sorted(done.lateness), 99.0) if done.lateness else math.inf
        return _judge(first, last, done.times, 1.0, late, workload.p99 * 1e6)

    return trial
