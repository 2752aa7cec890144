"""Two runs held against each other: what got dearer, what got cheaper, and what cannot be told.

Rule 1: runs of different sessions meet only in ratios. A *change* is an arm's ratio to its own run's baseline in the
    new run, over the same ratio in the old one. What makes the whole machine slower or faster leaves it alone.
Rule 2: the round is the unit. The means of the two sets of log ratios are compared by Welch's t, since neither number
    nor spread need be the same (Welch 1947). Its p and its interval never contradict each other. The exact test of a
    run cannot be had: rounds of two sessions are not interchangeable. Holm's correction goes over all changes.
Rule 3: the *threshold* is 3 %, or what ``--fail-over`` asks for. The *bar* is the threshold, or the higher of the two
    noise floors where that is more. A change is counted as a share of the old figure, ``|change - 1|``.
Rule 4: a regression is told when the interval excludes 1 on the bad side, holds after Holm, and lies beyond the bar.
    An improvement likewise, on the good side.
Rule 5: none of these is ever a pass; each is "cannot tell":
    a. an arm or a workload of the old run that is missing from the new one, or that was measured in another way;
    b. another baseline, or no second copy of it, without which there is no noise floor;
    c. fewer than 6 rounds that count in either run;
    d. a cell that failed, has no figure above 0 in some round, or had the load for its limit, in either run, its
       own or the baseline's;
    e. an estimate that is beyond the threshold on the bad side and is no regression by rule 4;
    f. an interval that is too wide: its half-width is above the threshold, and its bad end lies beyond it.
Rule 6: everything else is "no regression". By 5e and 5f a true change of twice the threshold passes in at most one
    of 40 comparisons: its estimate would have to lie farther from it than the interval reaches. And a run without
    a change passes under ordinary noise: with 5 arms, 10 rounds and ratios that spread by 2 % from round to round,
    298 of 300 simulated comparisons did. At a spread of 3 % one of four is too wide, at 6 rounds half of those of
    2 %: more rounds, or a threshold of 5 %, are the cure.
Rule 7: a regression outranks what cannot be told; both are said.

The baseline itself cannot be seen by ratios. Its own change is told beside them, with the speed of the machine taken
out by the probes of each round; it is information, and decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import fmean, median, variance
from typing import Any

from . import limits, stats
from .arms import CONTROL, Arm
from .metrics import Metric
from .results import Result, Series
from .scenario import Workload
from .stats import Interval
from .summary import ALPHA, LEAST, LEAST_ROUNDS, Summary, failure, ranked_by, values

FORMAT, VERSION = "netkit-compare", 1

REGRESSION, IMPROVEMENT, NONE, UNKNOWN = "regression", "improvement", "no regression", "cannot tell"

#: Exit codes; 2 is a wrong question, here as everywhere.
CODES = {NONE: 0, REGRESSION: 1, UNKNOWN: 3}

#: What two workloads of one key must have in common. What is not here, such as the seconds, makes only for noise.
ALIKE = ("kind", "service", "tls", "size", "conns", "depth", "arrival", "senders", "p99")

#: Share by which offered rates may differ: where no rate was given each run finds its own.
RATES = 0.10

#: Share by which the baseline itself may change before somebody should look.
BASELINE_MOVED = 0.10

#: Facts of the machine across which CPU times mean nothing, and those that may change them.
REFUSED = ("cpu", "cores", "accounting")
WARNED = ("kernel", "python", "uvloop", "netkit", "governor", "hypervisor", "cores used")

#: Steps of Simpson's rule: 7 digits of an interval's ends, for the 5 degrees of freedom and more that 6 rounds give.
STEPS = 100


@dataclass(slots=True)
class Change:
    """What became of one arm in one workload.

    Attributes:
        workload: of the old run.
        arm: of the old run.
        metric: the figure that the old run ranks it by.
        ratios: to the baseline, in the old run and in the new one; empty where there are none.
        change: the second over the first, with its interval; None where there is none.
        floors: the noise floors of the old run and of the new one.
        p: of Welch's test.
        p_holm: the same after Holm's correction.
        verdict: ``REGRESSION``, ``IMPROVEMENT``, ``NONE`` or ``UNKNOWN``.
        why: the reason, where it cannot be told.
    """

    workload: Workload
    arm: Arm
    metric: Metric
    ratios: tuple[float, ...] = ()
    change: Interval | None = None
    floors: tuple[float, ...] = ()
    p: float = 1.0
    p_holm: float = 1.0
    verdict: str = UNKNOWN
    why: str = ""


@dataclass(frozen=True, slots=True)
class Control:
    """What became of a baseline by itself, for information.

    Attributes:
        workload: of the old run.
        arm: the baseline.
        metric: the figure that the old run ranks it by.
        change: the new figure over the old one.
        scaled: whether the speed of the machine is taken out of it.
    """

    workload: Workload
    arm: Arm
    metric: Metric
    change: Interval
    scaled: bool

    @property
    def moved(self) -> bool:
        """Whether somebody should look."""
        return abs(self.change.estimate - 1) > BASELINE_MOVED


@dataclass(slots=True)
class Comparison:
    """All that can be said of two runs.

    Attributes:
        threshold: a share, see rule 3.
        quick: whether one of the runs was quick, and all of this is only indicative.
        changes: one for each arm of each workload of the old run, the baselines left out.
        controls: one for each baseline whose own change is known.
        notes: what else must be said.
    """

    threshold: float
    quick: bool
    changes: list[Change] = field(default_factory=list)
    controls: list[Control] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """``REGRESSION``, ``UNKNOWN`` or ``NONE``, the first of them that any change has."""
        found = {each.verdict for each in self.changes} or {UNKNOWN}
        return next((each for each in (REGRESSION, UNKNOWN) if each in found), NONE)

    @property
    def code(self) -> int:
        """The exit code."""
        return CODES[self.verdict]


def compare(old: Result, new: Result, threshold: float = LEAST) -> Comparison:
    """Hold the new run against the old one, by the rules above.

    Args:
        old: what is taken for granted.
        new: what is asked about.
        threshold: a share, at least ``LEAST``: 0.05 is 5 %.
    """
    found = Comparison(threshold, old.quick or new.quick, notes=_notes(old, new))
    later = {series.workload.key: series for series in new.series}
    for series in old.series:
        other = later.get(series.workload.key)
        found.changes += _changes(series, other, (old, new))
        found.controls += _controls(series, other)
    told = [each for each in found.changes if each.change is not None]
    for each, adjusted in zip(told, stats.holm([each.p for each in told]), strict=True):
        each.p_holm = adjusted
        each.verdict, each.why = _judged(each, threshold)
    return found


def machines(old: Result, new: Result) -> tuple[list[str], list[str]]:
    """What differs between the two machines: what forbids a comparison, and what must be said beside it."""
    before, after = ({**run.machine, "netkit": run.netkit} for run in (old, new))

    def differing(names: Iterable[str]) -> list[str]:
        facts = ((name, before.get(name, "not told"), after.get(name, "not told")) for name in names)
        return [f"{name}: {was} and {now}" for name, was, now in facts if was != now]

    return differing(REFUSED), differing(WARNED)


# From two runs to changes.


def _changes(series: Series, other: Series | None, runs: tuple[Result, Result]) -> list[Change]:
    """One for each arm but the baseline; if there is no other, one for that, which tells nothing."""
    metric = ranked_by(series)
    arms = [arm for arm in series.arms if arm.name != series.baseline]
    if not arms:
        reason = "the old run has no arm beside its baseline: measure both with another one"
        return [Change(series.workload, _baseline(series), metric, why=reason)]
    found = [Change(series.workload, arm, metric) for arm in arms]
    reason = _untold(series, other, metric)
    if other is None or reason:
        return [replace(each, why=reason) for each in found]
    floors = tuple(_floor(each, metric, run) for each, run in zip((series, other), runs, strict=True))
    for each in found:
        each.floors = floors
        each.why = _lacking(series, other, each.arm.name, "it", metric)
        if not each.why:
            before, after = _logs(series, each.arm.name, metric), _logs(other, each.arm.name, metric)
            each.ratios = _exp(fmean(before)), _exp(fmean(after))
            each.change, each.p = welch(before, after)
    return found


def _untold(series: Series, other: Series | None, metric: Metric) -> str:
    """Why nothing of a workload can be told; empty if something can."""
    if other is None:
        return "the workload is missing from the new run"
    was, now = series.workload, other.workload
    for name in ALIKE:
        if getattr(was, name) != getattr(now, name):
            return f"it was measured in another way: {name} was {getattr(was, name)} and is {getattr(now, name)}"
    if max(was.rate, now.rate) > (1 + RATES) * min(was.rate, now.rate):
        return f"the offered rate was {was.rate:,.0f} a second and is {now.rate:,.0f}: give both runs the same"
    if series.baseline != other.baseline:
        return f"the baseline was {series.baseline} and is {other.baseline}: measure both against the same"
    for run, each in (("old", series), ("new", other)):
        if len(each.kept) < LEAST_ROUNDS:
            return f"{len(each.kept)} rounds of the {run} run count, and {LEAST_ROUNDS} are the least"
    fault = _lacking(series, other, series.baseline, "the baseline", metric)
    return fault or _lacking(series, other, CONTROL, "the second copy of the baseline", metric)


def _lacking(old: Series, new: Series, arm: str, subject: str, metric: Metric) -> str:
    """Why an arm cannot be compared; empty if it can."""
    for run, series in (("old", old), ("new", new)):
        if reason := _fault(series, arm, metric):
            return f"in the {run} run {subject} {reason}"
    return ""


def _fault(series: Series, arm: str, metric: Metric) -> str:
    if not any(arm in each.samples for each in series.rounds):
        return "is missing"
    if failed := failure(series, arm):
        return f"failed: {failed}"
    held = values(series, arm, metric.name)
    if not held:
        return f"has no {metric.label}"
    if not all(0 < value < math.inf for value in held):
        return f"has a {metric.label} that is not above 0, and there is no ratio to nothing"
    samples = [each.samples[arm] for each in series.kept]
    limit = limits.stamp(series.workload, samples, series.ceiling.get("rate", 0.0))
    return "" if limit.ranked else f"had the load for its limit ({limit.why})"


def _floor(series: Series, metric: Metric, run: Result) -> float:
    """The same noise floor that the run's own report has."""
    copy, baseline = (values(series, arm, metric.name) for arm in (CONTROL, series.baseline))
    return Summary(series, metric, [], stats.ratio(copy, baseline, run.seed), run.quick).floor


