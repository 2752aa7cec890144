"""The end of a run on a terminal, or in a pipe: a table for each workload, and the verdicts."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from . import verdict
from .metrics import Metric
from .report import about, tables
from .results import Result
from .summary import Cell, Summary

#: What is shown beside the figure that is ranked by, where a workload has it and the terminal has room.
BESIDE = ("rate", "p50", "p99", "before_p99", "growth", "used", "left", "last_p50", "switches", "memory")

#: Columns of a pipe, which has none of its own.
WIDE = 160


def show(result: Result, summaries: list[Summary], console: Console) -> None:
    """Print what can be said of a result until now, see ``summary.summarise``."""
    if not summaries:
        console.print("no round was finished", style="bold")
    for caveat in about.caveats(result):
        console.print(Text(caveat, style="bold yellow"))
    for summary in summaries:
        console.print()
        console.print(table(summary))
        console.print(Text(f"{about.rounds(summary)}; cannot be told: {about.floor(summary)}", style="dim"))
    console.print()
    for summary in summaries:
        for line in verdict.sentences(summary):
            console.print(Text(line), soft_wrap=True)


def table(summary: Summary) -> Table:
    """The figures of one workload."""
    made = Table(title=Text(summary.workload.title, style="bold"), title_justify="left", box=None, pad_edge=False)
    beside = [metric for metric in tables.columns(summary)[1:] if metric.name in BESIDE]
    made.add_column("server", no_wrap=True)
    made.add_column(f"{summary.metric.label}, 95 % CI", justify="right", no_wrap=True)
    made.add_column("of the baseline", justify="right", no_wrap=True)
    for metric in beside:
        made.add_column(metric.label, justify="right", no_wrap=True)
    made.add_column("limit", overflow="fold")
    for cell in tables.rows(summary):
        made.add_row(*map(Text, _row(summary, cell, beside)), style="" if cell.ranked else "dim")
    return made


def _row(summary: Summary, cell: Cell, beside: Iterable[Metric]) -> list[str]:
    figures = [tables.entry(cell, metric) for metric in beside]
    if cell.failed:
        return [cell.arm.label, "FAILED", "", *("" for _ in figures), cell.failed]
    ranked = tables.entry(cell, summary.metric)
    ratio = "baseline" if cell is summary.baseline else ranked.ratio or tables.NOTHING
    shown = [tables.NOTHING if each.weak else each.value for each in figures]
    notes = [cell.limit.stamp, *cell.notes]
    return [
        cell.arm.label,
        f"{ranked.value} ({ranked.ends})" if ranked.ends else ranked.value,
        ratio,
        *shown,
        "; ".join(notes),
    ]
