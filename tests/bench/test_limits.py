"""Whose limit a cell shows, from made-up samples: each signal by itself, and which one wins."""

from __future__ import annotations

import pytest

from netkit.bench import limits
from netkit.bench.limits import Limit
from netkit.bench.results import Sample
from netkit.bench.scenario import Workload
from tests.bench import made

CLOSED = Workload(scenario="echo", kind="closed")
CHURN = Workload(scenario="churn", kind="churn")
OPEN = Workload(scenario="echo-rate", kind="open", rate=1000)
CHAT = Workload(scenario="chat", kind="chat", service="chat", size=64, senders=20, rate=800)
IDLE = Workload(scenario="idle", kind="idle")
CAPACITY = Workload(scenario="capacity-echo", kind="capacity")


def stamp(workload: Workload, ceiling: float = 0.0, figures: dict[str, float] | None = None, **seen: float) -> Limit:
    """The stamp of one sample."""
    return limits.stamp(workload, [Sample(figures=figures or {}, observed=seen)], ceiling)


@pytest.mark.parametrize("workload", [CLOSED, CHURN, OPEN, CHAT], ids=lambda each: each.kind)
def test_a_server_that_was_always_busy_is_the_limit_whatever_the_load_did(workload: Workload) -> None:
    found = stamp(workload, server_busy=0.95, load_busy=1.0, achieved=0.5)
    assert found == Limit(limits.SERVER, "the server was busy 95 % of the time")
    assert found.ranked


# A closed loop.


@pytest.mark.parametrize("workload", [CLOSED, CHURN], ids=lambda each: each.kind)
def test_a_busy_load_before_a_server_with_time_to_spare_is_the_limit(workload: Workload) -> None:
    found = stamp(workload, server_busy=0.79, load_busy=0.9)
    assert found == Limit(limits.LOAD, "the load was busy 90 % of the time, and the server only 79 %")
    assert not found.ranked


def test_a_busy_load_before_a_busy_server_is_nobodys_limit() -> None:
    found = stamp(CLOSED, server_busy=0.8, load_busy=1.0)
    assert found == Limit(limits.NEITHER, "the server was busy 80 % of the time, the load 100 %")
    assert found.ranked


def test_neither_is_the_limit_where_both_have_time_to_spare() -> None:
    found = stamp(CLOSED, server_busy=0.3, load_busy=0.2)
    assert found == Limit(limits.NEITHER, "the server was busy 30 % of the time, the load 20 %")


def test_a_rate_near_the_loads_own_ceiling_is_the_loads() -> None:
    found = stamp(CLOSED, 1000.0, {"rate": 701.0}, server_busy=0.7, load_busy=0.5)
    assert found == Limit(limits.LOAD, "70 % of what the load can do at all, and the server only 70 %")
    assert stamp(CLOSED, 1000.0, {"rate": 700.0}, server_busy=0.7, load_busy=0.5).stamp == limits.NEITHER
    assert stamp(CLOSED, 0.0, {"rate": 1e9}, server_busy=0.7, load_busy=0.5).stamp == limits.NEITHER


def test_a_server_whose_cpu_is_not_known_is_told_from_the_load_alone() -> None:
    assert stamp(CLOSED, load_busy=0.95) == Limit(limits.LOAD, "the load was busy 95 % of the time")
    near = stamp(CLOSED, 1000.0, {"rate": 800.0}, load_busy=0.5)
    assert near == Limit(limits.LOAD, "80 % of what the load can do at all")
    assert stamp(CLOSED, load_busy=0.5) == Limit(limits.NEITHER, "the server's CPU is not known, the load 50 %")


# An open loop.


@pytest.mark.parametrize("workload", [OPEN, CHAT], ids=lambda each: each.kind)
def test_a_load_that_did_not_send_what_it_should_is_the_limit(workload: Workload) -> None:
    found = stamp(workload, server_busy=0.5, achieved=0.994)
    assert found == Limit(limits.LOAD, "only 99.4 % of the messages went out in time")
    assert stamp(workload, server_busy=0.5, achieved=0.995).stamp == limits.NEITHER


