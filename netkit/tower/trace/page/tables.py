"""The tables of the page: what can be counted, and every step in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..lanes import LANES, NAMES
from ..model import CLIENT, Step, Trace
from ..text import COUNTED
from .text import escape
from .theme import HUES

#: What stands where nothing can be counted.
UNSEEN = "inside C"

#: In pixels: a block, the space after it, and what a row of them may take.
BLOCK, SPACE, MOST = 6, 1.5, 96


def counts(traces: Sequence[Trace]) -> str:
    """What each trace takes: its steps, tier by tier as in the drawing, and what else was counted."""
    head = "".join(f'<th scope="col">{escape(trace.label)}</th>' for trace in traces)
    rows = "\n".join([*_tier_rows(traces), *_count_rows(traces)])
    return f'<table>\n<thead><tr><th scope="col">what</th>{head}</tr></thead>\n{rows}\n</table>'


def _tier_rows(traces: Sequence[Trace]) -> Iterator[str]:
    tiers = [trace.by_tier() for trace in traces]
    most = max((count for each in tiers for count in each.values()), default=1)
    total = "".join(f'<td class="sum">{sum(each.values())}</td>' for each in tiers)
    yield f'<tbody class="sums"><tr><th scope="row">steps of the server</th>{total}</tr></tbody>\n<tbody>'
    for tier in LANES:
        if any(tier in each for each in tiers):
            number = f"{tier} " if 0 < tier < 10 else ""
            cells = "".join(f"<td>{_blocks(each.get(tier, 0), most, tier)}</td>" for each in tiers)
            yield f'<tr><th scope="row" class="hue-{HUES[tier]}"><b>{number}</b>{NAMES[tier]}</th>{cells}</tr>'
    yield "</tbody>"


def _blocks(count: int, most: int, tier: int) -> str:
    """A number, and as many blocks; narrower ones where the row would become too long."""
    each = min(BLOCK + SPACE, MOST / most)
    block = round(each * BLOCK / (BLOCK + SPACE), 2)
    drawn = "".join(f'<rect x="{number * each:.1f}" width="{block}" height="9"/>' for number in range(count))
    wide = round(most * each)
    return (
        f'<span class="many">{count}</span>'
        f'<svg class="blocks hue-{HUES[tier]}" width="{wide}" height="9" aria-hidden="true">{drawn}</svg>'
    )


def _count_rows(traces: Sequence[Trace]) -> Iterator[str]:
    yield "<tbody>"
    for words, count in COUNTED:
        cells = "".join(f"<td>{_counted(count(trace.counts))}</td>" for trace in traces)
        yield f'<tr><th scope="row">{words}</th>{cells}</tr>'
    yield "</tbody>"


def _counted(value: int | None) -> str:
    return f'<span class="unseen">{UNSEEN}</span>' if value is None else _figure(value)


def _figure(value: int) -> str:
    """With a narrow space between thousands."""
    return f"{value:,}".replace(",", "\u202f")


def steps(trace: Trace, name: str) -> str:
    """Every step in words, in order; rows are named after the drawing."""
    rows = "\n".join(_step_row(step, number, name) for number, step in enumerate(trace.steps, 1))
    head = "".join(
        f'<th scope="col"{kind}>{words}</th>'
        for words, kind in (
            ("step", FIGURE),
            ("call by the loop", FIGURE),
            ("tier", ""),
            ("what happens", ""),
            ("what is called", ""),
            ("where", ""),
            ("depth", FIGURE),
            ("at, µs", FIGURE),
            ("took, µs", FIGURE),
            ("bytes", FIGURE),
        )
    )
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"


FIGURE = ' class="figure"'

#: A step is indented by its depth, up to this.
DEEPEST = 8


def _step_row(step: Step, number: int, name: str) -> str:
    tier = f"<b>{step.tier}</b> " if 0 < step.tier < 10 else ""
    inside = f' <span class="badge">{UNSEEN}</span>' if step.in_c and not step.text.startswith(UNSEEN) else ""
    took = f"{step.took:.1f}" if step.took else ""
    size = _figure(step.size) if step.size is not None else ""
    depth = "" if step.tier == CLIENT else step.depth
    return (
        f'<tr id="{name}-{number}"><th scope="row" class="figure">{number}</th>'
        f'<td class="figure">{step.turn or ""}</td>'
        f'<td class="lane hue-{HUES[step.tier]}">{tier}{NAMES[step.tier]}</td>'
        f'<td class="what d{min(step.depth, DEEPEST)}">{escape(step.text)}{inside}</td>'
        f"<td><code>{escape(step.api)}</code></td><td><code>{escape(step.where)}</code></td>"
        f'<td class="figure">{depth}</td>'
        f'<td class="figure">{step.at:.1f}</td><td class="figure">{took}</td><td class="figure">{size}</td></tr>'
    )
