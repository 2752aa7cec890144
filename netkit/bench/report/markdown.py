"""A report as Markdown, to be pasted into a pull request: the verdicts, a table for each workload, method, machine."""

from __future__ import annotations

import re

from .. import numbers, verdict
from .. import summary as s
from ..results import Result
from ..summary import Cell, Summary
from . import about, tables

#: What GitHub would take for more than text: markup, HTML, the border of a cell, and names and links of its own.
SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~#@&])")

#: Where a URL in plain text would become a link.
LINK = re.compile(r"(https?)://|(www)\.", re.IGNORECASE)


def text(result: Result, summaries: list[Summary]) -> str:
    """The whole report.

    Args:
        result: what was measured.
        summaries: what can be said of it, see ``summary.summarise``.
    """
    parts = [f"## {escape(about.title(result))}", _heading(result)]
    parts += [part for summary in summaries for part in _workload(summary)]
    if not summaries:
        parts.append("No round was finished.")
    parts += [_method(result), f"Machine: {escape(about.machine_line(result))}."]
    return "\n\n".join(parts) + "\n"


def escape(said: str) -> str:
    """Text that stays text, on one line."""
    flat = SPECIAL.sub(r"\\\1", " ".join(said.split()))
    return LINK.sub(lambda found: f"{found[1]}:\u200b//" if found[1] else f"{found[2]}\u200b.", flat)


def _heading(result: Result) -> str:
    words = [about.when(result), f"netkit {result.netkit}"]
    caveats = [f"**{escape(each)}**" for each in about.caveats(result)]
    return ", ".join([*map(escape, words), *caveats]) + "."


def _workload(summary: Summary) -> list[str]:
    heading = f"### {escape(summary.workload.title)}"
    said = [f"- {escape(line)}" for line in verdict.sentences(summary)]
    words = f"{escape(about.rounds(summary))}; cannot be told: {about.floor(summary)}."
    return [part for part in (heading, "\n".join(said), _table(summary), words) if part]


def _table(summary: Summary) -> str:
    columns = tables.columns(summary)
    ratio = f"{summary.metric.label}, of {summary.baseline.arm.label}"
    heads = ["server", summary.metric.label, ratio, "p (Holm)", *(each.label for each in columns[1:]), "limit"]
    lines = [_line(_escaped(heads)), _line(["---", *["---:"] * (len(heads) - 2), "---"])]
    lines += [_line(_escaped(_row(summary, cell))) for cell in tables.rows(summary)]
    return "\n".join(lines)


def _escaped(texts: list[str]) -> list[str]:
    return [escape(each) for each in texts]


def _row(summary: Summary, cell: Cell) -> list[str]:
    columns = tables.columns(summary)
    if cell.failed:
        return [cell.arm.label, *[tables.NOTHING] * (len(columns) + 2), f"failed: {cell.failed}"]
    ranked = tables.entry(cell, summary.metric)
    is_base = cell is summary.baseline
    row = [cell.arm.label, f"{ranked.value} ({ranked.ends})" if ranked.ends else ranked.value]
    row += ["baseline" if is_base else ranked.ratio or tables.NOTHING, tables.p_value(summary, cell)]
    for metric in columns[1:]:
        found = tables.entry(cell, metric)
        row.append(tables.NOTHING if found.weak else found.value)
    notes = [f"{cell.limit.stamp}: {cell.limit.why}", *cell.notes]
    return [*row, "; ".join(notes if cell.ranked else ["not ranked", *notes])]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _method(result: Result) -> str:
    return (
        "Every round starts each server afresh, in random order; figures are medians over the rounds, and ratios "
        f"are taken within each round, both with 95 % intervals (seed {result.seed}). A difference is claimed only "
        f"where its interval excludes 1, it exceeds {numbers.share(s.LEAST)} and what the baseline differs from a "
        f"second copy of itself, and an exact sign-flip test holds after Holm's correction (p < {s.ALPHA:g})."
    )