def test_a_load_that_was_late_is_the_limit() -> None:
    late = stamp(OPEN, figures={"lateness_p99": 101.0, "p99": 300.0}, server_busy=0.5, achieved=1.0)
    assert late == Limit(limits.LOAD, "p99 of the load's own lateness was 101 us, of the response 300 us")


@pytest.mark.parametrize(("lateness", "p99"), [(100.0, 300.0), (500.0, 5000.0)])
def test_a_load_that_was_late_by_little_or_by_a_small_part_is_not(lateness: float, p99: float) -> None:
    found = stamp(OPEN, figures={"lateness_p99": lateness, "p99": p99}, server_busy=0.5, achieved=1.0)
    assert found == Limit(limits.NEITHER, "the rate was given, the server was busy 50 % of the time")


def test_a_tenth_of_the_response_is_too_late_where_that_is_much() -> None:
    figures = {"lateness_p99": 501.0, "p99": 5000.0}
    assert stamp(OPEN, figures=figures, achieved=1.0).stamp == limits.LOAD


def test_a_busy_load_does_not_matter_where_it_sends_by_the_clock() -> None:
    assert stamp(OPEN, 100.0, {"rate": 1000.0}, load_busy=1.0, achieved=1.0) == Limit(
        limits.NEITHER, "the rate was given"
    )


# What has no rate.


def test_memory_has_no_limit() -> None:
    assert stamp(IDLE, server_busy=1.0, load_busy=1.0) == Limit(limits.NEITHER, "memory has no such limit")


def test_a_capacity_is_the_servers_unless_the_load_was_late() -> None:
    assert stamp(CAPACITY, server_busy=0.5) == Limit(limits.SERVER, "p99 is its bound")
    assert stamp(CAPACITY, load_limited=0.0) == Limit(limits.SERVER, "p99 is its bound")
    late = stamp(CAPACITY, load_limited=1.0, server_busy=1.0)
    assert late == Limit(limits.LOAD, "the load itself was late at the highest rate")


# Over the rounds.


def test_the_median_of_the_rounds_decides() -> None:
    samples = [Sample(observed={"server_busy": busy, "load_busy": 0.95}) for busy in (0.99, 0.2, 0.3)]
    assert limits.stamp(CLOSED, samples, 0.0).stamp == limits.LOAD
    samples[1].observed["server_busy"] = 0.97
    assert limits.stamp(CLOSED, samples, 0.0) == Limit(limits.SERVER, "the server was busy 97 % of the time")


def test_rounds_that_do_not_know_are_left_out() -> None:
    samples = [Sample(observed={"server_busy": 0.97}), Sample(), Sample()]
    assert limits.stamp(CLOSED, samples, 0.0).stamp == limits.SERVER


# Little's law.


@pytest.mark.parametrize(("little", "holds"), [(1.0, True), (1.04, True), (0.96, True), (1.06, False), (0.94, False)])
def test_figures_that_break_littles_law_are_told(little: float, holds: bool) -> None:
    series = made.series(rounds=3)
    for each in series.rounds:
        each.samples[made.BASELINE].observed["little"] = little
    told = f"rate times response time gives {little:.2f} of the connections: Little's law is off"
    assert limits.inconsistent(series, made.BASELINE) == ("" if holds else told)
    assert limits.inconsistent(series, "protocols-uvloop") == ""


def test_one_odd_round_does_not_break_littles_law_and_a_spoilt_one_says_nothing() -> None:
    series = made.series(rounds=3)
    for each, little in zip(series.rounds, (1.0, 1.02, 2.0), strict=True):
        each.samples[made.BASELINE].observed["little"] = little
    assert limits.inconsistent(series, made.BASELINE) == ""
    series.rounds[0].spoilt = "steal"
    assert "gives 1.51 of" in limits.inconsistent(series, made.BASELINE)
    series.rounds[2].spoilt = "steal"
    assert limits.inconsistent(series, made.BASELINE) == ""
