"""The figures of a workload in rows and columns, as text: what the page and the Markdown put into their tables."""

from __future__ import annotations

from dataclasses import dataclass

from .. import limits, metrics, numbers
from ..metrics import Metric
from ..summary import FAILED, Cell, Summary

NOTHING = "-"


@dataclass(frozen=True, slots=True)
class Entry:
    """One figure of one server.

    Attributes:
        value: with its unit; ``NOTHING`` where there is none.
        ends: of its interval.
        ratio: to the baseline, with its interval; empty where there is none.
        weak: why the figure says nothing about the server; empty if it does.
    """

    value: str
    ends: str = ""
    ratio: str = ""
    weak: str = ""


def columns(summary: Summary) -> list[Metric]:
    """The metrics that a workload has, the one that is ranked by first."""
    held = [each for each in metrics.ALL if any(each.name in cell.values for cell in summary.cells)]
    return sorted(held, key=lambda each: each.name != summary.metric.name)


def rows(summary: Summary) -> list[Cell]:
    """The cells in the order of a table: as ranked, then what is not ranked, then what failed."""
    ranking = summary.ranking
    rest = [cell for cell in summary.cells if cell not in ranking]
    return [*ranking, *sorted(rest, key=lambda cell: bool(cell.failed))]


def entry(cell: Cell, metric: Metric) -> Entry:
    """One figure."""
    if metric.name not in cell.values:
        return Entry(NOTHING)
    value, ends = numbers.parts(metric, cell.values[metric.name])
    ratio = cell.ratios.get(metric.name)
    weak = "the server was not the limit" if metric.name == "rate" and cell.limit.stamp != limits.SERVER else ""
    return Entry(value, ends, numbers.times_with_interval(ratio) if ratio is not None else "", weak)


def p_value(summary: Summary, cell: Cell) -> str:
    """The p-value after Holm's correction, where there is a test."""
    return numbers.p_value(cell.adjusted) if summary.metric.name in cell.ratios else NOTHING


def outcome(cell: Cell) -> str:
    """What is said of a cell against the baseline."""
    return cell.difference if cell.ranked or cell.difference == FAILED else "not ranked"
