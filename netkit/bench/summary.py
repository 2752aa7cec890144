"""Figures, ratios and differences, computed from the raw values of a result.

A difference is claimed only when its interval excludes 1, it is larger than both ``LEAST`` and the noise floor, and its
exact test holds after Holm's correction for all comparisons of the run. The noise floor is the farther end of the
interval of the baseline's second copy: the largest difference between two identical servers that the run leaves room
for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from . import limits, metrics, stats
from .arms import CONTROL, Arm
from .limits import Limit
from .metrics import Metric
from .results import Result, Round, Series
from .scenario import Workload
from .stats import Interval

#: Differences below this share are not worth a word, however sure they are.
LEAST = 0.03

#: With fewer rounds no exact test can reach 0.05: 2 * 2**-6 is 0.031.
LEAST_ROUNDS = 6

ALPHA = 0.05

#: What a cell says of an arm against the baseline.
LESS, MORE, NONE, UNKNOWN, BASELINE, FAILED = "less", "more", "none told", "cannot tell", "baseline", "failed"

#: The figure that a workload is ranked by: the first of these that every arm has.
RANKED_BY = {
    "idle": ("idle",),
    "stalled": ("during_p99",),
    "capacity": ("capacity",),
}
ELSE_RANKED_BY = ("cpu", "p99")


@dataclass(slots=True)
class Cell:
    """One arm in one workload, over all rounds that count.

    Attributes:
        arm: the server.
        failed: why it has no figures; empty if it has.
        values: the median over the rounds with its interval, by the name of the metric.
        ratios: to the baseline, paired by round, by the name of the metric.
        p: of the exact test on the metric that is ranked by; 1 where there is none.
        adjusted: the same after Holm's correction over the whole run.
        limit: whose limit the cell shows.
        difference: ``LESS``, ``MORE``, ``NONE``, ``UNKNOWN``, ``BASELINE`` or ``FAILED``.
        notes: what else must be said of it.
    """

    arm: Arm
    failed: str = ""
    values: dict[str, Interval] = field(default_factory=dict)
    ratios: dict[str, Interval] = field(default_factory=dict)
    p: float = 1.0
    adjusted: float = 1.0
    limit: Limit = field(default_factory=lambda: Limit(limits.NEITHER, ""))
    difference: str = UNKNOWN
    notes: list[str] = field(default_factory=list)

    @property
    def ranked(self) -> bool:
        """Whether it takes part in the ranking."""
        return not self.failed and self.limit.ranked


@dataclass(slots=True)
class Summary:
    """One workload of a run.

    Attributes:
        series: the raw values.
        metric: the figure that is ranked by.
        cells: one for each arm, in the order of the run.
        control: the ratio of the baseline's second copy to the baseline; None where there is none.
        quick: whether all of this is only indicative.
    """

    series: Series
    metric: Metric
    cells: list[Cell]
    control: Interval | None
    quick: bool

    @property
    def workload(self) -> Workload:
        """What was measured."""
        return self.series.workload

    @property
    def floor(self) -> float:
        """The noise floor as a share: 0.03 is 3 %."""
        return max(self.control.high - 1, 1 - self.control.low) if self.control is not None else 0.0

    @property
    def rounds(self) -> int:
        """How many rounds count."""
        return len(self.series.kept)

    @property
    def spoilt(self) -> list[Round]:
        """The rounds that do not."""
        return [each for each in self.series.rounds if each.spoilt]

    @property
    def baseline(self) -> Cell:
        """What the others are held against."""
        return next(cell for cell in self.cells if cell.arm.name == self.series.baseline)

    @property
    def ranking(self) -> list[Cell]:
        """The cells that take part in it, the best first."""
        have = [cell for cell in self.cells if cell.ranked and self.metric.name in cell.values]
        best = -1.0 if self.metric.higher_is_better else 1.0
        return sorted(have, key=lambda cell: best * cell.values[self.metric.name].estimate)

    def cell(self, name: str) -> Cell:
        """The cell of an arm.

        Raises:
            KeyError: it is not there.
        """
        for cell in self.cells:
            if cell.arm.name == name:
                return cell
        raise KeyError(name)


def summarise(result: Result) -> list[Summary]:
    """Everything that can be said of a run, one value for each workload that has a round."""
    found = [_summary(series, result) for series in result.series if series.rounds]
    compared = [cell for each in found for cell in each.cells if each.metric.name in cell.ratios]
    for cell, adjusted in zip(compared, stats.holm([cell.p for cell in compared]), strict=True):
        cell.adjusted = adjusted
    for each in found:
        for cell in each.cells:
            cell.difference = _difference(each, cell)
    return found


def values(series: Series, arm: str, metric: str) -> list[float]:
    """What an arm gave in each round that counts, for a metric that it has in all of them; else nothing."""
    held = [each.samples[arm].figures.get(metric) for each in series.kept if arm in each.samples]
    known = [value for value in held if value is not None]
    return known if len(known) == len(series.kept) else []


def ranked_by(series: Series) -> Metric:
    """The figure that a workload is ranked by."""
    names = RANKED_BY.get(series.workload.kind, ELSE_RANKED_BY)
    whole = [arm.name for arm in series.arms if not failure(series, arm.name)]
    for name in names:
        if whole and all(values(series, arm, name) for arm in whole):
            return metrics.BY_NAME[name]
    return metrics.BY_NAME[names[0]]


def failure(series: Series, arm: str, *, needed: bool = True) -> str:
    """Why an arm has no figures: it failed in a round, whether that counts or not, or is missing though needed."""
    failed = [each.samples[arm].failed for each in series.rounds if arm in each.samples and each.samples[arm].failed]
    if failed:
        return f"{failed[0]} ({len(failed)} of {len(series.rounds)} rounds)"
    missing = [each for each in series.kept if arm not in each.samples]
    return f"it is missing from {len(missing)} of {len(series.kept)} rounds" if missing and needed else ""


def _summary(series: Series, result: Result) -> Summary:
    metric = ranked_by(series)
    cells = [_cell(series, arm, metric, result.seed) for arm in series.arms]
    control = _ratio(series, CONTROL, metric.name, result.seed)
    return Summary(series, metric, cells, control, result.quick)


def _cell(series: Series, arm: Arm, metric: Metric, seed: int) -> Cell:
    cell = Cell(arm, failed=failure(series, arm.name))
    if arm.name == series.baseline and not cell.failed and (copy := failure(series, CONTROL, needed=False)):
        cell.failed = f"its second copy: {copy}"
    if cell.failed or not series.kept:
        return cell
    for each in metrics.ALL:
        if held := values(series, arm.name, each.name):
            cell.values[each.name] = _interval(held, seed)
    samples = [each.samples[arm.name] for each in series.kept]
    cell.limit = limits.stamp(series.workload, samples, series.ceiling.get("rate", 0.0))
    if arm.target:
        cell.notes.append("its CPU and memory are not known: it runs already")
    cell.notes += _notes(series, arm.name)
    if arm.name == series.baseline:
        return cell
    for name in (metric.name, "p99", "memory"):
        interval = _ratio(series, arm.name, name, seed)
        if interval is not None:
            cell.ratios[name] = interval
    if metric.name in cell.ratios:
        pair = values(series, arm.name, metric.name), values(series, series.baseline, metric.name)
        cell.p = stats.sign_flip(*pair)
    return cell


def _interval(held: list[float], seed: int) -> Interval:
    """The median with its interval; one round has none, and both ends are its value."""
    return stats.median_interval(held, seed) if len(held) > 1 else Interval(held[0], held[0], held[0])


def _ratio(series: Series, arm: str, metric: str, seed: int) -> Interval | None:
    """The paired ratio of an arm to the baseline; None where there is none to tell."""
    ours, theirs = values(series, arm, metric), values(series, series.baseline, metric)
    if failure(series, arm) or failure(series, series.baseline) or len(ours) != len(theirs) or len(ours) < 2:
        return None
    if min(*ours, *theirs) <= 0:
        return None  # nothing was left behind, say: there is no ratio to nothing
    return stats.ratio(ours, theirs, seed)


def _notes(series: Series, arm: str) -> list[str]:
    notes = [note] if (note := limits.inconsistent(series, arm)) else []
    halves = [(each.samples[arm].observed.get(name, 0.0) for name in ("early", "late")) for each in series.kept]
    early, late = (list(values) for values in zip(*halves, strict=True))
    if len(early) >= LEAST_ROUNDS and min(*early, *late) > 0:
        drift = stats.t_ratio(late, early)
        if drift.excludes(1.0) and abs(drift.estimate - 1) > LEAST:
            notes.append(f"its second half cost {drift.estimate:.2f} of the first: give it a longer --warmup")
    return notes


def _difference(summary: Summary, cell: Cell) -> str:
    if cell.failed:
        return FAILED
    if cell.arm.name == summary.series.baseline:
        return BASELINE
    ratio = cell.ratios.get(summary.metric.name)
    if ratio is None or summary.control is None or summary.rounds < LEAST_ROUNDS:
        return UNKNOWN
    if not cell.ranked or not summary.baseline.ranked:
        return UNKNOWN
    # A quick run has too few rounds for Holm; it is called indicative wherever it is shown.
    sure = ratio.excludes(1.0) and (summary.quick or cell.adjusted < ALPHA)
    if not sure or abs(ratio.estimate - 1) <= max(LEAST, summary.floor):
        return NONE
    return LESS if ratio.estimate < 1 else MORE


def to_dict(summaries: Iterable[Summary]) -> list[dict[str, Any]]:
    """As it stands in a result file, for programs that want no arithmetic."""

    def interval(value: Interval) -> dict[str, float]:
        return {"estimate": value.estimate, "low": value.low, "high": value.high}

    return [
        {
            "workload": each.workload.key,
            "title": each.workload.title,
            "ranked_by": each.metric.name,
            "baseline": each.series.baseline,
            "rounds": each.rounds,
            "spoilt": len(each.spoilt),
            "floor": each.floor,
            "cells": [
                {
                    "arm": cell.arm.name,
                    "failed": cell.failed,
                    "values": {name: interval(value) for name, value in cell.values.items()},
                    "ratios": {name: interval(value) for name, value in cell.ratios.items()},
                    "p": cell.p,
                    "p_holm": cell.adjusted,
                    "limit": cell.limit.stamp,
                    "why": cell.limit.why,
                    "ranked": cell.ranked,
                    "difference": cell.difference,
                    "notes": cell.notes,
                }
                for cell in each.cells
            ],
        }
        for each in summaries
    ]
