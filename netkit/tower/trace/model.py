"""What a trace is, and its JSON.

A *call* is what the interpreter saw: a Python function from its start, or its going on, to its end, or a function
written in C. A *step* is a call that means something to a reader, or something that no call shows: what the client
did, and what happened inside C. A *trace* is the steps of one story on one layer and loop; a *comparison* is the same
story on several.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Self

#: Of the JSON. 1: the first.
VERSION = 1

#: Lanes beside the nine tiers.
CLIENT, KERNEL, SERVICE = -1, 0, 10


@dataclass(frozen=True, slots=True)
class Call:
    """A call, as it was recorded.

    Attributes:
        start: when it began, in ns of the monotonic clock; all processes of one machine share it.
        end: when it returned, raised or was suspended.
        depth: how many recorded calls it is inside of.
        name: qualified, such as ``StreamReader.feed_data``.
        file: of a Python function, from the package's folder on, such as ``asyncio/streams.py``; empty in C.
        line: where that function begins; 0 in C.
        coroutine: of an ``async def``.
        resumed: a coroutine or generator that went on.
        suspended: it did not end, but waits, or yields.
        size: bytes it was given, where that can be told.
    """

    start: int
    end: int
    depth: int
    name: str
    file: str = ""
    line: int = 0
    coroutine: bool = False
    resumed: bool = False
    suspended: bool = False
    size: int | None = None

    @property
    def in_c(self) -> bool:
        """Whether it is written in C, and so has no inside to be seen."""
        return not self.file


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a message through the tower.

    Attributes:
        at: when it began, in µs since the first step.
        took: µs until it ended, all that it called included. Tracing makes both several times longer.
        turn: which call by the loop it belongs to, from 1 on; 0 for the client, and for the loop's own look around.
        depth: how many steps of the same call by the loop it is inside of.
        tier: 1 to 9, or ``CLIENT``, ``KERNEL`` or ``SERVICE``.
        text: what happens, in a few words.
        api: what is called, such as ``StreamReader.feed_data``.
        where: the file and line it begins at, such as ``asyncio/streams.py:494``; empty in C and for the client.
        size: bytes, where that can be told.
        in_c: it stands for all that happened inside C, where no single step is to be seen.
    """

    at: float
    took: float
    turn: int
    depth: int
    tier: int
    text: str
    api: str
    where: str = ""
    size: int | None = None
    in_c: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What the story cost, in things that can be counted.

    Attributes:
        callbacks: how often the loop called something.
        python: calls of Python functions, and goings on of coroutines.
        c: calls of C functions by Python code.
        system: system calls for input and output; None on a loop that makes them inside C.
        futures: futures that were given a result.
        woken: tasks that went on.
    """

    callbacks: int
    python: int
    c: int
    system: int | None
    futures: int
    woken: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One story on one layer and loop."""

    layer: str
    loop: str
    steps: tuple[Step, ...]
    counts: Counts

    @property
    def label(self) -> str:
        """As people call it."""
        return f"{self.layer} on {self.loop}"

    @property
    def duration(self) -> float:
        """µs from the first step to the end of the last."""
        return max(step.at + step.took for step in self.steps)

    def by_tier(self) -> dict[int, int]:
        """How many steps each tier takes, from the ground up, without the client's."""
        tiers = sorted({step.tier for step in self.steps} - {CLIENT})
        return {tier: sum(step.tier == tier for step in self.steps) for tier in tiers}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The same story on some layers and loops.

    Attributes:
        what: the story, one of ``stories.STORIES``.
        service: what was served.
        machine: versions and platform, by name.
        when: in ISO 8601, UTC.
        traces: in the order in which they were asked for.
    """

    what: str
    service: str
    machine: dict[str, str]
    when: str
    traces: tuple[Trace, ...]

    def dumps(self) -> str:
        """As JSON."""
        return json.dumps({"format": "netkit trace", "version": VERSION, **asdict(self)}, indent=1) + "\n"

    @classmethod
    def loads(cls, text: str) -> Self:
        """From JSON.

        Raises:
            ValueError: it is not the JSON of a trace, or of another version.
        """
        data = json.loads(text)
        if not isinstance(data, dict) or data.pop("format", None) != "netkit trace":
            raise ValueError("not a trace")
        if (version := data.pop("version", None)) != VERSION:
            raise ValueError(f"a trace of version {version}, and this netkit reads version {VERSION}")
        try:
            return cls(**data | {"traces": tuple(_traces(data["traces"]))})
        except (KeyError, TypeError) as why:
            raise ValueError(f"not a whole trace: {why}") from None


def _traces(data: Iterable[dict[str, Any]]) -> Iterable[Trace]:
    for each in data:
        steps = tuple(Step(**step) for step in each["steps"])
        yield Trace(**each | {"steps": steps, "counts": Counts(**each["counts"])})
