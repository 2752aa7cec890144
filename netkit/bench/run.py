"""A run: rounds of every arm in random order, what spoils a round, and when there are enough of them."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Protocol

from .. import __version__
from ..errors import ScenarioError
from ..processes.certificates import Certificates
from ..processes.guard import Guard
from . import stats, summary
from .arms import CONTROL, Arm
from .load import lines
from .machine import Cores, facts, probe, raise_descriptors
from .results import Result, Round, Sample, Series
from .rounds import Bench, Cell
from .scenario import Workload

#: Shares above which a round is spoilt: time that a hypervisor took from the server's core; or time that the server
#: waited to run though it could have, where others had the core for so much of the time, which is counted in ticks.
STEAL, QUEUE_WAIT, OTHERS = 0.03, 0.05, 0.10

#: By how much longer the fixed spin may take at one end of a pass than at the other, and the share of its passes that a
#: round must keep. A machine that is slow is slow for all servers alike; one that changes its speed is not.
SLOW, STEADY = 0.20, 0.25

#: Ticks of 10 ms by which the first of them may be off in any window.
TICKS, TICK = 2.5, 0.01

#: Of a rate that is not given: the share of what the slowest arm can do.
RATE_SHARE = 0.5

#: Seconds of the short looks that come before the rounds: at the load's own ceiling, at what each arm can do.
GLANCE = 0.5

#: Descriptors that the load, or a server, needs besides its connections.
DESCRIPTORS = 64

#: The load's own ceiling is measured against this.
NULL = "null"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be measured.

    Attributes:
        workloads: each with its arms.
        baseline: the name of the arm that the others are held against; empty: the first one.
        rounds: how many shall count; 0: as the scenario says, and enough for Holm's correction.
        precision: stop early when every interval is at most so much to either side, as a share; 0: never.
        seed: of every random choice.
        quick: whether the result is only indicative: then one spoilt round is repeated, and no more.
        pin: whether server and load are kept on cores of their own.
    """

    workloads: Sequence[tuple[Workload, Sequence[Arm]]]
    baseline: str = ""
    rounds: int = 0
    precision: float = 0.0
    seed: int = 1
    quick: bool = False
    pin: bool = True


class Watch(Protocol):
    """Whoever watches a run."""

    def began(self, result: Result, series: Series) -> None:
        """The rounds of a workload begin."""

    def measuring(self, what: str) -> None:
        """Something is being measured from now on."""

    def measured(self, series: Series, current: Round, arm: str, sample: Sample) -> None:
        """One arm in one round has been."""

    def ended(self, series: Series, current: Round) -> None:
        """A round is complete, or spoilt."""


