"""What every form of a report says in words: what was measured, when, where, and how the answer was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from .. import numbers, stats
from .. import summary as s
from ..results import Result
from ..summary import Summary

#: Facts of the machine that go into one line, where they are known.
SHORT = ("cpu", "kernel", "python", "uvloop")

INDICATIVE = "indicative only: a quick run"


def title(result: Result) -> str:
    """What was measured."""
    found = list(dict.fromkeys(series.workload.scenario for series in result.series))
    return f"netkit bench: {', '.join(found)}" if found else "netkit bench"


def when(result: Result) -> str:
    """When the run was started: ``25 November 2026, 08:31 UTC+01:00``."""
    try:
        started = datetime.fromisoformat(result.started)
    except ValueError:
        return result.started
    return f"{started.day} {started:%B %Y, %H:%M %Z}".rstrip()


def caveats(result: Result) -> list[str]:
    """What must be known before anything is believed."""
    said = [INDICATIVE] if result.quick else []
    if not result.finished:
        kept, planned = (sum(each) for each in ([len(one.kept) for one in result.series], _planned(result)))
        said.append(f"interrupted: {kept} of {planned} rounds")
    return said


def rounds(summary: Summary) -> str:
    """How many rounds of a workload there are."""
    spoilt = f", {len(summary.spoilt)} spoilt" if summary.spoilt else ""
    of = f" of {summary.series.planned}" if summary.rounds < summary.series.planned else ""
    return f"{summary.rounds}{of} rounds{spoilt}" if summary.rounds != 1 or of else f"1 round{spoilt}"


def floor(summary: Summary) -> str:
    """Which differences cannot be told, and why."""
    band = f"±{numbers.share(max(s.LEAST, summary.floor))}"
    if summary.control is None:
        return f"{band}; the baseline was not held against itself"
    return f"{band}; the baseline against itself: ±{numbers.share(summary.floor)}"


def machine_line(result: Result) -> str:
    """The machine in one line."""
    known = dict(facts(result.machine))
    words = [f"{name} {known[name]}" if name == "uvloop" else known[name] for name in SHORT if name in known]
    if "cores" in known:
        used = f" ({known['cores used']})" if "cores used" in known else ""
        words.insert(1, f"{known['cores']} cores{used}")
    return ", ".join(words) or "not known"


def facts(machine: dict[str, Any]) -> list[tuple[str, str]]:
    """Every fact of the machine, its name in words and its value as text."""
    return [(name.removesuffix("_gib").replace("_", " "), _fact(name, value)) for name, value in machine.items()]


def _fact(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_fact(key, each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_fact(name, each) for each in value)
    if value is None or isinstance(value, bool):
        return {None: "not known", True: "yes", False: "no"}[value]
    if name.endswith("_gib"):
        return f"{value} GiB"
    return f"{value:,}" if isinstance(value, int) else str(value)


def spoilt(summaries: Iterable[Summary]) -> str:
    """How many rounds do not count, and why not."""
    found = list(summaries)
    reasons = Counter(each.spoilt.partition(":")[0] for summary in found for each in summary.spoilt)
    total = sum(len(each.series.rounds) for each in found)
    if not reasons:
        return f"None of the {total} rounds was spoilt."
    why = "; ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
    return (
        f"Of {total} rounds, {sum(reasons.values())} did not count, for any server. Why, and how often: {why}. "
        "The raw values, and by how much, are in the result file."
    )


def method(result: Result, summaries: list[Summary]) -> list[tuple[str, str]]:
    """How the answer was found: headings, and a paragraph for each."""
    comparisons = sum(each.metric.name in cell.ratios for each in summaries for cell in each.cells)
    return [
        (
            "Rounds",
            "A round starts every server afresh, each with a load of its own. Then they take turns, a slice of time "
            "each in random order, pass after pass; a pass in which the machine changed its speed is left out for all. "
            "The round is the unit of everything below: a million messages to one process are one observation of it.",
        ),
        (
            "A/A",
            "The baseline takes part twice. Two identical servers differ only by noise: the farther end of the "
            "interval of their ratio is the noise floor.",
        ),
        (
            "Ratios",
            "Servers are compared within each round, by the logarithm of their ratio, and the mean of the logarithms "
            "is the estimate.",
        ),
        (
            "Intervals",
            f"95 %. Of a figure: the median over the rounds, by {stats.RESAMPLES:,} bootstrap resamples (BCa). Of a "
            f"ratio: the wider of that and Student's t. Seed {result.seed}.",
        ),
        (
            "Test",
            "An exact sign-flip test: how many of all ways to swap the two servers within rounds give as large a "
            f"difference. Its p is corrected by Holm's method for the {comparisons} comparisons of the run.",
        ),
        (
            "Claims",
            f"A difference is claimed where the interval excludes 1, it exceeds both {numbers.share(s.LEAST)} and the "
            f"noise floor, p after Holm is below {s.ALPHA:g}, and there are {s.LEAST_ROUNDS} rounds or more. Where the "
            "load was the limit, nothing is ranked.",
        ),
        ("Latency", "Histograms are added over the rounds and percentiles read from the sum; they are never averaged."),
        ("Spoilt rounds", spoilt(summaries)),
    ]


def _planned(result: Result) -> list[int]:
    return [max(each.planned, len(each.kept)) for each in result.series]
