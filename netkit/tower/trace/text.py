"""A trace on a terminal: one with all its steps, or several side by side. Pure: from data to strings."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import TypeAlias

from ..show import Look
from .lanes import LANES, NAMES
from .model import CLIENT, Comparison, Counts, Step, Trace

#: Of a step beside others: what it is told by.
Key: TypeAlias = tuple[int, str]

TIER_NUMBERS = range(1, 10)

#: Columns of a trace beside others, at least, and between two of them.
LEAST, GAP = 34, 2

#: Columns of the time, of the number of a callback, and of a lane.
TIME, NUMBER, LANE = 9, 6, 14

#: Most calls by the loop, and looks around before them, in a pattern that is shown once where it repeats itself.
PATTERN = 4

INDENT = "  "

#: What is counted, in words, and where it stands.
COUNTED: tuple[tuple[str, Callable[[Counts], int | None]], ...] = (
    ("calls by the loop", lambda counts: counts.callbacks),
    ("tasks woken", lambda counts: counts.woken),
    ("futures resolved", lambda counts: counts.futures),
    ("system calls for I/O", lambda counts: counts.system),
    ("calls of Python", lambda counts: counts.python),
    ("calls of C", lambda counts: counts.c),
)

CAVEAT = (
    "Times are taken while every call is recorded, which makes them several times longer. "
    "What a layer costs, netkit bench tells."
)

IN_C = "uvloop is written in C: what happens inside it is one step, whose time is not known."


@dataclass(frozen=True, slots=True)
class Again:
    """A pattern of callbacks that has repeated itself."""

    callbacks: int
    times: int

    @property
    def text(self) -> str:
        """In words."""
        last = "the same" if self.callbacks == 1 else f"the last {self.callbacks} calls by the loop"
        return f"... {last} again, {self.times} times" if self.times > 1 else f"... {last} again, once"


def show(comparison: Comparison, look: Look, *, every: bool = False) -> str:
    """A comparison as text.

    Args:
        comparison: what is shown.
        look: how.
        every: show each step, also where callbacks repeat themselves.
    """
    machine = ", ".join(f"{name} {version}" for name, version in comparison.machine.items() if name != "platform")
    title = f"{comparison.what}, service {comparison.service}: {', '.join(trace.label for trace in comparison.traces)}"
    parts = [look.paint(line, "heading") for line in textwrap.wrap(title, look.width)] + [
        look.paint(machine, "muted"),
        "",
    ]
    if len(comparison.traces) == 1:
        parts += [*ladder(comparison.traces[0], look, every), ""]
    else:
        parts += [*_beside(comparison.traces, look, every), ""]
    parts += [*counts(comparison.traces, look), ""]
    notes = [CAVEAT] + [IN_C] * any(step.in_c for trace in comparison.traces for step in trace.steps)
    parts += [look.paint(line, "muted") for note in notes for line in textwrap.wrap(note, look.width)]
    return "\n".join([*parts, ""])


def size(step: Step) -> str:
    """Its bytes, in words."""
    return "" if step.size is None else f"{step.size:,} bytes" if step.size != 1 else "1 byte"


def shortened(steps: Sequence[Step]) -> list[Step | Again]:
    """The steps, without callbacks that only repeat what came before."""
    groups = [list(each) for _, each in groupby(steps, key=lambda step: (step.turn, step.tier == CLIENT))]
    keys = [[_key(step) for step in group] for group in groups]
    made: list[Step | Again] = []
    at = 0
    while at < len(groups):
        length, times = _repeats(keys, at)
        made += [step for group in groups[at : at + length] for step in group]
        if times > 1:
            made.append(Again(sum(group[0].turn > 0 for group in groups[at : at + length]), times - 1))
        at += length * times
    return made


def _repeats(keys: Sequence[Sequence[Key]], at: int) -> tuple[int, int]:
    """How long the pattern is that begins here, and how often it comes."""
    for length in range(1, PATTERN + 1):
        pattern, times = keys[at : at + length], 1
        while keys[at + length * times : at + length * (times + 1)] == pattern and len(pattern) == length:
            times += 1
        if times > 1:
            return length, times
    return 1, 1


def ladder(trace: Trace, look: Look, every: bool = False) -> Iterator[str]:
    """One trace: a line a step, deeper where it is inside of another."""
    room = max(TIME, len(f"{trace.steps[-1].at:,.1f}") + 1)
    yield look.paint(f"{'µs':>{room}}{'call':>{NUMBER}}  {'tier':<{LANE}}step", "muted")
    last = 0
    for step in trace.steps if every else shortened(trace.steps):
        if isinstance(step, Again):
            yield look.paint(" " * (room + NUMBER + 2 + LANE) + step.text, "muted")
            continue
        number = str(step.turn) if step.turn not in (0, last) else ""
        last = step.turn or last
        time = f"{step.at:,.1f}"
        head = f"{time:>{room}}{number:>{NUMBER}}  "
        text = INDENT * step.depth + ", ".join(filter(None, (step.text, size(step))))
        used = len(head) + LANE + len(text)
        api = step.api if step.tier != CLIENT and used + 2 + len(step.api) <= look.width else ""
        yield (
            look.paint(head, "muted")
            + look.paint(f"{_lane(step.tier):<{LANE}}", _role(step))
            + text
            + (look.paint(f"{'':<{max(2, look.width - used - len(api))}}{api}", "code") if api else "")
        )


def _beside(traces: Sequence[Trace], look: Look, every: bool) -> Iterator[str]:
    """Several traces: the same steps on the same line, as many columns as there is room for."""
    fit = max(1, (look.width + GAP) // (LEAST + GAP))
    rows = _aligned([trace.steps if every else shortened(trace.steps) for trace in traces])
    for begin in range(0, len(traces), fit):
        shown = range(begin, min(begin + fit, len(traces)))
        width = (look.width + GAP) // len(shown) - GAP
        if begin:
            yield ""
        yield look.paint(_line([traces[at].label for at in shown], width), "heading")
        for row in rows:
            cells = [row[at] for at in shown]
            if any(cells):
                yield from _cells(cells, width, look)


def _cells(cells: Sequence[Step | Again | None], width: int, look: Look) -> Iterator[str]:
    wrapped = [_cell(cell, width) for cell in cells]
    (role,) = {_role(cell) if isinstance(cell, Step) else "muted" for cell in cells if cell} or {""}
    for number in range(max(map(len, wrapped))):
        yield look.paint(_line([each[number] if number < len(each) else "" for each in wrapped], width), role)


def _cell(cell: Step | Again | None, width: int) -> list[str]:
    """A tier's number, or nothing for what is beside the tiers: its text says who it is."""
    if cell is None:
        return []
    head = str(cell.tier) if isinstance(cell, Step) and cell.tier in TIER_NUMBERS else ""
    return textwrap.wrap(cell.text, width, initial_indent=f"{head:<3}", subsequent_indent="   ")


