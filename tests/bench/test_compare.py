"""Comparisons of made-up runs: what is a regression, what passes, and what cannot be told."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_ind  # type: ignore[import-untyped]

from netkit.bench import stats
from netkit.bench.arms import CONTROL
from netkit.bench.compare import (
    IMPROVEMENT,
    NONE,
    REGRESSION,
    UNKNOWN,
    Comparison,
    compare,
    machines,
    to_dict,
    welch,
)
from netkit.bench.results import Result, Series
from netkit.bench.scenario import Workload
from netkit.bench.summary import summarise
from tests.bench import made
from tests.bench.made import ARMS, BASELINE, ECHO

UVLOOP = "protocols-uvloop"
CAPACITY = Workload(scenario="capacity-echo", kind="capacity")
IDLE = Workload(scenario="idle", kind="idle")
RATED = Workload(scenario="echo-rate", kind="open", rate=10_000.0)


def verdicts(found: Comparison) -> dict[str, str]:
    return {each.arm.name: each.verdict for each in found.changes}


def reasons(found: Comparison) -> set[str]:
    assert found.changes
    assert {each.verdict for each in found.changes} == {UNKNOWN}
    return {each.why for each in found.changes}


def with_cost(arm: str, factor: float) -> dict[str, float]:
    return ARMS | {arm: ARMS[arm] * factor}


def runs(old: Series | None = None, new: Series | None = None, threshold: float = 0.03) -> Comparison:
    """Two runs of the same servers, with noise of their own, unless told otherwise."""
    return compare(made.result(old or made.series(1)), made.result(new or made.series(2)), threshold)


# What is told.


def test_no_change_passes() -> None:
    found = runs()
    assert verdicts(found) == {"protocols-asyncio": NONE, UVLOOP: NONE}
    assert (found.verdict, found.code) == (NONE, 0)


def test_an_arm_that_got_a_tenth_dearer_is_a_regression() -> None:
    found = runs(new=made.series(2, with_cost(UVLOOP, 1.1)))
    assert verdicts(found) == {"protocols-asyncio": NONE, UVLOOP: REGRESSION}
    assert (found.verdict, found.code) == (REGRESSION, 1)


def test_an_arm_that_got_a_tenth_cheaper_is_told_and_passes() -> None:
    found = runs(new=made.series(2, with_cost(UVLOOP, 0.9)))
    assert verdicts(found) == {"protocols-asyncio": NONE, UVLOOP: IMPROVEMENT}
    assert (found.verdict, found.code) == (NONE, 0)


def test_a_change_is_the_new_ratio_over_the_old_one() -> None:
    new = made.series(1, with_cost(UVLOOP, 1.25), unit=35.0)  # the same luck, on a slower machine
    change = runs(made.series(1), new).changes[1]
    assert change.change is not None
    assert change.change.estimate == pytest.approx(1.25)
    assert change.ratios[1] / change.ratios[0] == pytest.approx(1.25)
    logs = [math.log(each.samples[UVLOOP].figures["cpu"] / each.samples[BASELINE].figures["cpu"]) for each in new.kept]
    assert change.ratios[1] == pytest.approx(math.exp(sum(logs) / len(logs)))


def test_a_slower_machine_is_no_regression() -> None:
    assert runs(new=made.series(2, unit=60.0)).code == 0


@pytest.mark.parametrize(("factor", "verdict"), [(0.9, REGRESSION), (1.0, NONE), (1.1, IMPROVEMENT)])
def test_a_capacity_that_falls_is_a_regression(factor: float, verdict: str) -> None:
    old = made.series(1, workload=CAPACITY, metric="capacity", unit=40_000.0)
    new = made.series(2, with_cost(UVLOOP, factor), CAPACITY, "capacity", 40_000.0)
    found = runs(old, new)
    assert verdicts(found)[UVLOOP] == verdict
    assert found.code == (1 if verdict == REGRESSION else 0)


def test_memory_that_grows_is_a_regression() -> None:
    old = made.series(1, workload=IDLE, metric="idle")
    assert runs(old, made.series(2, with_cost(UVLOOP, 1.1), IDLE, "idle")).code == 1


def test_a_change_below_the_least_is_none_however_sure() -> None:
    found = runs(made.series(1, luck=0.001), made.series(2, with_cost(UVLOOP, 1.02), luck=0.001))
    assert found.changes[1].p_holm < 1e-6
    assert verdicts(found)[UVLOOP] == NONE


@pytest.mark.parametrize(("threshold", "verdict"), [(0.03, REGRESSION), (0.07, NONE)])
def test_the_threshold_is_what_a_change_must_exceed(threshold: float, verdict: str) -> None:
    found = runs(new=made.series(2, with_cost(UVLOOP, 1.05)), threshold=threshold)
    assert verdicts(found)[UVLOOP] == verdict


def test_the_floors_are_those_of_each_run_s_own_report() -> None:
    old, new = made.result(made.series(1, luck=0.02), seed=5), made.result(made.series(2), seed=6)
    floors = [summarise(each)[0].floor for each in (old, new)]
    assert [list(each.floors) for each in compare(old, new).changes] == [floors] * 2


def test_a_regression_outranks_what_cannot_be_told() -> None:
    new = made.series(2, with_cost(UVLOOP, 1.1))
    new.rounds[0].samples["protocols-asyncio"].failed = "reset"
    found = runs(new=new)
    assert verdicts(found) == {"protocols-asyncio": UNKNOWN, UVLOOP: REGRESSION}
    assert found.code == 1


def test_holm_goes_over_all_changes_of_all_workloads() -> None:
    series = [made.series(seed, workload=replace(ECHO, size=64 << seed)) for seed in range(4)]
    found = compare(made.result(*series[:2]), made.result(*series[:2]))
    assert [each.p for each in found.changes] == [1.0] * 4
    later = [made.series(seed + 9, workload=each.workload) for seed, each in enumerate(series)]
    found = compare(made.result(*series), made.result(*later))
    assert [each.p_holm for each in found.changes] == stats.holm([each.p for each in found.changes])


# What cannot be told.


def alter_new(change: Callable[[Series], None]) -> Comparison:
    new = made.series(2)
    change(new)
    return runs(new=new)


def fail(arm: str, at: int = 4) -> Callable[[Series], None]:
    def change(series: Series) -> None:
        series.rounds[at].samples[arm].failed = "wrong bytes"

    return change


def drop(arm: str) -> Callable[[Series], None]:
    def change(series: Series) -> None:
        series.arms = [each for each in series.arms if each.name != arm]
        for each in series.rounds:
            del each.samples[arm]

    return change


def starve(arm: str) -> Callable[[Series], None]:
    def change(series: Series) -> None:
        for each in series.rounds:
            each.samples[arm].observed |= {"server_busy": 0.4, "load_busy": 0.99}

    return change


def figure(arm: str, value: float) -> Callable[[Series], None]:
    def change(series: Series) -> None:
        series.rounds[2].samples[arm].figures["cpu"] = value

    return change


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (fail(UVLOOP), "in the new run it failed: wrong bytes (1 of 10 rounds)"),
        (drop(UVLOOP), "in the new run it is missing"),
        (starve(UVLOOP), "in the new run it had the load for its limit"),
        (figure(UVLOOP, 0.0), "there is no ratio to nothing"),
        (figure(UVLOOP, math.nan), "there is no ratio to nothing"),
        (figure(UVLOOP, math.inf), "there is no ratio to nothing"),
        (lambda series: series.rounds[2].samples[UVLOOP].figures.clear(), "in the new run it has no CPU"),
    ],
)
def test_a_cell_that_is_not_whole_in_the_new_run(change: Callable[[Series], None], why: str) -> None:
    found = alter_new(change)
    assert verdicts(found) == {"protocols-asyncio": NONE, UVLOOP: UNKNOWN}
    assert why in found.changes[1].why
    assert found.code == 3


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (fail(BASELINE), "in the new run the baseline failed: wrong bytes"),
        (starve(BASELINE), "in the new run the baseline had the load for its limit"),
        (fail(CONTROL), "in the new run the second copy of the baseline failed"),
        (
            lambda series: [each.samples.pop(CONTROL) for each in series.rounds],
            "second copy of the baseline is missing",
        ),
        (
            lambda series: setattr(series, "baseline", UVLOOP),
            "the baseline was streams-asyncio and is protocols-uvloop",
        ),
        (lambda series: series.rounds.__delitem__(slice(5, None)), "5 rounds of the new run count, and 6 are"),
        (lambda series: series.rounds.clear(), "0 rounds of the new run count, and 6 are"),
    ],
)
def test_a_baseline_that_is_not_whole_spoils_every_arm(change: Callable[[Series], Any], why: str) -> None:
    found = alter_new(change)
    assert all(why in reason for reason in reasons(found))
    assert found.code == 3


def test_a_fault_of_the_old_run_counts_as_much() -> None:
    old = made.series(1)
    fail(UVLOOP)(old)
    assert runs(old).changes[1].why.startswith("in the old run it failed")
    assert reasons(runs(made.series(1, rounds=5))) == {"5 rounds of the old run count, and 6 are the least"}


def test_six_rounds_are_enough_and_spoilt_ones_do_not_count() -> None:
    series = made.series(2, rounds=6, luck=0.005)
    assert runs(new=series).code == 0
    series.rounds[0].spoilt = "steal of 3 %"
    assert runs(new=series).code == 3


def test_a_workload_that_is_missing_from_the_new_run() -> None:
    other = made.series(3, workload=replace(ECHO, size=64))
    found = compare(made.result(made.series(1), other), made.result(made.series(2)))
    assert [each.verdict for each in found.changes] == [NONE, NONE, UNKNOWN, UNKNOWN]
    assert found.changes[2].why == "the workload is missing from the new run"
    assert found.code == 3


def test_what_only_the_new_run_has_is_said_and_not_compared() -> None:
    other = made.series(3, workload=replace(ECHO, size=64))
    new = made.series(2, ARMS | {"go": 0.5})
    found = compare(made.result(made.series(1)), made.result(new, other))
    assert found.code == 0
    assert found.notes == [
        "echo-1024B-50c-1d: go not in the old run, and not compared",
        "echo-64B-50c-1d is not in the old run, and is not compared",
    ]


def test_a_run_with_nothing_beside_its_baseline_tells_nothing() -> None:
    found = runs(made.series(1, {BASELINE: 1.0}), made.series(2, {BASELINE: 1.0}))
    assert reasons(found) == {"the old run has no arm beside its baseline: measure both with another one"}
    empty = compare(made.result(series=[]), made.result())
    assert (empty.changes, empty.code) == ([], 3)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"about": "in other words"}, 0),
        ({"seconds": 1.0, "warmup": 0.2, "rounds": 6}, 0),
        ({"rate": 10_900.0}, 0),
        ({"rate": 11_100.0}, 3),
        ({"rate": 0.0}, 3),
        ({"arrival": "poisson"}, 3),
        ({"p99": 9.0}, 3),
    ],
)
def test_a_workload_is_the_same_if_what_was_asked_of_the_server_is(changes: dict[str, Any], code: int) -> None:
    new = made.series(2, workload=replace(RATED, **changes))
    assert runs(made.series(1, workload=RATED), new).code == code


def test_too_much_noise_is_no_pass() -> None:
    found = runs(made.series(1, luck=0.12), made.series(2, luck=0.12))
    assert reasons(found)
    assert found.code == 3
    wide = found.changes[0].change
    assert wide is not None
    assert wide.halfwidth > 0.03


def unsettle_the_floor(series: Series) -> None:
    for number, each in enumerate(series.rounds):
        each.samples[CONTROL].figures["cpu"] *= 1.5 if number % 2 else 0.7


def test_a_wide_interval_passes_where_its_bad_end_is_no_regression() -> None:
    new = made.series(2, with_cost(UVLOOP, 0.85), luck=0.05)
    unsettle_the_floor(new)  # or it would be an improvement
    change = runs(new=new).changes[1]
    assert change.change is not None
    assert change.change.halfwidth > 0.03
    assert change.verdict == NONE


def test_a_change_within_the_noise_floor_is_neither_told_nor_passed() -> None:
    new = made.series(2, with_cost(UVLOOP, 1.1))
    unsettle_the_floor(new)
    change = runs(new=new).changes[1]
    assert max(change.floors) > 0.1
    assert change.p_holm < 1e-6
    assert change.verdict == UNKNOWN
    assert "within the noise floors" in change.why


def test_a_change_that_does_not_hold_after_holm_is_neither_told_nor_passed() -> None:
    others = {f"arm-{number}": 1.0 for number in range(60)}
    old = made.series(1, ARMS | others, luck=0.03)
    new = made.series(2, with_cost(UVLOOP, 1.05) | others, luck=0.03)
    for each in (*old.rounds, *new.rounds):
        each.samples[CONTROL] = each.samples[BASELINE]  # no noise floor stands in the way
    change = next(each for each in runs(old, new).changes if each.arm.name == UVLOOP)
    assert change.p < 0.05 < change.p_holm
    assert change.verdict == UNKNOWN
    assert "not sure enough" in change.why


def test_an_indicative_run_makes_an_indicative_comparison() -> None:
    assert compare(made.result(), made.result(quick=True)).quick
    assert compare(made.result(quick=True), made.result()).quick
    assert not compare(made.result(), made.result()).quick


def test_a_run_that_was_interrupted_is_said() -> None:
    assert compare(made.result(), made.result(finished=False)).notes == ["the new run did not come to its end"]


# The baseline by itself.


def test_the_baseline_s_own_change_is_told_without_the_speed_of_the_machine() -> None:
    new = made.series(1, unit=30.0)
    for each in new.rounds:
        each.probe = [spin * 1.2 for spin in each.probe]
    (control,) = runs(made.series(1), new).controls
    assert control.change.estimate == pytest.approx(30 / 20 / 1.2)
    assert (control.scaled, control.moved) == (True, True)


def test_a_rate_is_scaled_the_other_way() -> None:
    old = made.series(1, workload=CAPACITY, metric="capacity")
    new = made.series(1, workload=CAPACITY, metric="capacity", unit=10.0)
    for each in new.rounds:
        each.probe = [spin * 2 for spin in each.probe]
    (control,) = runs(old, new).controls
    assert control.change.estimate == pytest.approx(1.0)
    assert not control.moved


@pytest.mark.parametrize("probe", [[], [0.0]])
def test_without_probes_it_is_told_as_it_is(probe: list[float]) -> None:
    new = made.series(1, unit=30.0)
    new.rounds[3].probe = probe
    (control,) = runs(made.series(1), new).controls
    assert control.change.estimate == pytest.approx(1.5)
    assert not control.scaled


def test_memory_does_not_depend_on_the_speed_of_the_machine() -> None:
    old, new = (made.series(1, workload=IDLE, metric="idle", unit=unit) for unit in (20.0, 21.0))
    (control,) = runs(old, new).controls
    assert control.change.estimate == pytest.approx(1.05)
    assert not control.scaled


def test_the_baseline_decides_nothing() -> None:
    found = runs(made.series(1), made.series(1, unit=80.0))
    assert [each.moved for each in found.controls] == [True]
    assert found.code == 0


# The machines.


def with_machine(**changes: Any) -> Result:
    return made.result(machine=made.MACHINE | changes)


def test_the_same_machine_has_nothing_to_tell() -> None:
    assert machines(made.result(), made.result()) == ([], [])
    assert machines(made.result(machine={}), made.result(machine={})) == ([], [])


@pytest.mark.parametrize("fact", ["cpu", "cores", "accounting"])
def test_another_processor_or_accounting_forbids_a_comparison(fact: str) -> None:
    assert machines(made.result(), with_machine(**{fact: 8})) == ([f"{fact}: {made.MACHINE[fact]} and 8"], [])


@pytest.mark.parametrize("fact", ["kernel", "python", "uvloop", "governor", "hypervisor", "cores used"])
def test_another_version_is_to_be_said(fact: str) -> None:
    assert machines(made.result(), with_machine(**{fact: "9"})) == ([], [f"{fact}: {made.MACHINE[fact]} and 9"])


def test_a_fact_that_is_not_there_differs_from_one_that_is() -> None:
    without = {name: value for name, value in made.MACHINE.items() if name not in ("cpu", "uvloop")}
    refused, warned = machines(made.result(machine=without, netkit="0.2.0"), made.result())
    assert refused == ["cpu: not told and Made CPU"]
    assert warned == ["uvloop: not told and 0.22.1", "netkit: 0.2.0 and 0.1.0"]


# The statistics.


logs = st.lists(st.integers(-3000, 3000).map(lambda value: value / 1000), min_size=6, max_size=30)


@pytest.mark.parametrize("seed", range(20))
def test_welch_agrees_with_scipy(seed: int) -> None:
    random = Random(seed)
    old = [random.gauss(0, 0.01 + seed / 50) for _ in range(random.randint(6, 30))]
    new = [random.gauss(seed / 100, 0.05) for _ in range(random.randint(6, 30))]
    theirs = ttest_ind(new, old, equal_var=False)
    interval, p = welch(old, new)
    ends = theirs.confidence_interval(0.95)
    assert [math.log(interval.low), math.log(interval.high)] == pytest.approx([ends.low, ends.high], abs=1e-6)
    assert p == pytest.approx(theirs.pvalue, rel=1e-4)


@given(logs, logs)
def test_an_interval_excludes_1_exactly_where_p_is_below_a_twentieth(old: list[float], new: list[float]) -> None:
    interval, p = welch(old, new)
    assert 0 <= p <= 1
    assert interval.low <= interval.estimate <= interval.high
    if abs(p - 0.05) > 1e-6:
        assert interval.excludes(1.0) == (p < 0.05)


def test_what_never_varies_is_sure() -> None:
    interval, p = welch([0.5] * 6, [0.5] * 7)
    assert (interval.low, interval.high, p) == (1.0, 1.0, 1.0)
    interval, p = welch([0.0] * 6, [math.log(2)] * 6)
    assert interval.low == interval.high == pytest.approx(2.0)
    assert p == 0.0


# How often it is wrong.


@pytest.fixture
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """The floors need no more digits in a simulation."""
    monkeypatch.setattr(stats, "RESAMPLES", 200)


def simulated(runs: int, luck: float, factor: float = 1.0, threshold: float = 0.03) -> Counter[int]:
    arms = {BASELINE: 1.0, "a": 0.5}
    return Counter(
        compare(
            made.result(made.series(seed, arms, luck=luck)),
            made.result(made.series(seed + runs, arms | {"a": 0.5 * factor}, luck=luck)),
            threshold,
        ).code
        for seed in range(runs)
    )


@pytest.mark.usefixtures("few_resamples")
@pytest.mark.parametrize("threshold", [0.03, 0.15])
def test_noise_of_12_per_cent_seldom_raises_a_false_alarm(threshold: float) -> None:
    assert simulated(200, 0.12, threshold=threshold)[1] < 10


@pytest.mark.usefixtures("few_resamples")
def test_ordinary_noise_passes() -> None:
    assert simulated(100, 0.02 / math.sqrt(2))[0] >= 99


@pytest.mark.usefixtures("few_resamples")
@pytest.mark.parametrize("luck", [0.014, 0.03, 0.12])
def test_a_change_of_twice_the_threshold_hardly_ever_passes(luck: float) -> None:
    assert simulated(100, luck, factor=1.06)[0] <= 5


@pytest.mark.usefixtures("few_resamples")
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 12), st.floats(0, 0.5), st.sampled_from(["cpu", "p99"]))
def test_a_file_is_never_worse_than_itself(seed: int, rounds: int, luck: float, metric: str) -> None:
    result = made.result(made.series(seed, metric=metric, rounds=rounds, luck=luck))
    found = compare(result, result)
    assert found.code != 1
    assert all(each.change is None or each.change.estimate == 1.0 for each in found.changes)


def test_as_json_everything_has_a_plain_value() -> None:
    new = made.series(2, with_cost(UVLOOP, 1.1))
    fail("protocols-asyncio")(new)
    said = to_dict(runs(new=new))
    assert (said["format"], said["version"], said["verdict"], said["code"]) == ("netkit-compare", 1, REGRESSION, 1)
    failed, dearer = said["changes"]
    assert (failed["arm"], failed["change"], failed["verdict"]) == ("protocols-asyncio", None, UNKNOWN)
    assert (dearer["workload"], dearer["metric"], dearer["verdict"]) == ("echo-1024B-50c-1d", "cpu", REGRESSION)
    assert set(dearer["change"]) == {"estimate", "low", "high"}
    assert said["baselines"][0]["arm"] == BASELINE