def _logs(series: Series, arm: str, metric: Metric) -> list[float]:
    """The log ratio to the baseline in each round that counts."""
    ours, theirs = values(series, arm, metric.name), values(series, series.baseline, metric.name)
    return [math.log(one) - math.log(other) for one, other in zip(ours, theirs, strict=True)]


def percent(share: float) -> str:
    """``3 %``, and a decimal where it is not a whole number."""
    return f"{share:.1%}".replace(".0%", "%").replace("%", " %")


def _judged(each: Change, threshold: float) -> tuple[str, str]:
    """Rules 4 to 6, for a change that could be computed: the verdict, and the reason where it cannot be told."""
    assert each.change is not None
    bar = max(threshold, *each.floors)
    worse = _worse(each.metric, each.change.estimate)
    if each.change.excludes(1.0) and each.p_holm < ALPHA and abs(worse) > bar:
        return (REGRESSION if worse > 0 else IMPROVEMENT), ""
    if worse > threshold:
        sure = "within the noise floors" if worse <= bar else f"not sure enough (p after Holm {each.p_holm:.2g})"
        return UNKNOWN, f"it is beyond {percent(threshold)} and {sure}: measure both again, with more rounds"
    end = max(_worse(each.metric, each.change.low), _worse(each.metric, each.change.high))
    if each.change.halfwidth > threshold and end > threshold:
        return UNKNOWN, f"a change of {percent(threshold)} could hide in it: measure both again, with more rounds"
    return NONE, ""


