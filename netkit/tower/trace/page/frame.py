"""Where everything is in a drawing, before anything is drawn: the lanes, and the label of each step.

The way of the message runs from step to step at right angles, and turns where one step's column ends. So a label that
begins at its step's left, on the side that the way does not leave by, may reach to the end of the next column without
any line through it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..lanes import LANES, NAMES
from ..model import Step, Trace
from .text import width, wrap


@dataclass(frozen=True, slots=True)
class Scale:
    """Lengths, in pixels.

    Attributes:
        step: from one step to the next, the same for all traces.
        radius: of a step.
        number: size of the font in it.
        names: size of the font of the lanes' names.
        pad: above and below a step, within its lane.
        empty: height of a lane that no message comes to.
        head: above the lanes, for the callbacks.
        tail: at the right, for what the last step says.
        arrow: length of an arrow; 0: there is none where a step is reached, since all goes to the right.
        label: size of the font of labels; 0: there are none.
        lines: most lines of a label.
    """

    step: float
    radius: float
    number: float
    names: float
    pad: float
    empty: float
    head: float
    tail: float
    arrow: float = 0
    label: float = 0
    lines: int = 0

    @property
    def leading(self) -> float:
        """From one line of a label to the next."""
        return round(self.label * 1.18, 1)

    @property
    def gutter(self) -> float:
        """Room for the names of lanes, at the left."""
        return max(width(f"1 {name}", self.names) for name in NAMES.values()) + 8

    @property
    def reach(self) -> float:
        """From a step back to the beginning of its label."""
        return self.step / 2 - 5


#: With words.
DETAIL = Scale(step=66, radius=11, number=11, names=11, pad=3, empty=13, head=22, tail=66, arrow=6, label=10.5, lines=5)

#: Several at once.
GLANCE = Scale(step=24, radius=8, number=9, names=9.5, pad=1.2, empty=9, head=18, tail=66)


@dataclass(frozen=True, slots=True)
class Label:
    """The words at a step: above or below it, line by line."""

    above: bool
    lines: list[str]


@dataclass(frozen=True, slots=True)
class Lane:
    """One tier: its top, its height, and the line its steps are on."""

    tier: int
    top: float
    height: float
    y: float
    used: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """The lanes, the same for all traces of a page."""

    scale: Scale
    lanes: dict[int, Lane]

    @property
    def bottom(self) -> float:
        """Where the lowest lane ends."""
        return max(lane.top + lane.height for lane in self.lanes.values())

    def width(self, steps: int) -> float:
        """Of a drawing of so many steps."""
        return self.edge(steps) + self.scale.tail

    def x(self, index: int) -> float:
        """The middle of a step's column, counted from 0."""
        return self.scale.gutter + (index + 0.5) * self.scale.step

    def edge(self, index: int) -> float:
        """Where a step's column begins, and the one before it ends."""
        return self.scale.gutter + index * self.scale.step

    def y(self, step: Step) -> float:
        """The line that a step is on."""
        return self.lanes[step.tier].y


def frame(traces: Sequence[Trace], scale: Scale) -> Frame:
    """Lanes with room for the labels of all these traces."""
    above = dict.fromkeys(LANES, 0)
    below = dict.fromkeys(LANES, 0)
    for trace in traces:
        for step, label in zip(trace.steps, labels(trace.steps, scale), strict=True):
            side = above if label.above else below
            side[step.tier] = max(side[step.tier], len(label.lines))
    used = {step.tier for trace in traces for step in trace.steps}
    lanes = {}
    top = scale.head
    for tier in LANES:
        over, under = (lines * scale.leading + (3 if lines else 0) for lines in (above[tier], below[tier]))
        middle = 2 * (scale.radius + scale.pad)
        height = over + middle + under if tier in used else scale.empty
        y = top + (over + middle / 2 if tier in used else height / 2)
        lanes[tier] = Lane(tier, round(top, 1), round(height, 1), round(y, 1), tier in used)
        top += height
    return Frame(scale, lanes)


def labels(steps: Sequence[Step], scale: Scale) -> list[Label]:
    """The label of each step: on the other side than the next step is, or else than the next step's label is."""
    made: list[Label] = []
    for index in range(len(steps) - 1, -1, -1):
        above = _above(steps, index, made[-1].above if made else False)
        made.append(Label(above, _lines(steps, index, scale)))
    return made[::-1]


def _above(steps: Sequence[Step], index: int, following: bool) -> bool:
    if index + 1 == len(steps):
        return False
    here, there = steps[index].tier, steps[index + 1].tier
    return not following if here == there else there < here


def _lines(steps: Sequence[Step], index: int, scale: Scale) -> list[str]:
    if not scale.lines:
        return []
    step = steps[index]
    text = step.text.removeprefix("inside C: ") if step.in_c else step.text
    return wrap(text, scale.label, 2 * scale.step - 12, scale.lines)


def lasting(steps: Sequence[Step], index: int) -> int:
    """The last of the steps that are inside of this one; the step itself if there are none."""
    last = index
    for later in range(index + 1, len(steps)):
        step = steps[later]
        if step.turn == 0:
            continue  # the client, meanwhile
        if step.turn != steps[index].turn or step.depth <= steps[index].depth:
            break
        last = later
    return last
