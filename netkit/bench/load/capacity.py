"""The highest rate at which the 99th percentile keeps its bound: doubled until it breaks, then bisected.

A rate must be exceeded twice in a row before it counts as too high, for a neighbour of a shared machine can spoil any
single step.
"""

from __future__ import annotations

import math
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .. import stats
from ..limits import ACHIEVED, SPARE
from ..scenario import Workload
from .connect import Place
from .lines import Room
from .paced import Paced, schedule
from .ring import Ring
from .window import NANO, SETTLE, Outcome, Window

#: Messages a second to begin with: any server can do that.
FIRST = {"echo": 1000.0, "chat": 100.0}

#: Bisections between the last rate that was kept and twice that: the answer is within 2 ** (1 / 16), 4.4 %.
BISECTIONS = 4

#: Seconds at the beginning of a step that do not count.
LEAD = 0.1

#: A rate that no machine reaches: where a bound never breaks, the search must end all the same.
HIGHEST = 16_000_000.0


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


def measure(workload: Workload, place: Place, ring: Ring, window: Window, seed: int) -> Outcome:
    """Look for the highest rate.

    Raises:
        Broken: the server did something wrong.
    """
    sockets = place.dial_all(workload.conns)
    steps = 0
    try:
        trial = _lines(workload, sockets, window) if workload.lines else _echoes(workload, sockets, ring, window, seed)

        def tried(rate: float) -> Step:
            nonlocal steps
            steps += 1
            step = trial(rate)
            return step if step.kept else trial(rate)

        best, broke = _search(FIRST[workload.service], tried)
    finally:
        for sock in sockets:
            sock.close()
    made = Outcome()
    made.figures["capacity"] = best * ((workload.conns - 1) if workload.lines else 1)
    made.observed.update(steps=steps, load_limited=float(broke.ours), p99=broke.p99 / 1000)
    return made


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


def _judge(window: Window, responses: list[int], achieved: float, late: float, bound: float) -> Step:
    p99 = stats.percentile(sorted(responses), 99.0) if responses else math.inf
    kept = p99 <= bound and achieved >= ACHIEVED
    first, last = window.edges[0], window.edges[-1]
    busy = (last.cpu - first.cpu) / max(1, last.at - first.at)
    return Step(kept, not kept and busy < SPARE and (achieved < ACHIEVED or late > bound / 2), p99)


def _echoes(
    workload: Workload, sockets: Sequence[socket.socket], ring: Ring, window: Window, seed: int
) -> Callable[[float], Step]:
    loop = Paced(workload, sockets, ring)

    def trial(rate: float) -> Step:
        loop.begin(schedule(rate, LEAD + workload.seconds + SETTLE, workload.conns, workload.arrival, seed))
        loop.run(loop.zero + int(LEAD * NANO))
        window.edges = []
        start = window.open(loop.count).at
        loop.run(start + int(workload.seconds * NANO))
        window.half(loop.count)
        done = loop.finish(start, start + int(workload.seconds * NANO))
        late = stats.percentile(sorted(done.lateness), 99.0) if done.lateness else math.inf
        return _judge(window, done.response, 1 - done.unsent / max(1, done.due), late, workload.p99 * 1e6)

    return trial


def _lines(workload: Workload, sockets: Sequence[socket.socket], window: Window) -> Callable[[float], Step]:
    room = Room(workload, sockets)
    room.settle()

    def trial(rate: float) -> Step:
        lasts = LEAD + workload.seconds + SETTLE
        room.begin(schedule(rate / workload.depth, lasts, workload.senders, "constant", 0))
        room.run(room.zero + int(LEAD * NANO))
        window.edges = []
        start = window.open(room.count).at
        room.run(start + int(workload.seconds * NANO))
        window.half(room.count)
        room.finish()
        done = room.deliveries(start, start + int(workload.seconds * NANO))
        late = stats.percentile(sorted(done.lateness), 99.0) if done.lateness else math.inf
        return _judge(window, done.times, 1.0, late, workload.p99 * 1e6)

    return trial