def _worse(metric: Metric, change: float) -> float:
    """By which share the figure got worse; negative where it got better."""
    return 1 - change if metric.higher_is_better else change - 1


# The baseline by itself.


def _controls(series: Series, other: Series | None) -> list[Control]:
    """The baseline's own change, if it is known."""
    metric = ranked_by(series)
    if other is None or _untold(series, other, metric):
        return []
    probed = metric.unit in ("us", "1/s") and all(_probes(each) for each in (series, other))
    change, _ = welch(_own(series, metric, probed), _own(other, metric, probed))
    return [Control(series.workload, _baseline(series), metric, change, probed)]


def _own(series: Series, metric: Metric, probed: bool) -> list[float]:
    """Logs of its figures; with probes in units of the round's spin, for a slow minute makes both of them longer."""
    logs = [math.log(value) for value in values(series, series.baseline, metric.name)]
    if not probed:
        return logs
    sign = 1 if metric.unit == "us" else -1
    return [each - sign * math.log(spin) for each, spin in zip(logs, _probes(series), strict=True)]


def _probes(series: Series) -> list[float]:
    """Microseconds of the spin in each round that counts; empty if it is not known for all of them."""
    known = [median(each.probe) for each in series.kept if each.probe and min(each.probe) > 0]
    return known if len(known) == len(series.kept) else []


