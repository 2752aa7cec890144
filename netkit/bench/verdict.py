"""The answer in plain sentences: what costs what, how sure that is, and what could not be told."""

from __future__ import annotations

from . import numbers
from . import summary as s
from .scenario import Workload, size_text
from .summary import Cell, Summary

INDICATIVE = "indicative: "


def sentences(summary: Summary) -> list[str]:
    """What can be said of one workload, a sentence for each arm but the baseline, and what spoils it."""
    said = [line for line in (_sentence(summary, cell) for cell in summary.cells) if line]
    if summary.rounds < s.LEAST_ROUNDS and any(not cell.failed for cell in summary.cells):
        said.append(f"no difference can be told from {_rounds(summary.rounds)}: {s.LEAST_ROUNDS} are the least")
    if summary.quick:
        said = [INDICATIVE + line for line in said]
    return said


def failed(summaries: list[Summary]) -> list[str]:
    """The cells without figures, each with its reason. A run with any of them has failed."""
    return [
        f"{each.workload.title}: {cell.arm.label}: {cell.failed}"
        for each in summaries
        for cell in each.cells
        if cell.failed
    ]


def _sentence(summary: Summary, cell: Cell) -> str:
    name, base = cell.arm.label, summary.baseline.arm.label
    if cell.failed:
        return f"{name} failed: {cell.failed}"
    if not cell.ranked:
        return f"{name} is not ranked: the load was the limit ({cell.limit.why})"
    match cell.difference:
        case s.LESS | s.MORE:
            ratio = cell.ratios[summary.metric.name]
            sure = f"95 % CI {numbers.times(ratio.low)} to {numbers.times(ratio.high)}, {_rounds(summary.rounds)}"
            return f"{name} {_costs(summary, ratio.estimate, base)} ({sure})"
        case s.NONE if _uncorrected(summary, cell):
            return (
                f"no difference could be told between {name} and {base}: {_rounds(summary.rounds)} are too few "
                f"for so many comparisons (p {cell.adjusted:.2f} after Holm)"
            )
        case s.NONE:
            return f"no difference could be told between {name} and {base} (noise floor {_percent(summary)})"
    return ""


def _uncorrected(summary: Summary, cell: Cell) -> bool:
    """Whether it is only the number of comparisons that leaves no difference."""
    ratio = cell.ratios[summary.metric.name]
    large = abs(ratio.estimate - 1) > max(s.LEAST, summary.floor)
    return large and ratio.excludes(1.0) and cell.p < s.ALPHA <= cell.adjusted


def _costs(summary: Summary, ratio: float, base: str) -> str:
    """The middle of a sentence: ``costs 0.41 of the CPU of streams on asyncio per 1 KiB echo``."""
    workload = summary.workload
    of = f"{numbers.times(ratio)} {'of' if ratio < 1 else 'times'}"
    match summary.metric.name:
        case "cpu":
            return f"costs {of} the CPU of {base} per {one(workload)}"
        case "idle":
            return f"holds {of} the memory of {base} per idle connection"
        case "capacity":
            return f"keeps its p99 within {workload.p99:g} ms up to {of} the rate of {base}"
        case "during_p99":
            return f"has {of} the p99 of {base} while one client does not read"
    return f"has {of} the p99 of {base} per {one(workload)}"


def one(workload: Workload) -> str:
    """What a message is: ``1 KiB echo``, ``delivery of a 64 B line``."""
    tls = " over TLS" if workload.tls else ""
    if workload.kind == "churn":
        return f"connection with one {size_text(workload.size)} echo{tls}"
    if workload.lines:
        return f"delivery of a {size_text(workload.size)} line{tls}"
    return f"{size_text(workload.size)} echo{tls}"


def _percent(summary: Summary) -> str:
    return f"{max(s.LEAST, summary.floor):.1%}".replace(".0%", "%").replace("%", " %")


def _rounds(count: int) -> str:
    return "1 round" if count == 1 else f"{count} rounds"
