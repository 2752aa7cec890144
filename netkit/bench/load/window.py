"""The window: slices of time, what is read at their edges, and the figures that this gives.

The servers of a round take turns, a slice each, over and over: a machine whose speed changes from one second to the
next changes it for all of them alike. What a server used, and what it was asked, is added up over its slices; those in
which the machine changed are left out, for all servers.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ...processes.reading import Reading, Server
from .. import metrics, stats
from ..counters import Instructions
from ..histograms import encode
from ..machine import Ticks

clock = time.perf_counter_ns

NANO = 1_000_000_000

#: Seconds at the beginning of a slice that do not count: the slow readings delay what is under way, caches are cold.
SETTLE = 0.03

#: Slices from which on it says something to hold the first half of them against the second one.
HALVES = 8


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


@dataclass(frozen=True, slots=True)
class Around:
    """The slow readings: of the server where it is known, of the machine, and instructions where they are counted."""

    server: Reading | None
    ticks: Ticks
    instructions: int | None


@dataclass(frozen=True, slots=True)
class Slice:
    """One turn of a server."""

    before: Around
    first: Edge
    last: Edge
    after: Around

    @property
    def cpu(self) -> int:
        """Nanoseconds of the server's CPU time."""
        used = self.last.cpu - self.first.cpu
        if self.before.server is None or self.after.server is None:
            return used
        # A child that ended meanwhile is in its parent's account and no clock; one that began is new there.
        return used + self.after.server.reaped - self.before.server.reaped + self.after.server.newcomers

    @property
    def messages(self) -> int:
        """How many were answered."""
        return self.last.messages - self.first.messages


class Window:
    """Takes the readings of each slice, in this order: ``prepare``, ``open``, ``close``."""

    def __init__(self, pid: int | None, core: int | None) -> None:
        """``pid``: of the server, None where it is not known; ``core``: which it is pinned to."""
        self.server = Server(pid) if pid is not None else None
        self.core = core
        self.instructions = Instructions(self.server.pids) if self.server is not None else None
        self.slices: list[Slice] = []

    def prepare(self) -> None:
        """Take the slow readings. ``SETTLE`` seconds of the same load shall follow before ``open``."""
        self.before = self._around()

    def open(self, messages: int) -> int:
        """A slice begins now, with so many messages answered before it. The time on the clock."""
        self.first = self.edge(messages)
        return self.first.at

    def close(self, messages: int) -> None:
        """It ends now."""
        last = self.edge(messages)
        self.slices.append(Slice(self.before, self.first, last, self._around()))

    def edge(self, messages: int) -> Edge:
        """The quick readings."""
        cpu = self.server.cpu() if self.server is not None else 0
        return Edge(clock(), cpu, time.process_time_ns(), messages)

    def memory(self) -> int:
        """Resident bytes of the server now."""
        return self.server.memory() if self.server is not None else 0

    def highest(self) -> int:
        """The most that was resident in the last slice, as far as the kernel tells, or at its end."""
        before, after = self.slices[-1].before.server, self.slices[-1].after.server
        if before is None or after is None:
            return 0
        return after.peak if after.peak > before.peak else after.memory

    def _around(self) -> Around:
        reading = self.server.read() if self.server is not None else None
        counted = self.instructions.read() if self.instructions is not None else None
        return Around(reading, Ticks.read(self.core), counted)

    def outcome(self, keep: Collection[int]) -> Outcome:
        """The figures over the slices of these numbers: the server's for each message, the load's, the machine's."""
        held = [self.slices[number] for number in sorted(keep)]
        seconds = sum(each.last.at - each.first.at for each in held) / NANO
        messages = sum(each.messages for each in held)
        made = Outcome()
        made.figures["rate"] = messages / seconds
        load = sum(each.last.load - each.first.load for each in held)
        made.observed.update(messages=messages, seconds=seconds, slices=len(held), load_busy=load / NANO / seconds)
        ticks = Ticks.shares((each.before.ticks, each.after.ticks) for each in held)
        made.observed.update(steal=ticks["steal"], softirq=ticks["softirq"])
        if messages and self.server is not None:
            self._add_server(made, held, seconds, messages)
            if self.core is not None:
                # What else ran on its core: threads of one server wait for one another too.
                made.observed["others"] = max(0.0, ticks["busy"] - made.observed["server_busy"])
        return made

    def _add_server(self, made: Outcome, held: Sequence[Slice], seconds: float, messages: int) -> None:
        pairs = [(a, b) for a, b in ((each.before.server, each.after.server) for each in held) if a and b]
        cpu = sum(each.cpu for each in held)
        made.figures["cpu"] = cpu / 1000 / messages
        made.figures["switches"] = sum(b.switches - a.switches for a, b in pairs) / messages
        made.figures["memory"] = pairs[-1][1].memory / 1024
        made.observed["server_busy"] = cpu / NANO / seconds
        made.observed["queue_wait"] = sum(b.waited - a.waited for a, b in pairs) / max(1, cpu)
        counted = [(each.before.instructions, each.after.instructions) for each in held]
        known = [b - a for a, b in counted if a is not None and b is not None]
        if len(known) == len(held):
            made.figures["instructions"] = sum(known) / messages
        if len(held) >= HALVES:
            for name, part in (("early", held[: len(held) // 2]), ("late", held[len(held) // 2 :])):
                made.observed[name] = (
                    sum(each.cpu for each in part) / 1000 / max(1, sum(each.messages for each in part))
                )


class Measurement(Protocol):
    """What every kind of load offers: to warm up, to measure for a slice at a time, and to tell what it found."""

    def warm(self) -> None:
        """Get to the pace at which the server will be measured."""

    def slice(self, seconds: float) -> None:
        """Measure for so long, and then let everything come to rest."""

    def outcome(self, keep: Collection[int]) -> Outcome:
        """What the slices of these numbers gave, counted from 0."""

    def close(self) -> None:
        """Close every connection."""


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


class Cuts:
    """Where the samples of each slice begin and end, among all that a loop took."""

    def __init__(self) -> None:
        self._ends: list[tuple[int, int]] = []

    def add(self, first: int, end: int) -> None:
        """A slice gave the samples from the first to before the end."""
        self._ends.append((first, end))

    def of(self, keep: Iterable[int], samples: Sequence[int]) -> list[int]:
        """The samples of the slices of these numbers."""
        return [each for number in keep for each in samples[slice(*self._ends[number])]]


def room(count: int) -> array[int]:
    """A place for so many samples, every page of it touched already."""
    return array("q", bytes(8 * max(1, count)))
