"""A comparison as one HTML file that needs nothing else: no network, no folder beside it, and no script to be read.

All that can be seen is there before any script runs: drawings, tables, and every step in words. The script only goes
along the message. What a trace says is text, wherever it ends up: see ``text.escape``. The page allows no script
and no style but its own, by their hashes, and no request at all.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib import resources
from string import Template

from ..model import Comparison, Trace
from ..text import CAVEAT
from . import diagram, tables
from .frame import DETAIL, GLANCE, Frame, frame
from .text import escape
from .theme import style

#: Steps in a row on paper, which does not scroll.
ON_PAPER = 13

#: What the page is headed with, by story.
HEADINGS = {
    "message": "One message",
    "connect": "A new connection",
    "flood": "A flood of lines",
    "half-close": "The end of one side",
    "slow-reader": "A slow reader",
    "tls": "A TLS connection",
}


def write(comparison: Comparison) -> str:
    """The whole page."""
    traces = comparison.traces
    styles, script = style() + _file("page.css"), _file("page.js")
    heading = f"{HEADINGS.get(comparison.what, comparison.what)} through the tower of asyncio"
    return Template(_file("page.html")).substitute(
        heading=escape(heading),
        style=styles,
        style_hash=_hash(styles),
        script=script,
        script_hash=_hash(script),
        story=escape(f"{_listed(traces)} · service {comparison.service} · {_when(comparison.when)}"),
        machine_line=escape(" · ".join(f"{name} {value}" for name, value in comparison.machine.items())),
        caveat=escape(CAVEAT),
        main="\n".join(_main(traces)),
    )


def _main(traces: Sequence[Trace]) -> Iterator[str]:
    """One trace has its key and its counts below it; several begin with what is to be compared."""
    lanes = frame(traces, DETAIL)
    if len(traces) == 1:
        yield _section(traces[0], 1, lanes, _key(traces))
        yield _counts(traces)
        return
    yield _glance(traces)
    yield _key(traces)
    yield _counts(traces)
    yield from (_section(trace, number, lanes) for number, trace in enumerate(traces, 1))


def _counts(traces: Sequence[Trace]) -> str:
    return (
        '<section class="counts" id="counts">\n<h2>Counts</h2>\n'
        '<p class="about">A block is a step. Tiers without any are left out.</p>\n'
        '<div class="scroll" tabindex="0" role="region" aria-label="Counts">\n'
        f"{tables.counts(traces)}\n</div>\n</section>"
    )


def _glance(traces: Sequence[Trace]) -> str:
    """All of them, small, on the same scale: a row for each layer."""
    lanes = frame(traces, GLANCE)
    widest = lanes.width(max(len(trace.steps) for trace in traces))
    rows: dict[str, list[str]] = {}
    for number, trace in enumerate(traces, 1):
        steps = f"steps-{number}"
        rows.setdefault(trace.layer, []).append(
            f'<div class="one"><h3><a href="#trace-{number}">{escape(trace.label)}</a></h3>'
            f'<p class="sum">{_summary(trace)}</p><p class="said" data-rows="{steps}" data-short hidden></p>'
            f"{_drawing(trace, lanes, f'glance-{number}', steps, widest)}</div>"
        )
    drawings = "\n".join(f'<div class="row">{"".join(each)}</div>' for each in rows.values())
    return (
        '<section class="glance" data-stepper>\n<h2>At a glance</h2>\n'
        '<p class="about">A column is a step, and all are equally wide: what is longer takes more steps.</p>\n'
        f'{_controls()}\n<div class="scroll" tabindex="0" role="region" aria-label="At a glance">\n{drawings}\n</div>\n'
        "</section>"
    )


def _section(trace: Trace, number: int, lanes: Frame, key: str = "") -> str:
    """One of them with all its words."""
    name, rows = f"way-{number}", f"steps-{number}"
    total = len(trace.steps)
    pieces = "\n".join(
        diagram.piece(lanes, name, first, min(first + ON_PAPER, total)) for first in range(0, total, ON_PAPER)
    )
    return (
        f'<section class="trace" id="trace-{number}" data-stepper>\n'
        f'<h2>{escape(trace.label)}</h2>\n<p class="about">{_summary(trace)}</p>\n'
        f'{_controls()}\n<p class="said" data-rows="{rows}" hidden></p>\n'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(trace.label)}">\n'
        f'{_drawing(trace, lanes, name, rows)}\n</div>\n<div class="paper">\n{pieces}\n</div>\n{key}\n'
        f"<details open><summary>All {total} steps in words</summary>\n"
        f'<div class="scroll steps" id="{rows}" tabindex="0" role="region" aria-label="Steps: {escape(trace.label)}">\n'
        f"{tables.steps(trace, rows)}\n</div>\n</details>\n</section>"
    )


def _drawing(trace: Trace, lanes: Frame, name: str, rows: str, least: float = 0) -> str:
    return f'<div class="drawing">{diagram.names(lanes)}{diagram.draw(trace, lanes, name, rows, least)}</div>'


def _controls() -> str:
    """Buttons, which only a script can use, and so only a script shows."""
    buttons = (
        ("first", "|◂", "First step"),
        ("back", "◂", "Step back"),
        ("play", "▸ play", "Play"),
        ("next", "▸", "Next step"),
        ("last", "▸|", "Last step"),
    )
    made = "".join(
        f'<button type="button" data-go="{go}" aria-label="{label}" title="{label}">{sign}</button>'
        for go, sign, label in buttons
    )
    return (
        f'<div class="controls" role="group" aria-label="Steps" hidden>{made}<span class="place"></span>'
        '<span class="hint">or the arrow keys</span></div>'
    )


def _summary(trace: Trace) -> str:
    """What can be counted, in a line."""
    counted = trace.counts
    system = "system calls inside C" if counted.system is None else _many(counted.system, "system call")
    return " · ".join(
        (
            _many(len(trace.steps), "step"),
            _many(counted.callbacks, "call") + " by the loop",
            _many(counted.woken, "task") + " woken",
            system,
            _many(counted.python, "call") + " of Python",
        )
    )


def _many(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


def _key(traces: Sequence[Trace]) -> str:
    """How to read a drawing."""
    way = '<path class="line" d="M1 9H31"/><path class="arrow" d="M37 9l-6-3.6v7.2z"/>'
    dot = '<circle class="disc" cx="19" cy="9" r="8"/>'
    three = '<text class="number" x="19" y="9" dy=".36em" font-size="9">3</text>'
    marks = [
        (_sample(dot + three, "streams"), "a step, in its order, on the lane of its tier"),
        (
            _sample('<rect class="bar" x="2" y="1.5" width="34" height="15" rx="7.5"/>', "streams"),
            "all that happens inside of the step it begins at",
        ),
        (
            _sample('<rect class="band" x="2" y="0" width="34" height="18" rx="4"/>'),
            "all that happens in one call by the loop",
        ),
        (_sample(f'<g class="way">{way}</g>'), "leads to the next step within the same call by the loop"),
        (
            _sample(f'<g class="way later">{way}</g>'),
            "the next step comes later, when the loop or the client gets to it",
        ),
    ]
    if any(step.in_c for trace in traces for step in trace.steps):
        box = '<rect class="inside" x="2" y="1" width="34" height="16" rx="4"/>'
        marks.append((_sample(box), "inside C: the loop, its transports and the kernel at work, where nothing is seen"))
    marks.append((_sample(dot, "waiting"), "purple: what it takes to wait, which are futures, tasks and coroutines"))
    items = "\n".join(f"<li>{drawn}{words}</li>" for drawn, words in marks)
    return f'<section class="key" aria-label="How to read it">\n<ul class="legend">\n{items}\n</ul>\n</section>'


def _sample(drawn: str, hue: str = "ink") -> str:
    return f'<svg class="sample hue-{hue}" width="38" height="18" aria-hidden="true">{drawn}</svg>'


def _listed(traces: Sequence[Trace]) -> str:
    """Which layers on which loops."""
    layers, loops = (list(dict.fromkeys(each)) for each in zip(*((t.layer, t.loop) for t in traces), strict=True))
    if len(traces) == len(layers) * len(loops):
        return f"{_and(layers)} on {_and(loops)}"
    return _and([trace.label for trace in traces])


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _when(text: str) -> str:
    """A time in UTC as people write it; what is no time stays as it is."""
    try:
        return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return text


def _hash(text: str) -> str:
    """As a content security policy names a script or a style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _file(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")
