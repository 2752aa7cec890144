"""What may be said of a run: each rule by itself, on rounds whose ratios are known exactly."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from statistics import median

import pytest

from netkit.bench import metrics, stats, summary
from netkit.bench import summary as s
from netkit.bench.arms import CONTROL
from netkit.bench.results import Result, Sample, Series
from netkit.bench.scenario import Workload
from netkit.bench.summary import Cell, Summary, summarise
from tests.bench import made

BASELINE, OTHER, THIRD = "streams-asyncio", "protocols-asyncio", "protocols-uvloop"

IDLE = Workload(scenario="idle", kind="idle")
STALLED = Workload(scenario="stalled", kind="stalled", service="chat", size=64, senders=1, rate=10)
CAPACITY = Workload(scenario="capacity-echo", kind="capacity")


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer resamples: no rule depends on the last digit of an end."""
    monkeypatch.setattr(stats, "RESAMPLES", 300)


def exact(
    costs: Sequence[float] = (1.0, 0.5),
    rounds: int = 10,
    metric: str = "cpu",
    workload: Workload = made.ECHO,
) -> Series:
    """Rounds in which every arm costs exactly so many times what the baseline costs, and so does its second copy."""
    return made.series(
        costs=dict(zip((BASELINE, OTHER, THIRD), costs, strict=False)),
        rounds=rounds,
        metric=metric,
        workload=workload,
        luck=0.0,
    )


def scale(series: Series, arm: str, *factors: float, metric: str = "cpu") -> Series:
    """Make an arm so many times dearer; several factors take turns, a round each."""
    for index, each in enumerate(series.rounds):
        each.samples[arm].figures[metric] *= factors[index % len(factors)]
    return series


def summed(*held: Series, **changes: object) -> Summary:
    """The summary of the first of some series."""
    return summarise(made.result(*held, **changes))[0]


def told(series: Series, arm: str = OTHER, **changes: object) -> str:
    """What a cell says of an arm against the baseline."""
    return summed(series, **changes).cell(arm).difference


def load_bound(series: Series, arm: str) -> Series:
    for each in series.rounds:
        each.samples[arm].observed |= {"server_busy": 0.5, "load_busy": 0.99}
    return series


# A difference is claimed.


def test_a_sure_and_large_difference_is_claimed_either_way() -> None:
    found = summed(exact([1.0, 0.5, 2.0]))
    assert [cell.difference for cell in found.cells] == [s.BASELINE, s.LESS, s.MORE]
    assert [cell.ratios["cpu"].estimate for cell in found.cells[1:]] == pytest.approx([0.5, 2.0])


def test_swapping_baseline_and_arm_turns_the_answer_over() -> None:
    series = scale(exact([1.0, 0.5]), CONTROL, 0.5)  # the copy is now one of the other arm
    series.baseline = OTHER
    found = summed(series)
    assert [cell.difference for cell in found.cells] == [s.MORE, s.BASELINE]
    assert found.cell(BASELINE).ratios["cpu"].estimate == pytest.approx(2.0)


def test_a_difference_whose_interval_has_1_inside_is_not_claimed() -> None:
    found = summed(scale(exact([1.0, 1.0]), OTHER, 1.4, 0.8)).cell(OTHER)
    assert found.ratios["cpu"].estimate == pytest.approx(sqrt(1.4 * 0.8))
    assert not found.ratios["cpu"].excludes(1.0)
    assert found.difference == s.NONE


@pytest.mark.parametrize(
    ("cost", "difference"), [(0.969, s.LESS), (0.971, s.NONE), (1.0, s.NONE), (1.029, s.NONE), (1.031, s.MORE)]
)
def test_a_difference_of_three_per_cent_is_not_worth_a_word(cost: float, difference: str) -> None:
    assert told(exact([1.0, cost])) == difference


def test_a_difference_below_the_noise_floor_is_not_claimed() -> None:
    series = exact([1.0, 1.05])
    assert told(series) == s.MORE
    noisy = summed(scale(series, CONTROL, 1.08, 1 / 1.08))
    assert noisy.floor > 0.05
    assert noisy.cell(OTHER).ratios["cpu"].excludes(1.0)
    assert noisy.cell(OTHER).difference == s.NONE


