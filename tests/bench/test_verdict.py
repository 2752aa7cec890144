"""The sentences, word for word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netkit.bench import limits, metrics, verdict
from netkit.bench import summary as s
from netkit.bench.arms import Arm
from netkit.bench.limits import Limit
from netkit.bench.results import Round, Series
from netkit.bench.scenario import Workload
from netkit.bench.stats import Interval
from netkit.bench.summary import Cell, Summary
from tests.bench import made

STREAMS, TRANSPORTS = made.arm("streams-asyncio"), made.arm("transports-uvloop")
GO = made.arm("go")

ECHO = made.ECHO
CHAT = Workload(scenario="chat", kind="chat", service="chat", size=64, senders=20, rate=800)


def cell(arm: Arm = TRANSPORTS, difference: str = s.LESS, ratio: Interval | None = None, metric: str = "cpu") -> Cell:
    """A cell that says something of an arm."""
    return Cell(arm, ratios={metric: ratio or Interval(0.41, 0.39, 0.43)}, difference=difference)


def summed(
    *cells: Cell, workload: Workload = ECHO, metric: str = "cpu", rounds: int = 10, floor: float = 0.01
) -> Summary:
    """A summary of these cells and of the baseline, which comes first."""
    arms = [STREAMS, *(each.arm for each in cells)]
    series = Series(workload, arms, STREAMS.name, [Round(number, []) for number in range(1, rounds + 1)])
    control = Interval(1.0, 1 - floor, 1 + floor)
    return Summary(
        series, metrics.BY_NAME[metric], [Cell(STREAMS, difference=s.BASELINE), *cells], control, quick=False
    )


# Who costs what.


def test_a_difference_is_told_with_its_interval_and_its_rounds() -> None:
    assert verdict.sentences(summed(cell())) == [
        "transports on uvloop costs 0.41 of the CPU of streams on asyncio per 1 KiB echo "
        "(95 % CI 0.39 to 0.43, 10 rounds)"
    ]


def test_more_is_so_many_times_as_much() -> None:
    dear = cell(GO, s.MORE, Interval(2.5, 2.25, 2.75))
    assert verdict.sentences(summed(dear, rounds=8)) == [
        "go costs 2.50 times the CPU of streams on asyncio per 1 KiB echo (95 % CI 2.25 to 2.75, 8 rounds)"
    ]


@pytest.mark.parametrize(
    ("floor", "text"), [(0.0, "3 %"), (0.01, "3 %"), (0.03, "3 %"), (0.0449, "4.5 %"), (0.1, "10 %"), (0.25, "25 %")]
)
def test_no_difference_is_told_with_the_noise_floor(floor: float, text: str) -> None:
    assert verdict.sentences(summed(cell(difference=s.NONE), floor=floor)) == [
        f"no difference could be told between transports on uvloop and streams on asyncio (noise floor {text})"
    ]


def test_every_arm_but_the_baseline_has_a_sentence_in_the_order_of_the_run() -> None:
    said = verdict.sentences(summed(cell(GO, s.NONE), cell()))
    assert [line.split()[0] for line in said] == ["no", "transports"]


SAID = [
    (ECHO, "cpu", "costs 0.41 of the CPU of streams on asyncio per 1 KiB echo"),
    (replace(ECHO, tls=True), "cpu", "costs 0.41 of the CPU of streams on asyncio per 1 KiB echo over TLS"),
    (
        Workload(scenario="churn", kind="churn", size=64),
        "cpu",
        "costs 0.41 of the CPU of streams on asyncio per connection with one 64 B echo",
    ),
    (CHAT, "cpu", "costs 0.41 of the CPU of streams on asyncio per delivery of a 64 B line"),
    (ECHO, "p99", "has 0.41 of the p99 of streams on asyncio per 1 KiB echo"),
    (
        Workload(scenario="idle", kind="idle"),
        "idle",
        "holds 0.41 of the memory of streams on asyncio per idle connection",
    ),
    (
        Workload(scenario="capacity-echo", kind="capacity", p99=2.5),
        "capacity",
        "keeps its p99 within 2.5 ms up to 0.41 of the rate of streams on asyncio",
    ),
    (
        replace(CHAT, kind="stalled"),
        "during_p99",
        "has 0.41 of the p99 of streams on asyncio while one client does not read",
    ),
]


@pytest.mark.parametrize(("workload", "metric", "said"), SAID, ids=[f"{each[0].kind}-{each[1]}" for each in SAID])
def test_every_figure_has_words_of_its_own(workload: Workload, metric: str, said: str) -> None:
    found = verdict.sentences(summed(cell(metric=metric), workload=workload, metric=metric))
    assert found == [f"transports on uvloop {said} (95 % CI 0.39 to 0.43, 10 rounds)"]


def test_every_workload_says_what_one_message_is() -> None:
    words = [verdict.one(each) for each in (ECHO, CHAT, replace(CHAT, tls=True))]
    assert words == ["1 KiB echo", "delivery of a 64 B line", "delivery of a 64 B line over TLS"]


# What cannot be told.


def test_too_few_rounds_tell_nothing_and_say_so_once() -> None:
    unknown = cell(difference=s.UNKNOWN), cell(GO, s.UNKNOWN)
    assert verdict.sentences(summed(*unknown, rounds=5)) == ["no difference can be told from 5 rounds: 6 are the least"]
    assert verdict.sentences(summed(*unknown, rounds=1)) == ["no difference can be told from 1 round: 6 are the least"]
    assert verdict.sentences(summed(*unknown, rounds=6)) == []


def test_what_is_generator_bound_is_not_ranked_and_says_why() -> None:
    bound = cell(GO, s.UNKNOWN)
    bound.limit = Limit(limits.LOAD, "the load was busy 95% of the time")
    assert verdict.sentences(summed(bound)) == [
        "go is not ranked: the load was the limit (the load was busy 95% of the time)"
    ]


def test_a_baseline_that_is_generator_bound_says_so_itself() -> None:
    found = summed(cell(difference=s.UNKNOWN))
    found.baseline.limit = Limit(limits.LOAD, "it was late")
    assert verdict.sentences(found) == ["streams on asyncio is not ranked: the load was the limit (it was late)"]


# What failed.


def test_what_failed_says_why_and_nothing_of_rounds() -> None:
    found = summed(Cell(GO, failed="it reset a connection (1 of 3 rounds)", difference=s.FAILED), rounds=3)
    found.baseline.failed = "it ended (1 of 3 rounds)"
    assert verdict.sentences(found) == [
        "streams on asyncio failed: it ended (1 of 3 rounds)",
        "go failed: it reset a connection (1 of 3 rounds)",
    ]


def test_the_failures_of_a_run_are_named_with_their_workloads() -> None:
    bad = summed(cell(), Cell(GO, failed="it ended (1 of 3 rounds)", difference=s.FAILED))
    churn = summed(cell(), workload=Workload(scenario="churn", kind="churn"))
    churn.baseline.failed = "it hung"
    assert verdict.failed([bad, churn]) == [
        "1 KiB echo, 50 connections: go: it ended (1 of 3 rounds)",
        "1 KiB connect, echo and close, 50 connections: streams on asyncio: it hung",
    ]
    assert verdict.failed([summed(cell())]) == []


# A quick run.


def test_a_quick_run_says_before_every_sentence_that_it_is_indicative() -> None:
    found = summed(cell(GO, s.NONE), cell(difference=s.UNKNOWN), rounds=5)
    found.quick = True
    assert verdict.sentences(found) == [
        "indicative: no difference could be told between go and streams on asyncio (noise floor 3 %)",
        "indicative: no difference can be told from 5 rounds: 6 are the least",
    ]


# From raw values to words.


def test_a_made_up_run_gives_the_sentence_that_its_values_were_made_for() -> None:
    (found,) = s.summarise(made.result(made.series(costs={STREAMS.name: 1.0, TRANSPORTS.name: 0.41}, luck=0.0)))
    assert verdict.sentences(found) == [
        "transports on uvloop costs 0.41 of the CPU of streams on asyncio per 1 KiB echo "
        "(95 % CI 0.41 to 0.41, 10 rounds)"
    ]


def test_two_identical_servers_are_not_told_apart() -> None:
    (found,) = s.summarise(made.result(made.series(costs={STREAMS.name: 1.0, TRANSPORTS.name: 1.0})))
    assert verdict.sentences(found) == [
        "no difference could be told between transports on uvloop and streams on asyncio (noise floor 3 %)"
    ]


def test_a_second_copy_of_the_baseline_that_failed_is_a_failure_of_the_run() -> None:
    """It is the same server, and the run ends there."""
    series = made.series(rounds=1)
    series.rounds[0].samples["A/A"].failed = "it reset a connection"
    series.rounds[0].samples["A/A"].figures = {}
    series.rounds += made.series(rounds=1, seed=1).rounds
    said = verdict.failed(s.summarise(made.result(series)))
    assert [line for line in said if "it reset a connection" in line] == said != []