class Run:
    """Carries a plan out.

    Attributes:
        result: what has been measured until now, whole at any time.
    """

    def __init__(self, plan: Plan, watch: Watch, keep: Callable[[Result], None]) -> None:
        """``keep`` is called with the result after every round.

        Raises:
            ScenarioError: the plan does not fit together, or the machine.
        """
        self.plan = plan
        self.watch = watch
        self.keep = keep
        check(plan, raise_descriptors())
        self.cores = Cores.choose(plan.pin)
        self.random = Random(plan.seed)
        started = datetime.now().astimezone().isoformat(timespec="seconds")
        self.result = Result(__version__, started, plan.seed, plan.quick, {})

    def go(self) -> None:
        """Measure everything.

        Raises:
            BenchError: the load could not do its part.
            ScenarioError: a rate is more than the load here can offer.
        """
        self.watch.measuring("the machine")
        self.result.machine = facts(self.cores)
        with ExitStack() as held:
            folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="netkit-bench-")))
            encrypted = any(workload.tls for workload, _ in self.plan.workloads)
            certificates = Certificates.make(folder) if encrypted else None
            guard = held.enter_context(Guard())
            self.bench = Bench(self.cores, certificates, guard, self.random)
            for workload, arms in self.plan.workloads:
                self._series(workload, list(arms))
        self.result.finished = True
        self.keep(self.result)

    def _series(self, workload: Workload, arms: list[Arm]) -> None:
        baseline = self.plan.baseline or arms[0].name
        ceiling = self._ceiling(workload)
        workload = self._rate(workload, arms, ceiling.get("rate", 0.0))
        series = Series(workload, arms, baseline, planned=self._planned(workload), ceiling=ceiling)
        self.result.series.append(series)
        self.watch.began(self.result, series)
        going = list(arms)
        while going and not self._enough(series):
            current = self._round(series, going)
            self.watch.ended(series, current)
            self.keep(self.result)
            failed = {name for name, sample in current.samples.items() if sample.failed}
            if baseline in failed or CONTROL in failed:
                return  # there is nothing left to hold the others against
            going = [arm for arm in going if arm.name not in failed]

    def _planned(self, workload: Workload) -> int:
        if self.plan.rounds:
            return self.plan.rounds
        return summary.LEAST_ROUNDS if self.plan.quick else max(workload.rounds, self._least())

    def _least(self) -> int:
        """Rounds with which a difference can be told at all, with Holm's correction over the whole matrix."""
        compared = sum(len(arms) - 1 for _, arms in self.plan.workloads)
        return max(summary.LEAST_ROUNDS, stats.rounds_needed(max(1, compared), summary.ALPHA))

    def _enough(self, series: Series) -> bool:
        kept = len(series.kept)
        if kept >= series.planned or len(series.rounds) >= series.planned + self._spare(series):
            return True
        if not self.plan.precision or kept < (summary.LEAST_ROUNDS if self.plan.quick else self._least()):
            return False
        metric = summary.ranked_by(series).name
        base = summary.values(series, series.baseline, metric)
        widths = [
            stats.t_ratio(ours, base).halfwidth
            for arm in series.arms
            if arm.name != series.baseline
            and len(ours := summary.values(series, arm.name, metric)) == len(base)
            and min(*ours, *base) > 0
        ]
        return bool(widths) and max(widths) <= self.plan.precision

    def _spare(self, series: Series) -> int:
        """Spoilt rounds that are repeated; those beyond are missing in the end."""
        return 1 if self.plan.quick else max(2, series.planned // 2)

    def _round(self, series: Series, arms: Sequence[Arm]) -> Round:
        """Every arm afresh, and the baseline twice; then all of them in turns."""
        by_name = {arm.name: arm for arm in arms}
        if series.baseline in by_name:
            by_name[CONTROL] = by_name[series.baseline]
        order = list(by_name)
        self.random.shuffle(order)
        workload = series.workload
        current = Round(len(series.rounds) + 1, order)
        with ExitStack() as held:
            cells = {name: held.enter_context(Cell(self.bench, by_name[name], workload)) for name in order}
            for name in order:
                self.watch.measuring(f"{workload.scenario}: {by_name[name].label}, starting")
                cells[name].start()
            for number in range(workload.passes):
                current.probe.append(probe(self.cores.server))
                self.watch.measuring(f"{workload.scenario}: pass {number + 1} of {workload.passes}")
                for name in self.random.sample(order, len(order)):
                    cells[name].slice(workload.seconds / workload.passes)
            current.probe.append(probe(self.cores.server))
            current.steady = steady(current.probe)
            keep = current.steady or range(
                workload.passes
            )  # a spoilt round keeps its figures, for whoever wants to know
            for name in order:
                current.samples[name] = cells[name].end(keep)
                self.watch.measured(series, current, name, current.samples[name])
        current.spoilt = spoilt(workload, current)
        series.rounds.append(current)
        return current

    def _ceiling(self, workload: Workload) -> dict[str, float]:
        """What the load reaches against a server that only echoes, where it is the load that sets the pace."""
        if workload.lines or workload.kind not in ("closed", "open", "churn"):
            return {}
        command = f"{sys.executable} -m netkit.bench.load.null {{port}}"
        null = Arm(
            NULL, "a server that only echoes", command=f"{command} {{cert}} {{key}}" if workload.tls else command
        )
        self.watch.measuring(f"{workload.scenario}: the ceiling of the load itself")
        sample = self.bench.cell(null, _glance(workload))
        if sample.failed:
            return {}
        return {"rate": sample.figures["rate"], "load_busy": sample.observed["load_busy"]}

    def _rate(self, workload: Workload, arms: Sequence[Arm], ceiling: float) -> Workload:
        """The workload with a rate that can be offered, found where none is given.

        Raises:
            ScenarioError: the rate that is given is more than the load here can do.
        """
        if workload.kind in ("chat", "stalled"):
            most = lines.ceiling(workload) / (workload.conns - 1)
            _check_rate(workload, most, "lines")
        elif workload.kind == "open" and workload.rate:
            _check_rate(workload, ceiling, "messages")
        elif workload.kind == "open":
            found = []
            for arm in arms:
                self.watch.measuring(f"{workload.scenario}: what {arm.label} can do at all")
                sample = self.bench.cell(arm, _glance(workload))
                if not sample.failed:
                    found.append(sample.figures["rate"])
            slowest = min((*found, ceiling or float("inf")))
            # Two digits: the next run shall offer the same if nothing has changed.
            return replace(workload, rate=float(f"{slowest * RATE_SHARE:.2g}") if found else 1000.0)
        return workload


def steady(probes: Sequence[float]) -> list[int]:
    """The numbers of the passes at whose two ends the fixed spin took about as long."""
    pairs = enumerate(pairwise(probes))
    return [number for number, (before, after) in pairs if max(before, after) <= (1 + SLOW) * min(before, after)]


def spoilt(workload: Workload, current: Round) -> str:
    """Why a round does not count; empty if it does."""
    allowed = max(STEAL, TICKS * TICK / workload.seconds)
    for name, sample in current.samples.items():
        if sample.observed.get("steal", 0.0) > allowed:
            return f"steal: {sample.observed['steal']:.1%} of the server's core went to others, under {name}"
        queued = sample.observed.get("queue_wait", 0.0) > QUEUE_WAIT
        # Threads of one server wait for one another, and for the kernel's own: what others did on the core must agree.
        if queued and sample.observed.get("others", 1.0) > OTHERS:
            return f"queueing: {name} waited for its core for {sample.observed['queue_wait']:.0%} of its running time"
    if len(current.steady) < STEADY * workload.passes and workload.kind != "idle":
        changed = workload.passes - len(current.steady)
        return f"unsteady machine: its speed changed in {changed} of {workload.passes} passes"
    return ""


def _glance(workload: Workload) -> Workload:
    """A short closed loop of the same messages."""
    kind = "churn" if workload.kind == "churn" else "closed"
    return replace(workload, kind=kind, rate=0.0, warmup=min(GLANCE / 2, workload.warmup), seconds=GLANCE)


def _check_rate(workload: Workload, most: float, what: str) -> None:
    if most and workload.rate > most:
        raise ScenarioError(
            f"{workload.scenario}: the load here cannot offer {workload.rate:,.0f} {what} a second: "
            f"ask for a --rate below {most:,.0f}"
        )


def check(plan: Plan, descriptors: int) -> None:
    """Refuse a plan that cannot be carried out.

    Raises:
        ScenarioError: one line that says what to do.
    """
    for workload, arms in plan.workloads:
        if not arms:
            raise ScenarioError(f"{workload.scenario}: there is nothing to measure: name a layer or a server")
        if plan.baseline and plan.baseline not in {arm.name for arm in arms}:
            choice = ", ".join(arm.name for arm in arms)
            raise ScenarioError(f"no server is called {plan.baseline}: choose the baseline from {choice}")
        if workload.conns + DESCRIPTORS > descriptors:
            raise ScenarioError(
                f"{workload.scenario}: {workload.conns} connections need {workload.conns + DESCRIPTORS} descriptors, "
                f"and the hard limit is {descriptors}: ask for fewer --conns, or raise it (ulimit -Hn)"
            )
        for arm in arms:
            arm.check(workload)