def test_the_noise_floor_is_the_farther_end_of_the_second_copys_interval() -> None:
    found = summed(scale(exact(), CONTROL, 1.01, 1.05))
    assert found.control is not None
    assert found.floor == pytest.approx(max(found.control.high - 1, 1 - found.control.low))


@pytest.mark.parametrize("factor", [1.06, 1 / 1.06])
def test_two_identical_servers_that_differ_by_six_per_cent_leave_room_for_five(factor: float) -> None:
    found = summed(scale(exact([1.0, 1.05]), CONTROL, factor))
    assert found.floor == pytest.approx(abs(factor - 1))
    assert found.cell(OTHER).difference == s.NONE


def test_without_the_second_copy_there_is_no_noise_floor_and_nothing_is_claimed() -> None:
    series = exact()
    del series.rounds[4].samples[CONTROL]
    assert summed(series).control is None
    assert told(series) == s.UNKNOWN


# Holm.


def test_one_comparison_of_six_rounds_holds_and_two_do_not() -> None:
    assert told(exact(rounds=6)) == s.LESS
    both = summed(exact([1.0, 0.5, 0.4], rounds=6))
    assert [(cell.p, cell.adjusted, cell.difference) for cell in both.cells[1:]] == [(1 / 32, 2 / 32, s.NONE)] * 2


def test_p_is_corrected_for_the_comparisons_of_the_whole_run() -> None:
    held = exact(rounds=6), exact(rounds=8, workload=Workload(scenario="churn", kind="churn"))
    first, second = (each.cell(OTHER) for each in summarise(made.result(*held)))
    assert (first.p, first.adjusted, first.difference) == (1 / 32, 1 / 32, s.LESS)
    assert (second.p, second.adjusted, second.difference) == (1 / 128, 2 / 128, s.LESS)
    third = exact(rounds=6, workload=Workload(scenario="echo-rate", kind="open"))
    first, second, last = (each.cell(OTHER) for each in summarise(made.result(*held, third)))
    assert (first.adjusted, second.adjusted, last.adjusted) == (2 / 32, 3 / 128, 2 / 32)
    assert [each.difference for each in (first, second, last)] == [s.NONE, s.LESS, s.NONE]


def test_the_baseline_and_what_failed_are_no_comparisons() -> None:
    series = exact([1.0, 0.5, 0.4], rounds=6)
    series.rounds[0].samples[THIRD] = Sample("it ended")
    found = summed(series)
    assert [(cell.adjusted, cell.difference) for cell in found.cells] == [
        (1.0, s.BASELINE),
        (1 / 32, s.LESS),
        (1.0, s.FAILED),
    ]


def test_a_quick_run_goes_without_the_correction_and_says_so() -> None:
    found = summed(exact([1.0, 0.5, 0.4], rounds=6), quick=True)
    assert found.quick
    assert [cell.difference for cell in found.cells[1:]] == [s.LESS, s.LESS]


# What cannot be told.


@pytest.mark.parametrize("quick", [False, True])
def test_fewer_than_six_rounds_cannot_tell(quick: bool) -> None:
    assert told(exact(rounds=5), quick=quick) == s.UNKNOWN
    assert told(exact(rounds=6), quick=quick) == s.LESS


def test_one_round_has_figures_and_cannot_tell() -> None:
    assert told(exact(rounds=1)) == s.UNKNOWN


def test_spoilt_rounds_do_not_count() -> None:
    series = exact(rounds=7)
    series.rounds[0].spoilt = "steal"
    assert told(series) == s.LESS
    series.rounds[3].spoilt = "steal"
    found = summed(series)
    assert (found.rounds, found.spoilt) == (5, [series.rounds[0], series.rounds[3]])
    assert found.cell(OTHER).difference == s.UNKNOWN


def test_a_spoilt_rounds_figures_are_in_no_median() -> None:
    series = exact(rounds=7)
    series.rounds[0].samples[OTHER].figures["cpu"] = 1e6
    series.rounds[0].spoilt = "steal"
    kept = [each.samples[OTHER].figures["cpu"] for each in series.rounds[1:]]
    found = summed(series).cell(OTHER)
    assert found.values["cpu"].estimate == median(kept)
    assert found.values["cpu"].high <= max(kept)
    assert found.ratios["cpu"].estimate == pytest.approx(0.5)


