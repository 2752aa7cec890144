"""One trace as a drawing: lanes from the client up to the service, and the way of the message through them.

SVG as text, made without any script. A step is a numbered disc on its lane; the pale bar behind it reaches to the
last step that happens inside of it. Steps of one call by the loop stand on one band. A line is broken where the loop
lies between two steps, and whole where one leads to the other within a call.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from itertools import groupby

from ..lanes import NAMES
from ..model import KERNEL, Step, Trace
from .frame import Frame, Label, labels, lasting
from .text import escape, width
from .theme import HUES

#: A loop that is written in C has in it all from the kernel up to its transports.
LOWEST_IN_C, HIGHEST_IN_C = KERNEL, 7

#: How round the corners of the way are, in pixels.
CORNER = 7

#: From the tip of an arrow to its end, and half of how wide it is.
ARROW, ARROW_HALF = 6, 3.6

#: A way up or down that is as many steps of the scale long has an arrow in its middle.
LONG = 1.2


def draw(trace: Trace, frame: Frame, name: str, description: str, least: float = 0) -> str:
    """The drawing of a trace.

    Args:
        trace: what to draw.
        frame: where the lanes are.
        name: of the drawing within its page; it and all that begins with it belongs to the drawing.
        description: the name of what describes it in words.
        least: how wide it is at least, in pixels.
    """
    wide, high = max(frame.width(len(trace.steps)), least), frame.bottom + 2
    title = f"{trace.label}: {len(trace.steps)} steps through the tower"
    return (
        f'<svg class="diagram" id="{name}" viewBox="0 0 {_n(wide)} {_n(high)}" width="{_n(wide)}" height="{_n(high)}" '
        f'role="img" aria-label="{escape(title)}" aria-describedby="{description}">'
        f'<g id="{name}-all">{"".join(_parts(trace, frame, wide))}</g>'
        '<circle class="token" r="5" cx="-20" cy="-20"/></svg>'
    )


def names(frame: Frame) -> str:
    """The names of the lanes by themselves, to stay where they are while the drawing is moved."""
    wide, high = _n(frame.scale.gutter - 4), _n(frame.bottom + 2)
    return (
        f'<svg class="names" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" aria-hidden="true">'
        f'<rect class="cover" width="{wide}" height="{high}"/>{"".join(_names(frame))}</svg>'
    )


def piece(frame: Frame, name: str, first: int, last: int) -> str:
    """A part of a drawing that is in the same page, for paper, which does not scroll: from a step to before another.

    The column after it is shown too, so that one sees where it goes on.
    """
    start, gutter, high = frame.edge(first), frame.scale.gutter, _n(frame.bottom + 2)
    long = frame.edge(last + 1) - start
    whole = f'<use href="#{name}-all"/>'
    part = f'x="{_n(gutter)}" width="{_n(long)}" height="{high}" viewBox="{_n(start)} 0 {_n(long)} {high}"'
    return (
        f'<svg class="piece" viewBox="0 0 {_n(gutter + long)} {high}" width="{_n(gutter + long)}" aria-hidden="true">'
        f"<svg {part}>{whole}</svg>"
        f'<svg width="{_n(gutter)}" height="{high}">{whole}</svg></svg>'
    )


def _parts(trace: Trace, frame: Frame, wide: float) -> Iterator[str]:
    """From behind to the front."""
    steps = trace.steps
    yield from _bands(steps, frame)
    yield from _lanes(frame, wide)
    yield from _names(frame)
    yield from (_bar(steps, index, frame) for index in range(len(steps)))
    yield from (_box(index, step, frame) for index, step in enumerate(steps) if step.in_c)
    yield from (_way(steps, index, frame) for index in range(1, len(steps)))
    yield from map(_words, range(len(steps)), steps, labels(steps, frame.scale), [frame] * len(steps))
    yield from (_step(index, step, frame) for index, step in enumerate(steps))
    if not frame.scale.label:
        x, y = frame.x(len(steps) - 1) + frame.scale.radius + 7, frame.y(steps[-1])
        yield f'<text class="total" x="{_n(x)}" y="{_n(y)}" dy=".36em">{len(steps)} steps</text>'


def _bands(steps: Sequence[Step], frame: Frame) -> Iterator[str]:
    first = 0
    seen = set()
    for turn, group in groupby(steps, key=lambda step: step.turn):
        last = first + len(list(group))
        if turn:
            left, right = frame.edge(first) + 2, frame.edge(last) - 2
            still = "still " if turn in seen else ""
            heads = (f"{still}call {turn} by the loop", f"{still}call {turn}")
            head = next((each for each in heads if width(each, frame.scale.names) < right - left - 4), str(turn))
            wide, high = _n(right - left), _n(frame.bottom)
            yield (
                f'<rect class="band" x="{_n(left)}" y="0" width="{wide}" height="{high}" rx="5"/>'
                f'<text class="head" x="{_n((left + right) / 2)}" y="{_n(frame.scale.head / 2)}" dy=".36em" '
                f'font-size="{frame.scale.names}">{head}</text>'
            )
        seen.add(turn)
        first = last


def _lanes(frame: Frame, wide: float) -> Iterator[str]:
    for lane in frame.lanes.values():
        border = " border" if lane.tier in (9, KERNEL) else ""
        yield f'<path class="lane{border}" d="M0 {_n(lane.top)}H{_n(wide)}"/>'


def _names(frame: Frame) -> Iterator[str]:
    for lane in frame.lanes.values():
        number = f'<tspan class="tier">{lane.tier}</tspan> ' if KERNEL < lane.tier < 10 else ""
        used = "" if lane.used else " empty"
        font = frame.scale.names if lane.used else min(frame.scale.names, lane.height - 1)
        yield (
            f'<text class="name{used} hue-{HUES[lane.tier]}" x="2" y="{_n(lane.y)}" dy=".36em" font-size="{_n(font)}">'
            f"{number}{NAMES[lane.tier]}</text>"
        )


def _bar(steps: Sequence[Step], index: int, frame: Frame) -> str:
    """As far as the last step inside of this one."""
    last = lasting(steps, index)
    if last == index:
        return ""
    step, radius = steps[index], frame.scale.radius
    left, right, y = frame.x(index) - radius, frame.x(last) + radius, frame.y(step)
    return (
        f'<rect class="bar hue-{HUES[step.tier]}" x="{_n(left)}" y="{_n(y - radius)}" '
        f'width="{_n(right - left)}" height="{_n(2 * radius)}" rx="{_n(radius)}"/>'
    )


def _box(index: int, step: Step, frame: Frame) -> str:
    """All that is inside C, where nothing is to be seen."""
    top = frame.lanes[max(step.tier, HIGHEST_IN_C)].top + 2
    low = frame.lanes[min(step.tier, LOWEST_IN_C)]
    bottom = low.top + low.height - 2
    half = min(frame.scale.radius + 4, frame.scale.step / 2 - 3)
    x = frame.x(index)
    made = (
        f'<rect class="inside" x="{_n(x - half)}" y="{_n(top)}" width="{_n(2 * half)}" '
        f'height="{_n(bottom - top)}" rx="5"/>'
    )
    if not frame.scale.label:
        return made
    # In the longer part, above the step or below it.
    y = frame.y(step)
    middle = (top + y) / 2 if y - top > bottom - y else (y + bottom) / 2
    return (
        f'{made}<text class="said" transform="translate({_n(x)} {_n(middle)}) rotate(-90)" dy=".36em">inside C</text>'
    )


def _way(steps: Sequence[Step], index: int, frame: Frame) -> str:
    """From the step before to this one."""
    before, here = steps[index - 1], steps[index]
    radius = frame.scale.radius
    x0, y0 = frame.x(index - 1) + radius, frame.y(before)
    x1, y1 = frame.x(index) - radius, frame.y(here)
    turn = frame.edge(index)
    end = x1 - frame.scale.arrow
    if y0 == y1:
        line = f"M{_n(x0)} {_n(y0)}H{_n(end)}"
    else:
        corner = min(CORNER, abs(y1 - y0) / 2, turn - x0, end - turn)
        bend = corner if y1 > y0 else -corner
        line = (
            f"M{_n(x0)} {_n(y0)}H{_n(turn - corner)}q{_n(corner)} 0 {_n(corner)} {_n(bend)}"
            f"V{_n(y1 - bend)}q0 {_n(bend)} {_n(corner)} {_n(bend)}H{_n(end)}"
        )
    arrows = f"M{_n(x1)} {_n(y1)}l{-ARROW} {-ARROW_HALF}v{2 * ARROW_HALF}z" if frame.scale.arrow else ""
    if abs(y1 - y0) > LONG * frame.scale.step:
        tip, back = ((y0 + y1) / 2 + ARROW / 2, -ARROW) if y1 > y0 else ((y0 + y1) / 2 - ARROW / 2, ARROW)
        arrows += f"M{_n(turn)} {_n(tip)}l{-ARROW_HALF} {back}h{2 * ARROW_HALF}z"
    later = " later" if before.turn != here.turn else ""
    return (
        f'<g class="way{later}" data-step="{index + 1}"><path class="line" d="{line}"/>'
        f'<path class="arrow" d="{arrows}"/></g>'
    )


def _words(index: int, step: Step, label: Label, frame: Frame) -> str:
    if not label.lines:
        return ""
    scale = frame.scale
    x, y = frame.x(index) - scale.reach, frame.y(step)
    if label.above:
        first = y - scale.radius - 5 - (len(label.lines) - 1) * scale.leading
    else:
        first = y + scale.radius + 3 + scale.label * 0.9
    lines = "".join(
        f'<tspan x="{_n(x)}" y="{_n(first + number * scale.leading)}">{html.escape(line)}</tspan>'
        for number, line in enumerate(label.lines)
    )
    return f'<text class="label" font-size="{scale.label}" data-step="{index + 1}">{lines}</text>'


def _step(index: int, step: Step, frame: Frame) -> str:
    x, y, radius = frame.x(index), frame.y(step), frame.scale.radius
    number = index + 1
    # Three digits are wider than the disc.
    font = min(frame.scale.number, 2 * radius / width(str(number), 1) - 1)
    said = " · ".join(filter(None, (f"{number} {NAMES[step.tier]}", step.text, step.api, step.where)))
    if step.in_c:
        box = f'x="{_n(x - radius)}" y="{_n(y - radius)}" width="{_n(2 * radius)}" height="{_n(2 * radius)}"'
        shape = f'<rect class="disc" {box} rx="3"/>'
    else:
        shape = f'<circle class="disc" cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}"/>'
    return (
        f'<g class="step hue-{HUES[step.tier]}" data-step="{number}" data-x="{_n(x)}" data-y="{_n(y)}">'
        f"<title>{escape(said)}</title>{shape}"
        f'<text class="number" x="{_n(x)}" y="{_n(y)}" dy=".36em" font-size="{_n(font)}">{number}</text></g>'
    )


def _n(value: float) -> str:
    """A number, as short as it can be."""
    return f"{value:.1f}".removesuffix(".0")