def _baseline(series: Series) -> Arm:
    return next(arm for arm in series.arms if arm.name == series.baseline)


def _notes(old: Result, new: Result) -> list[str]:
    """What is not compared, and what is not whole."""
    runs = (("old", old), ("new", new))
    notes = [f"the {name} run did not come to its end" for name, run in runs if not run.finished]
    before = {series.workload.key: {arm.name for arm in series.arms} for series in old.series}
    for key, series in ((series.workload.key, series) for series in new.series):
        if key not in before:
            notes.append(f"{key} is not in the old run, and is not compared")
        elif added := sorted({arm.name for arm in series.arms} - before[key]):
            notes.append(f"{key}: {', '.join(added)} not in the old run, and not compared")
    return notes


def to_dict(found: Comparison) -> dict[str, Any]:
    """For programs: every number, and the verdicts."""

    def plain(each: Change | Control) -> dict[str, Any]:
        return asdict(each) | {"workload": each.workload.key, "arm": each.arm.name, "metric": each.metric.name}

    return {
        "format": FORMAT,
        "version": VERSION,
        "verdict": found.verdict,
        "code": found.code,
        "threshold": found.threshold,
        "quick": found.quick,
        "changes": [plain(each) for each in found.changes],
        "baselines": [plain(each) for each in found.controls],
        "notes": found.notes,
    }


# Welch's test.


def welch(old: Sequence[float], new: Sequence[float]) -> tuple[Interval, float]:
    """The ratio of two geometric means with its interval, and the two-sided p-value of "they are the same".

    Args:
        old: logarithms, 6 or more.
        new: likewise; what is told is how many times the old one it is.
    """
    estimate = fmean(new) - fmean(old)
    errors = [variance(held) / len(held) for held in (old, new)]
    total = math.fsum(errors)
    if not total:  # nothing varies: what is the same is surely so, and what is not is surely not
        return Interval(*[_exp(estimate)] * 3), float(_exp(estimate) == 1.0)
    df = 1 / math.fsum((each / total) ** 2 / (len(held) - 1) for each, held in zip(errors, (old, new), strict=True))
    scale = math.sqrt(total * df)
    reach = scale / math.tan(_angle(1 - stats.CONFIDENCE, df))
    p = _beyond(math.atan2(scale, abs(estimate)), df)
    return Interval(_exp(estimate), _exp(estimate - reach), _exp(estimate + reach)), p


def _beyond(angle: float, df: float) -> float:
    """The probability that Student's ``|t|`` exceeds sqrt(df) / tan(angle), for any number of degrees of freedom.

    With t = sqrt(df) / tan(u) the density of t becomes a power of sin(u), which Simpson's rule integrates.
    """
    heights = [math.pow(math.sin(angle * step / STEPS), df - 1) for step in range(STEPS + 1)]
    area = heights[0] + heights[-1] + 4 * math.fsum(heights[1:-1:2]) + 2 * math.fsum(heights[2:-1:2])
    whole = math.exp(math.lgamma(0.5) + math.lgamma(df / 2) - math.lgamma((df + 1) / 2)) / 2
    return min(1.0, area * angle / (3 * STEPS) / whole)


def _angle(p: float, df: float) -> float:
    """Where ``_beyond`` is p."""
    low, high = 0.0, math.pi / 2
    while high - low > 1e-12:
        middle = (low + high) / 2
        low, high = (middle, high) if _beyond(middle, df) < p else (low, middle)
    return low


def _exp(logarithm: float) -> float:
    """The ratio of a logarithm, within what a float can hold: figures in a file may be anything."""
    return math.exp(max(-700.0, min(700.0, logarithm)))