def test_a_run_all_of_whose_rounds_are_spoilt_has_no_figures() -> None:
    series = exact(rounds=2)
    for each in series.rounds:
        each.spoilt = "steal"
    found = summed(series)
    assert (found.rounds, found.ranking) == (0, [])
    assert [(cell.values, cell.difference) for cell in found.cells] == [({}, s.BASELINE), ({}, s.UNKNOWN)]


def test_what_is_generator_bound_leaves_the_ranking() -> None:
    found = summed(load_bound(exact([1.0, 0.5, 0.4]), OTHER))
    assert [cell.arm.name for cell in found.ranking] == [THIRD, BASELINE]
    assert [cell.ranked for cell in found.cells] == [True, False, True]
    assert [cell.difference for cell in found.cells] == [s.BASELINE, s.UNKNOWN, s.LESS]
    assert found.cell(OTHER).values["cpu"].estimate > 0


def test_nothing_is_held_against_a_baseline_that_is_generator_bound() -> None:
    found = summed(load_bound(exact([1.0, 0.5, 0.4]), BASELINE))
    assert [cell.difference for cell in found.cells] == [s.BASELINE, s.UNKNOWN, s.UNKNOWN]


def test_the_loads_own_ceiling_is_the_seriess() -> None:
    series = exact()
    for each in series.rounds:
        each.samples[OTHER].observed["server_busy"] = 0.5
        each.samples[OTHER].figures["rate"] = 800.0
    assert summed(series).cell(OTHER).ranked
    series.ceiling = {"rate": 1000.0, "load_busy": 1.0}
    assert not summed(series).cell(OTHER).ranked


def test_there_is_no_ratio_to_nothing() -> None:
    series = exact(workload=IDLE, metric="idle")
    series.rounds[0].samples[BASELINE].figures["idle"] = 0.0
    found = summed(series)
    assert (found.cell(OTHER).ratios, found.cell(OTHER).p, found.cell(OTHER).difference) == ({}, 1.0, s.UNKNOWN)


# What failed, and what is missing.


@pytest.mark.parametrize("spoilt", ["", "steal"])
def test_what_failed_in_one_round_failed(spoilt: str) -> None:
    series = exact([1.0, 0.5, 0.4])
    series.rounds[2].samples[OTHER] = Sample("it reset a connection")
    series.rounds[2].spoilt = spoilt
    found = summed(series)
    assert found.cell(OTHER) == Cell(
        series.arms[1], failed="it reset a connection (1 of 10 rounds)", difference=s.FAILED
    )
    assert [cell.arm.name for cell in found.ranking] == [THIRD, BASELINE]
    assert found.cell(THIRD).difference == s.LESS


def test_an_arm_that_is_missing_from_a_round_never_reads_as_a_pass() -> None:
    series = exact()
    del series.rounds[2].samples[OTHER]
    found = summed(series).cell(OTHER)
    assert (found.failed, found.difference) == ("it is missing from 1 of 10 rounds", s.FAILED)
    assert not found.ranked
    assert (found.values, found.ratios) == ({}, {})


def test_a_round_that_was_spoilt_may_lack_an_arm() -> None:
    series = exact()
    del series.rounds[2].samples[OTHER]
    series.rounds[2].spoilt = "steal"
    assert told(series) == s.LESS


def test_a_figure_that_is_missing_from_a_round_is_no_figure() -> None:
    series = exact(workload=IDLE, metric="idle")
    del series.rounds[2].samples[OTHER].figures["idle"]
    found = summed(series).cell(OTHER)
    assert (found.values, found.ratios, found.difference) == ({}, {}, s.UNKNOWN)


def test_nothing_is_held_against_a_baseline_that_failed() -> None:
    series = exact()
    series.rounds[9].samples[BASELINE] = Sample("it ended")
    found = summed(series)
    assert found.control is None
    assert [cell.difference for cell in found.cells] == [s.FAILED, s.UNKNOWN]


def test_a_workload_without_a_round_is_left_out() -> None:
    held = exact(rounds=6), Series(IDLE, exact().arms, BASELINE)
    assert [each.workload for each in summarise(made.result(*held))] == [made.ECHO]
    assert summarise(Result("1", "", 1, False, {})) == []


# What it is ranked by.