def _line(cells: Sequence[str], width: int) -> str:
    return (" " * GAP).join(f"{cell:<{width}}" for cell in cells).rstrip()


def _aligned(columns: Sequence[Sequence[Step | Again]]) -> list[list[Step | Again | None]]:
    """Rows in which each column has the same step, or none; the order in every column is kept."""
    rows: list[list[Step | Again | None]] = [[cell] for cell in columns[0]]
    for done, column in enumerate(columns[1:], 1):
        known = [next(_key(cell) for cell in row if cell) for row in rows]
        merged: list[list[Step | Again | None]] = []
        for kind, a, b, c, d in SequenceMatcher(None, known, [_key(each) for each in column], False).get_opcodes():
            if kind == "equal":
                merged += [[*row, cell] for row, cell in zip(rows[a:b], column[c:d], strict=True)]
            else:
                merged += [[*row, None] for row in rows[a:b]]
                merged += [[*[None] * done, cell] for cell in column[c:d]]
        rows = merged
    return rows


def counts(traces: Sequence[Trace], look: Look) -> Iterator[str]:
    """How many steps each tier takes, and what else can be counted: as many columns as there is room for."""
    first = max(len(name) for name, _ in COUNTED) + 1
    width = max(len(word) for trace in traces for word in (trace.layer, trace.loop)) + GAP
    fit = max(1, (look.width - first) // width)
    for begin in range(0, len(traces), fit):
        if begin:
            yield ""
        yield from _counted(traces[begin : begin + fit], look, first, width)


def _counted(traces: Sequence[Trace], look: Look, first: int, width: int) -> Iterator[str]:
    for heads in ([trace.layer for trace in traces], [trace.loop for trace in traces]):
        yield look.paint(_row("", heads, first, width), "heading")
    for lane in LANES:
        numbers = [trace.by_tier().get(lane, 0) for trace in traces]
        if any(numbers):
            yield _row(_lane(lane), [f"{number or '-'}" for number in numbers], first, width)
    yield _row("steps in all", [str(sum(trace.by_tier().values())) for trace in traces], first, width)
    yield look.rule()
    for name, value in COUNTED:
        found = [value(trace.counts) for trace in traces]
        yield _row(name, ["in C" if each is None else f"{each:,}" for each in found], first, width)


def _row(name: str, cells: Sequence[str], first: int, width: int) -> str:
    return f"{name:<{first}}" + "".join(f"{cell:>{width}}" for cell in cells)


def _key(cell: Step | Again) -> Key:
    return (CLIENT, cell.text) if isinstance(cell, Again) else (cell.tier, cell.text)


def _lane(tier: int) -> str:
    return f"{tier if tier in TIER_NUMBERS else ' '} {NAMES[tier]}"


def _role(step: Step) -> str:
    return f"lane {step.tier}"
