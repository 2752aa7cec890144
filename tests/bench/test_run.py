"""A run, with the cells replaced: which rounds there are, in which order, what spoils one and when it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TypeAlias

import pytest

from netkit.bench import run, stats, summary
from netkit.bench.arms import CONTROL, Arm
from netkit.bench.load import lines
from netkit.bench.results import Result, Round, Sample, Series
from netkit.bench.rounds import Bench
from netkit.bench.run import Plan, Run
from netkit.bench.scenario import Workload
from netkit.errors import BenchError, ScenarioError
from tests.bench import made

BASELINE = made.BASELINE
ECHO = Workload(scenario="echo", kind="closed")
OPEN = Workload(scenario="echo-rate", kind="open")
IDLE = Workload(scenario="idle", kind="idle", rounds=6)
CHAT = Workload(scenario="chat", kind="chat", service="chat", size=64, conns=11, senders=2, rate=800)

ARMS = [made.arm(name) for name in made.ARMS]
NAMES = {*made.ARMS, CONTROL}
SPIN = 50_000.0  # microseconds

Answer: TypeAlias = Callable[[Arm, Workload, int], Sample]


def good(arm: Arm, workload: Workload, number: int) -> Sample:
    """What every server gives that does well: the same each time, so that every interval is narrow."""
    figures = {"cpu": 20.0 * made.ARMS.get(arm.name, 1.0), "rate": 30_000.0, "idle": 4.0}
    return Sample(figures=figures, observed={"server_busy": 0.97, "load_busy": 0.5})


@dataclass
class Bed:
    """A run without a process.

    Attributes:
        answer: what the server gives for an arm, a workload, and the number of cells before it that counted.
        spins: what the spins take that come next; after them ``SPIN`` each.
        cells: the arms and workloads that were measured, those before the rounds too.
        kept: at every call of ``keep``, how many rounds each workload had.
        said: what whoever watches was told.
        seen: at the end of every cell, the arms in each round of the result until then.
        slices: the arms and seconds of all slices.
        steady: at the end of every cell of a round, the passes that were to be kept.
        result: of the last run.
    """

    answer: Answer = good
    spins: list[float] = field(default_factory=list)
    cells: list[tuple[str, Workload]] = field(default_factory=list)
    kept: list[list[int]] = field(default_factory=list)
    said: list[tuple[str, ...]] = field(default_factory=list)
    seen: list[list[set[str]]] = field(default_factory=list)
    slices: list[tuple[str, float]] = field(default_factory=list)
    steady: list[list[int]] = field(default_factory=list)
    result: Result = field(default_factory=lambda: Result("", "", 0, False, {}))

    def cell(self, arm: Arm, workload: Workload) -> Sample:
        """A whole cell."""
        self.cells.append((arm.name, workload))
        return self.answer(arm, workload, len(self.cells) - 1)

    def probe(self, core: int | None) -> float:
        return self.spins.pop(0) if self.spins else SPIN

    def keep(self, result: Result) -> None:
        self.kept.append([len(each.rounds) for each in result.series])

    def began(self, result: Result, series: Series) -> None:
        self.said.append(("began", series.workload.scenario))

    def measuring(self, what: str) -> None:
        self.said.append(("measuring", what))

    def measured(self, series: Series, current: Round, arm: str, sample: Sample) -> None:
        self.said.append(("measured", arm))
        self.seen.append([set(each.samples) for each in series.rounds])

    def ended(self, series: Series, current: Round) -> None:
        self.said.append(("ended", current.spoilt))

    def go(self, *workloads: Workload, arms: Iterable[Arm] = ARMS, **plan: object) -> list[Series]:
        """Carry out a plan of these workloads, each with these arms."""
        asked = Plan(workloads=[(each, list(arms)) for each in workloads or (ECHO,)], **plan)  # type: ignore[arg-type]
        made = Run(asked, self, self.keep)
        self.result = made.result
        made.go()
        return made.result.series


@dataclass
class StandIn:
    """A cell of a round, without a process."""

    bed: Bed
    arm: Arm
    workload: Workload

    def __enter__(self) -> StandIn:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def start(self) -> None:
        """It is there at once."""

    def slice(self, seconds: float) -> None:
        self.bed.slices.append((self.arm.name, seconds))

    def end(self, keep: Iterable[int]) -> Sample:
        self.bed.steady.append(list(keep))
        return self.bed.cell(self.arm, self.workload)


@pytest.fixture
def bed(monkeypatch: pytest.MonkeyPatch) -> Bed:
    """Cells, spins and facts that are made up."""
    bed = Bed()
    monkeypatch.setattr(run, "Cell", lambda _, arm, workload: StandIn(bed, arm, workload))
    monkeypatch.setattr(Bench, "cell", lambda self, arm, workload: bed.cell(arm, workload))
    monkeypatch.setattr(run, "probe", bed.probe)
    monkeypatch.setattr(run, "facts", lambda cores: dict(made.MACHINE))
    monkeypatch.setattr(run, "Guard", nullcontext)
    monkeypatch.setattr(run, "raise_descriptors", lambda: 4096)
    monkeypatch.setattr(lines, "ceiling", lambda workload: 10_000.0)
    return bed


def spoils(*numbers: int, cells: int = len(ARMS) + 1) -> Answer:
    """In these rounds the hypervisor took the core while the first arm was measured. The first cell is the ceiling."""

    def answer(arm: Arm, workload: Workload, number: int) -> Sample:
        sample = good(arm, workload, number)
        if (number - 1) % cells == 0 and 1 + (number - 1) // cells in numbers:
            sample.observed["steal"] = 0.5
        return sample

    return answer


# The rounds.


def test_every_round_has_every_arm_once_and_the_baseline_twice(bed: Bed) -> None:
    (series,) = bed.go()
    assert [each.number for each in series.rounds] == list(range(1, 11))
    assert {frozenset(each.order) for each in series.rounds} == {frozenset(NAMES)}
    assert [set(each.samples) for each in series.rounds] == [NAMES] * 10
    assert [list(each.samples) for each in series.rounds] == [each.order for each in series.rounds]
    assert [len(each.probe) for each in series.rounds] == [ECHO.passes + 1] * 10
    assert [name for name, _ in bed.cells].count(BASELINE) == 20


def test_the_order_comes_from_the_seed(bed: Bed) -> None:
    orders = [[each.order for each in bed.go(rounds=8, seed=seed)[0].rounds] for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]
    assert len(set(map(tuple, orders[0]))) > 4


def test_every_place_in_a_round_is_had_by_every_arm(bed: Bed) -> None:
    (series,) = bed.go(rounds=60)
    assert [{each.order[place] for each in series.rounds} for place in range(4)] == [NAMES] * 4


def test_what_was_planned_and_what_machine_it_was_stand_in_the_result(bed: Bed) -> None:
    (series,) = bed.go(seed=5)
    assert (series.workload, series.arms, series.baseline, series.planned) == (ECHO, ARMS, BASELINE, 10)
    assert (bed.result.seed, bed.result.machine, bed.result.finished) == (5, made.MACHINE, True)


def test_another_baseline_can_be_chosen(bed: Bed) -> None:
    (series,) = bed.go(baseline="protocols-uvloop", rounds=2)
    assert series.baseline == "protocols-uvloop"
    assert [each.samples[CONTROL].figures["cpu"] for each in series.rounds] == [8.0, 8.0]


def test_the_rounds_are_the_scenarios_unless_the_correction_needs_more(bed: Bed) -> None:
    assert [each.planned for each in bed.go(IDLE, arms=ARMS[:2])] == [6]
    assert [each.planned for each in bed.go(IDLE)] == [stats.rounds_needed(2)] == [7]
    many = [replace(IDLE, scenario=f"idle-{number}") for number in range(20)]
    assert [each.planned for each in bed.go(*many)] == [stats.rounds_needed(40)] * 20
    assert [each.planned for each in bed.go(IDLE, rounds=3)] == [3]
    assert [(each.planned, len(each.kept)) for each in bed.go(ECHO, quick=True)] == [(6, 6)]


def test_one_server_alone_is_held_against_itself(bed: Bed) -> None:
    (series,) = bed.go(arms=ARMS[:1], rounds=2)
    assert [set(each.samples) for each in series.rounds] == [{BASELINE, CONTROL}] * 2


def test_whoever_watches_is_told_everything_in_order(bed: Bed) -> None:
    bed.go(IDLE, arms=ARMS[:1], rounds=1)
    one = ("measuring", "idle: streams on asyncio, starting")
    order = bed.result.series[0].rounds[0].order
    pass_1 = ("measuring", "idle: pass 1 of 1")
    told = [("began", "idle"), one, one, pass_1, ("measured", order[0]), ("measured", order[1]), ("ended", "")]
    assert bed.said == [("measuring", "the machine"), *told]


def test_everything_is_kept_after_every_round_and_at_the_end(bed: Bed) -> None:
    bed.go(ECHO, IDLE, rounds=2)
    assert bed.kept == [[1], [2], [2, 1], [2, 2], [2, 2]]


def test_what_was_measured_is_whole_at_any_time(bed: Bed) -> None:
    bed.go(rounds=3)
    assert bed.seen == [[NAMES] * (number // len(NAMES)) for number in range(3 * len(NAMES))]


# What spoils a round.


def test_a_spoilt_round_is_repeated_and_stays_in_the_result(bed: Bed) -> None:
    bed.answer = spoils(2)
    (series,) = bed.go(rounds=4)
    why = f"steal: 50.0% of the server's core went to others, under {series.rounds[1].order[0]}"
    assert [each.spoilt for each in series.rounds] == ["", why, "", "", ""]
    assert len(series.kept) == series.planned == 4


@pytest.mark.parametrize(("planned", "most"), [(2, 4), (4, 6), (10, 15)])
def test_only_so_many_spoilt_rounds_are_repeated(bed: Bed, planned: int, most: int) -> None:
    bed.answer = spoils(*range(1, 100))
    (series,) = bed.go(rounds=planned)
    assert (len(series.rounds), len(series.kept)) == (most, 0)
    assert bed.result.finished


@pytest.mark.parametrize("bad", [(2,), (1, 2), (1, 2, 3)])
def test_a_quick_run_repeats_one_spoilt_round_and_makes_the_others(bed: Bed, bad: tuple[int, ...]) -> None:
    bed.answer = spoils(*bad)
    (series,) = bed.go(quick=True)
    assert bed.result.quick
    assert [bool(each.spoilt) for each in series.rounds] == [number in bad for number in range(1, 8)]


@pytest.mark.parametrize(
    ("seconds", "steal", "spoilt"),
    [(0.5, 0.049, False), (0.5, 0.051, True), (100.0, 0.0299, False), (100.0, 0.0301, True)],
)
def test_steal_spoils_a_round_where_it_is_more_than_ticks_can_be_off(
    bed: Bed, seconds: float, steal: float, spoilt: bool
) -> None:
    bed.answer = lambda arm, workload, number: Sample(figures={"cpu": 1.0, "rate": 1.0}, observed={"steal": steal})
    (series,) = bed.go(replace(IDLE, seconds=seconds), rounds=1, arms=ARMS[:1])
    assert bool(series.rounds[0].spoilt) is spoilt


def test_a_server_that_waited_for_its_core_spoils_a_round(bed: Bed) -> None:
    bed.answer = lambda arm, workload, number: Sample(
        figures={"cpu": 1.0}, observed={"queue_wait": 0.06, "others": 0.2}
    )
    (series,) = bed.go(IDLE, rounds=1, arms=ARMS[:1])
    first = series.rounds[0]
    assert first.spoilt == f"queueing: {first.order[0]} waited for its core for 6% of its running time"


@pytest.mark.parametrize(("others", "spoilt"), [(0.09, False), (0.11, True)])
def test_threads_that_wait_for_one_another_spoil_nothing(bed: Bed, others: float, spoilt: bool) -> None:
    observed = {"queue_wait": 13.0, "others": others}
    bed.answer = lambda arm, workload, number: Sample(figures={"cpu": 1.0}, observed=observed)
    (series,) = bed.go(IDLE, rounds=1, arms=ARMS[:1])
    assert bool(series.rounds[0].spoilt) is spoilt


# The passes.


def test_the_servers_of_a_round_take_turns_a_slice_each(bed: Bed) -> None:
    (series,) = bed.go(replace(ECHO, seconds=0.6), rounds=1)
    assert series.workload.passes == 4
    assert {seconds for _, seconds in bed.slices} == {0.15}
    names = [name for name, _ in bed.slices]
    passes = [names[at : at + len(NAMES)] for at in range(0, len(names), len(NAMES))]
    assert [sorted(each) for each in passes] == [sorted([*made.ARMS, BASELINE])] * 4
    assert len(set(map(tuple, passes))) > 1


def test_only_passes_in_which_the_machine_kept_its_speed_count_and_for_all_alike(bed: Bed) -> None:
    bed.spins = [SPIN, SPIN * 1.19, SPIN, SPIN * 1.21, SPIN * 1.21]
    (series,) = bed.go(replace(ECHO, seconds=0.6), rounds=1)
    assert series.rounds[0].steady == [0, 1, 3]
    assert bed.steady == [[0, 1, 3]] * len(NAMES)


def test_a_machine_that_is_slow_all_the_time_spoils_nothing(bed: Bed) -> None:
    bed.spins = [SPIN] * 14 + [SPIN * 2] * 14
    (series,) = bed.go(rounds=2)
    assert [each.spoilt for each in series.rounds] == ["", ""]


@pytest.mark.parametrize(("changes", "spoilt"), [(3, False), (4, True)])
def test_a_round_that_keeps_less_than_a_quarter_of_its_passes_is_spoilt(bed: Bed, changes: int, spoilt: bool) -> None:
    spins = [SPIN, SPIN * 2, SPIN, SPIN * 2, SPIN * 2 if changes == 3 else SPIN]
    bed.spins = spins
    (series,) = bed.go(replace(ECHO, seconds=0.6), rounds=1)
    why = "unsteady machine: its speed changed in 4 of 4 passes"
    assert series.rounds[0].spoilt == (why if spoilt else "")


def test_memory_does_not_depend_on_the_speed(bed: Bed) -> None:
    bed.spins = [SPIN, SPIN * 2]
    (series,) = bed.go(IDLE, rounds=1)
    assert (series.rounds[0].steady, series.rounds[0].spoilt) == ([], "")
    assert bed.steady == [[0]] * len(NAMES)


# When it ends early.


def test_a_precise_run_stops_when_every_interval_is_narrow_but_not_before_six_rounds(bed: Bed) -> None:
    (series,) = bed.go(rounds=20, precision=0.02, arms=ARMS[:2])
    assert (len(series.kept), series.planned) == (6, 20)


@pytest.mark.parametrize("times", [1.0, 100.0], ids=["alike", "far apart"])
def test_a_run_that_is_not_precise_goes_on_whatever_the_difference(bed: Bed, times: float) -> None:
    def answer(arm: Arm, workload: Workload, number: int) -> Sample:
        cpu = (1 + 0.2 * (number % 2)) * (times if arm.name == BASELINE else 1.0)
        return Sample(figures={"cpu": cpu, "rate": 1.0}, observed={"load_busy": 0.5})

    bed.answer = answer
    (series,) = bed.go(rounds=9, precision=0.02, arms=ARMS[:2])
    assert len(series.kept) == 9


def test_a_precise_run_does_not_stop_before_its_differences_can_be_told(bed: Bed) -> None:
    arms = [*ARMS, *(made.arm(name) for name in ("go", "c", "nim"))]
    bed.answer = lambda arm, workload, number: Sample(
        figures={"cpu": 20.0 if arm.name == BASELINE else 10.0, "rate": 1.0},
        observed={"server_busy": 0.97, "load_busy": 0.5},
    )
    bed.go(rounds=20, precision=0.02, arms=arms)
    (found,) = summary.summarise(bed.result)
    assert [each.difference for each in found.cells] == [summary.BASELINE, *[summary.LESS] * 5]


def test_a_figure_of_nothing_does_not_break_a_precise_run(bed: Bed) -> None:
    bed.answer = lambda arm, workload, number: Sample(figures={"idle": 0.0})
    (series,) = bed.go(IDLE, rounds=8, precision=0.02)
    assert len(series.kept) == 8


# What fails.


def fails(name: str, number: int) -> Answer:
    """An arm fails at its n-th cell, and at no other."""
    turns = count(1)

    def answer(arm: Arm, workload: Workload, cell: int) -> Sample:
        if arm.name == name and next(turns) == number:
            return Sample("it reset a connection")
        return good(arm, workload, cell)

    return answer


def test_an_arm_that_failed_leaves_the_rounds_that_follow(bed: Bed) -> None:
    bed.answer = fails("protocols-uvloop", 2)
    (series,) = bed.go(rounds=4)
    assert [set(each.samples) for each in series.rounds] == [NAMES, NAMES, *[NAMES - {"protocols-uvloop"}] * 2]
    assert series.rounds[1].samples["protocols-uvloop"] == Sample("it reset a connection")
    assert [arm.name for arm in series.arms] == list(made.ARMS)


@pytest.mark.parametrize("cell", [3, 4], ids=["one", "other"])
def test_a_baseline_that_failed_ends_its_workload_and_no_other(bed: Bed, cell: int) -> None:
    """The baseline has two cells in each round: either copy may be the one."""
    bed.answer = fails(BASELINE, cell)
    first, second = bed.go(replace(IDLE, scenario="first"), IDLE, rounds=4)
    assert (len(first.rounds), len(second.rounds)) == (2, 4)
    assert set(first.rounds[1].samples) == NAMES
    assert [name for name in (BASELINE, CONTROL) if first.rounds[1].samples[name].failed] != []
    assert bed.kept == [[1], [2], [2, 1], [2, 2], [2, 3], [2, 4], [2, 4]]


@pytest.mark.parametrize("wrong", [KeyboardInterrupt, BenchError("the load hung")])
def test_what_is_interrupted_keeps_whole_rounds_only(bed: Bed, wrong: BaseException) -> None:
    def answer(arm: Arm, workload: Workload, number: int) -> Sample:
        if number == 1 + 2 * len(NAMES) + 2:  # the ceiling, two rounds, and into the third
            raise wrong
        return good(arm, workload, number)

    bed.answer = answer
    with pytest.raises(wrong if isinstance(wrong, type) else type(wrong)):
        bed.go()
    (series,) = bed.result.series
    assert [(each.number, set(each.samples)) for each in series.rounds] == [(1, NAMES), (2, NAMES)]
    assert not bed.result.finished
    assert bed.kept == [[1], [2]]


# The ceiling, and the rate.


def test_the_loads_own_ceiling_is_looked_at_before_the_rounds(bed: Bed) -> None:
    (series,) = bed.go(replace(ECHO, depth=4), rounds=1)
    assert series.ceiling == {"rate": 30_000.0, "load_busy": 0.5}
    assert bed.cells[0] == (run.NULL, replace(ECHO, depth=4, warmup=0.25, seconds=0.5))


@pytest.mark.parametrize("workload", [IDLE, CHAT], ids=lambda each: each.kind)
def test_there_is_no_ceiling_where_the_load_does_not_set_the_pace(bed: Bed, workload: Workload) -> None:
    assert bed.go(workload, rounds=1)[0].ceiling == {}
    assert run.NULL not in [name for name, _ in bed.cells]


def test_a_ceiling_that_could_not_be_measured_is_none(bed: Bed) -> None:
    bed.answer = fails(run.NULL, 1)
    assert bed.go(rounds=1)[0].ceiling == {}


def rates(**by_name: float) -> Answer:
    return lambda arm, workload, number: Sample(
        figures={"rate": by_name.get(arm.layer or arm.name, 30_000.0), "cpu": 1.0}, observed={"load_busy": 0.5}
    )


def test_a_rate_that_is_not_given_is_half_of_what_the_slowest_can_do(bed: Bed) -> None:
    bed.answer = rates(null=90_000.0, streams=12_345.0)
    (series,) = bed.go(OPEN, rounds=1)
    assert series.workload == replace(OPEN, rate=6200.0)
    glances = [(name, workload) for name, workload in bed.cells if workload.kind == "closed"]
    assert [name for name, _ in glances] == [run.NULL, *made.ARMS]
    assert {workload.rate for _, workload in glances} == {0.0}
    assert {workload for _, workload in bed.cells[len(glances) :]} == {series.workload}


def test_a_rate_that_is_not_given_is_at_most_half_of_what_the_load_can_do(bed: Bed) -> None:
    bed.answer = rates(null=10_000.0)
    assert bed.go(OPEN, rounds=1)[0].workload.rate == 5000.0


def test_a_rate_that_is_given_is_offered(bed: Bed) -> None:
    bed.answer = rates(null=9000.0)
    assert bed.go(replace(OPEN, rate=9000.0), rounds=1)[0].workload.rate == 9000.0
    assert [name for name, _ in bed.cells].count("protocols-uvloop") == 1


def test_a_rate_above_the_loads_ceiling_is_refused(bed: Bed) -> None:
    bed.answer = rates(null=9000.0)
    with pytest.raises(ScenarioError) as why:
        bed.go(replace(OPEN, rate=9001.0))
    assert str(why.value) == (
        "echo-rate: the load here cannot offer 9,001 messages a second: ask for a --rate below 9,000"
    )
    assert bed.result.series == []


def test_lines_go_to_everybody_and_a_rate_of_more_than_can_be_taken_is_refused(bed: Bed) -> None:
    assert bed.go(replace(CHAT, rate=1000.0), rounds=1)[0].workload.rate == 1000.0
    with pytest.raises(ScenarioError) as why:
        bed.go(replace(CHAT, rate=1001.0))
    assert str(why.value) == "chat: the load here cannot offer 1,001 lines a second: ask for a --rate below 1,000"


# What is refused at once.


def refused(workload: Workload, arms: list[Arm], descriptors: int = 4096, baseline: str = "") -> str:
    with pytest.raises(ScenarioError) as why:
        run.check(Plan(workloads=[(ECHO, ARMS), (workload, arms)], baseline=baseline), descriptors)
    return str(why.value)


def test_a_plan_that_can_be_carried_out_is_not_refused() -> None:
    run.check(Plan(workloads=[(replace(ECHO, conns=4032), ARMS)], baseline="protocols-uvloop"), 4096)


def test_a_plan_without_a_server_is_refused() -> None:
    assert refused(IDLE, []) == "idle: there is nothing to measure: name a layer or a server"


def test_a_baseline_that_a_workload_does_not_have_is_refused() -> None:
    said = refused(IDLE, ARMS[1:], baseline=BASELINE)
    assert said == f"no server is called {BASELINE}: choose the baseline from protocols-asyncio, protocols-uvloop"


def test_more_connections_than_descriptors_are_refused() -> None:
    assert refused(replace(IDLE, conns=4033), ARMS) == (
        "idle: 4033 connections need 4097 descriptors, and the hard limit is 4096: "
        "ask for fewer --conns, or raise it (ulimit -Hn)"
    )


def test_a_server_that_cannot_be_asked_for_a_workload_is_refused() -> None:
    go = Arm("go", "go", command="./go {port}")
    assert refused(replace(ECHO, tls=True), [go]).startswith("server go cannot be asked for TLS")


def test_nothing_is_measured_where_a_plan_is_refused(bed: Bed) -> None:
    with pytest.raises(ScenarioError):
        bed.go(arms=[])
    assert (bed.cells, bed.said, bed.kept) == ([], [], [])