@pytest.mark.parametrize(
    ("workload", "metric"),
    [(IDLE, "idle"), (STALLED, "during_p99"), (CAPACITY, "capacity"), (made.ECHO, "cpu")],
    ids=lambda each: each if isinstance(each, str) else each.kind,
)
def test_every_kind_of_workload_has_its_figure(workload: Workload, metric: str) -> None:
    series = exact(rounds=2, workload=workload, metric=metric)
    for each in series.rounds:
        for sample in each.samples.values():
            sample.figures |= {"p99": 100.0, "memory": 5.0}
    assert summed(series).metric is metrics.BY_NAME[metric]


def test_where_the_cpu_of_one_is_not_known_the_p99_is_what_counts() -> None:
    series = exact(rounds=2)
    for each in series.rounds:
        for name, sample in each.samples.items():
            sample.figures = {"p99": 100.0} if name == OTHER else sample.figures | {"p99": 200.0}
    assert summed(series).metric is metrics.BY_NAME["p99"]
    series.rounds[0].samples[OTHER] = Sample("it ended")
    assert summed(series).metric is metrics.BY_NAME["cpu"]


def test_the_best_is_the_cheapest_or_the_one_that_can_do_most() -> None:
    cheap = summed(exact([1.0, 2.0, 0.5]))
    assert [cell.arm.name for cell in cheap.ranking] == [THIRD, BASELINE, OTHER]
    able = summed(exact([1.0, 2.0, 0.5], workload=CAPACITY, metric="capacity"))
    assert [cell.arm.name for cell in able.ranking] == [OTHER, BASELINE, THIRD]


# What else is said.


def test_ratios_are_taken_within_each_round() -> None:
    series = exact()
    for index, each in enumerate(series.rounds):
        for sample in each.samples.values():
            sample.figures["cpu"] *= 10.0**index  # a machine that gets slower and slower
    found = summed(series).cell(OTHER)
    assert (found.ratios["cpu"].low, found.ratios["cpu"].high) == pytest.approx((0.5, 0.5))


def test_figures_beside_the_ranked_one_have_ratios_too() -> None:
    series = exact(rounds=6)
    for each in series.rounds:
        for name, sample in each.samples.items():
            cost = 3.0 if name == OTHER else 1.0
            sample.figures |= {"p99": 100.0 * cost, "memory": 5.0 * cost, "p50": 1.0}
    found = summed(series).cell(OTHER)
    assert list(found.ratios) == ["cpu", "p99", "memory"]
    assert found.ratios["p99"].estimate == pytest.approx(3.0)
    assert set(found.values) == {"cpu", "p99", "memory", "p50"}


def test_a_window_that_did_not_settle_is_noted() -> None:
    series = exact()
    for each in series.rounds:
        each.samples[OTHER].observed |= {"early": 10.0, "late": 9.6}
        each.samples[BASELINE].observed |= {"early": 10.0, "late": 10.2}
    found = summed(series)
    note = "its second half cost 0.96 of the first: give it a longer --warmup"
    assert [cell.notes for cell in found.cells] == [[], [note]]


def test_littles_law_is_noted() -> None:
    series = exact()
    for each in series.rounds:
        each.samples[OTHER].observed["little"] = 0.5
    assert summed(series).cell(OTHER).notes == [
        "rate times response time gives 0.50 of the connections: Little's law is off"
    ]


def test_a_cell_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        summed(exact(rounds=2)).cell("nobody")


def test_the_table_for_programs_says_the_same() -> None:
    series = exact(rounds=7)
    series.rounds[0].spoilt = "steal"
    found = summed(series)
    (table,) = summary.to_dict([found])
    base, other = table.pop("cells")
    assert table == {
        "workload": "echo-1024B-50c-1d",
        "title": "1 KiB echo, 50 connections",
        "ranked_by": "cpu",
        "baseline": BASELINE,
        "rounds": 6,
        "spoilt": 1,
        "floor": found.floor,
    }
    ratio, value = found.cell(OTHER).ratios["cpu"], found.cell(OTHER).values["cpu"]
    assert other == {
        "arm": OTHER,
        "failed": "",
        "values": {"cpu": {"estimate": value.estimate, "low": value.low, "high": value.high}},
        "ratios": {"cpu": {"estimate": ratio.estimate, "low": ratio.low, "high": ratio.high}},
        "p": 1 / 32,
        "p_holm": 1 / 32,
        "limit": "server-bound",
        "why": "the server was busy 97 % of the time",
        "ranked": True,
        "difference": "less",
        "notes": [],
    }
    assert (base["arm"], base["difference"], base["ratios"]) == (BASELINE, "baseline", {})
