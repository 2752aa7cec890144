"""The window: what is read at its edges, and the figures that this gives."""

from __future__ import annotations

import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from .. import metrics, stats
from ..counters import Instructions
from ..histograms import encode
from ..machine import Stolen
from ..process import Reading, Server

clock = time.perf_counter_ns

NANO = 1_000_000_000

#: Seconds between the slow readings and the first edge: what they delay is over when it counts.
SETTLE = 0.03


@dataclass(slots=True)
class Outcome:
    """What a measurement gives, in the terms of ``results.Sample``."""

    figures: dict[str, float] = field(default_factory=dict)
    observed: dict[str, float] = field(default_factory=dict)
    histograms: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Edge:
    """The quick readings, next to one another: the time, two CPU clocks, and the messages until now."""

    at: int
    cpu: int
    load: int
    messages: int


class Window:
    """Takes the readings of one window, in this order: ``prepare``, ``open``, ``half``, ``close``."""

    def __init__(self, pid: int | None, core: int | None) -> None:
        """``pid``: of the server, None where it is not known; ``core``: which it is pinned to."""
        self.server = Server(pid) if pid is not None else None
        self.core = core
        self.instructions = Instructions(self.server.pids) if self.server is not None else None
        self.edges: list[Edge] = []

    def prepare(self) -> None:
        """Take the slow readings. ``SETTLE`` seconds of the same load shall follow before ``open``."""
        self.edges = []
        self.before = self._slow()

    def open(self, messages: int) -> Edge:
        """The window begins now."""
        return self.half(messages)

    def half(self, messages: int) -> Edge:
        """An edge: the clocks and the count."""
        cpu = self.server.cpu() if self.server is not None else 0
        edge = Edge(clock(), cpu, time.process_time_ns(), messages)
        self.edges.append(edge)
        return edge

    def close(self, messages: int) -> Edge:
        """The window ends now."""
        edge = self.half(messages)
        self.after = self._slow()
        return edge

    def memory(self) -> int:
        """Resident bytes of the server now."""
        return self.server.memory() if self.server is not None else 0

    def highest(self) -> int:
        """The most that was resident since ``prepare``, as far as the kernel tells, or at ``close``."""
        before, after = self.before[0], self.after[0]
        if before is None or after is None:
            return 0
        return after.peak if after.peak > before.peak else after.memory

    def _slow(self) -> tuple[Reading | None, Stolen, int | None]:
        reading = self.server.read() if self.server is not None else None
        counted = self.instructions.read() if self.instructions is not None else None
        return reading, Stolen.read(self.core), counted

    def outcome(self) -> Outcome:
        """The figures of the server, for each message; those of the load, and of the machine."""
        first, last = self.edges[0], self.edges[-1]
        seconds, messages = (last.at - first.at) / NANO, last.messages - first.messages
        made = Outcome()
        made.figures["rate"] = messages / seconds
        made.observed.update(messages=messages, seconds=seconds, load_busy=(last.load - first.load) / NANO / seconds)
        steal, softirq = self.after[1].since(self.before[1])
        made.observed.update(steal=steal, softirq=softirq)
        before, after = self.before[0], self.after[0]
        if before is None or after is None or not messages:
            return made
        # A child that ended within the window is in its parent's account and no clock; one that began is new there.
        cpu = last.cpu - first.cpu + after.reaped - before.reaped + after.newcomers
        made.figures["cpu"] = cpu / 1000 / messages
        made.figures["switches"] = (after.switches - before.switches) / messages
        made.figures["memory"] = after.memory / 1024
        made.observed["server_busy"] = cpu / NANO / seconds
        made.observed["queue_wait"] = (after.waited - before.waited) / max(1, cpu)
        if self.before[2] is not None and self.after[2] is not None:
            made.figures["instructions"] = (self.after[2] - self.before[2]) / messages
        if len(self.edges) > 2:
            made.observed["drift"] = self._drift()
        return made

    def _drift(self) -> float:
        """CPU time for each message in the second half of the window, as a share of that in the first."""
        first, middle, last = self.edges
        halves = [(b.cpu - a.cpu) / max(1, b.messages - a.messages) for a, b in ((first, middle), (middle, last))]
        return halves[1] / halves[0] if halves[0] > 0 else 1.0


def add_latency(made: Outcome, name: str, samples: Sequence[int]) -> None:
    """Add percentiles and the histogram of some samples in nanoseconds; ``response`` has the shortest names."""
    if not samples:
        return
    ordered = sorted(samples)
    prefix = "" if name == "response" else f"{name}_"
    wanted = {"p50": 50.0, "p99": 99.0}
    if len(ordered) >= metrics.TAIL_SAMPLES:
        wanted |= {"p999": 99.9, "max": 100.0}
    for short, at in wanted.items():
        if prefix + short in metrics.BY_NAME:
            made.figures[prefix + short] = stats.percentile(ordered, at) / 1000
    made.histograms[name] = encode(ordered)


def room(count: int) -> array[int]:
    """A place for so many samples, every page of it touched already."""
    return array("q", bytes(8 * max(1, count)))
