"""What a person sees while it runs: the time that is left, plain lines, and the table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import StringIO

import pytest
from rich.console import Console

from netkit.bench import numbers, stats, summary
from netkit.bench.arms import CONTROL
from netkit.bench.live import Lines, Progress, Screen
from netkit.bench.results import Round, Sample, Series
from tests.bench import made

BASELINE, UVLOOP = made.BASELINE, "protocols-uvloop"

#: Cells of a round: three arms, and the second copy of the baseline.
CELLS = 4


@dataclass
class Clock:
    """Seconds that go by when a test says so."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def begun(rounds: int, planned: int = 10) -> Series:
    """A workload that has so many of its rounds."""
    series = made.series(rounds=rounds)
    series.planned = planned
    return series


def file_of(console: Console) -> StringIO:
    assert isinstance(console.file, StringIO)
    return console.file


# The time that is left.


def test_before_anything_is_measured_the_workload_tells_how_long_it_takes() -> None:
    assert Progress(Clock()).left(begun(0)) == pytest.approx(10 * CELLS * made.ECHO.lasts)


def test_what_the_cells_took_until_now_tells_how_long_the_others_take() -> None:
    clock = Clock(100.0)
    progress = Progress(clock)
    clock.now += 2 * CELLS * 3.0
    progress.done = 2 * CELLS
    assert progress.left(begun(2)) == 8 * CELLS * 3.0


def test_the_cells_of_a_round_that_is_under_way_are_done() -> None:
    clock = Clock()
    progress = Progress(clock)
    clock.now = (CELLS + 1) * 3.0
    progress.done = CELLS + 1
    assert progress.left(begun(1)) == (9 * CELLS - 1) * 3.0


def test_a_spoilt_round_is_still_to_be_made() -> None:
    clock = Clock(CELLS * 3.0)
    progress = Progress(clock)
    progress.began, progress.done = 0.0, CELLS
    series = begun(1)
    series.rounds[0].spoilt = "steal"
    assert progress.left(series) == 10 * CELLS * 3.0


def test_nothing_is_left_at_the_end() -> None:
    progress = Progress(Clock())
    progress.done = 10 * CELLS + 1
    assert progress.left(begun(10)) == 0.0
    assert progress.left(begun(11)) == 0.0


def test_what_is_left_is_right_to_a_round_after_an_arm_has_left() -> None:
    clock = Clock()
    progress = Progress(clock)
    series = begun(2)
    series.rounds[0].samples[UVLOOP] = Sample("it ended")
    del series.rounds[1].samples[UVLOOP]
    progress.done = CELLS + CELLS - 1
    clock.now = progress.done * 3.0
    assert progress.left(series) == pytest.approx(8 * (CELLS - 1) * 3.0, abs=8 * 3.0)


# Plain lines.


@pytest.fixture
def lines() -> Lines:
    return Lines(Console(file=StringIO(), width=40))


def said(lines: Lines) -> list[str]:
    """What was said since it was asked for last."""
    file = file_of(lines.console)
    text = file.getvalue()
    file.seek(0)
    file.truncate()
    return text.splitlines()


@pytest.mark.parametrize(("quick", "end"), [(False, ""), (True, ", indicative only")])
def test_a_line_tells_what_begins(lines: Lines, quick: bool, end: str) -> None:
    lines.began(made.result(quick=quick), begun(0))
    # 40 cells of 3.3 s.
    assert said(lines) == [f"1 KiB echo, 50 connections: 10 rounds of 3 servers, about 2 min 35 s{end}"]


def test_a_line_tells_of_a_round_and_of_the_time_that_is_left(lines: Lines) -> None:
    series = begun(1)
    lines.began(made.result(), series)
    clock = Clock()
    lines.progress = Progress(clock)
    for name, sample in series.rounds[0].samples.items():
        clock.now += 2.0
        lines.measured(series, series.rounds[0], name, sample)
    said(lines)
    lines.ended(series, series.rounds[0])
    assert said(lines) == ["echo: 1 of 10 rounds, about 1 min 12 s left"]


def test_from_two_rounds_on_the_widest_interval_is_told(lines: Lines) -> None:
    series = begun(3)
    lines.ended(series, series.rounds[-1])
    base = summary.values(series, BASELINE, "cpu")
    widths = [stats.t_ratio(summary.values(series, name, "cpu"), base).halfwidth for name in list(made.ARMS)[1:]]
    (line,) = said(lines)
    assert line.endswith(f" left, intervals within {numbers.share(max(widths))}")


def test_a_line_tells_why_a_round_does_not_count(lines: Lines) -> None:
    series = begun(2)
    series.rounds[1].spoilt = "steal: 3 %"
    lines.ended(series, series.rounds[1])
    assert said(lines) == ["round 2 does not count: steal: 3 %"]


def test_a_line_tells_of_a_failure_at_once_and_of_nothing_else(lines: Lines) -> None:
    series = begun(1)
    lines.measuring("echo: go")
    lines.measured(series, series.rounds[0], BASELINE, series.rounds[0].samples[BASELINE])
    lines.measured(series, series.rounds[0], UVLOOP, Sample("[bold]it ended"))
    assert said(lines) == [f"{UVLOOP} FAILED: [bold]it ended"]


def test_lines_can_be_entered_and_left(lines: Lines) -> None:
    with lines as same:
        assert same is lines
    assert said(lines) == []


# The table.


@pytest.fixture
def screen() -> Screen:
    return Screen(Console(file=StringIO(), force_terminal=True, color_system=None, width=120))


def frame(screen: Screen) -> list[list[str]]:
    """What is drawn, in columns, after all that was drawn before is forgotten."""
    file = file_of(screen.live.console)
    file.seek(0)
    file.truncate()
    screen.draw()
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", file.getvalue())
    return [re.split(r" {2,}", line.strip()) for line in text.splitlines() if line.strip()]


def test_before_the_first_workload_it_says_what_it_does(screen: Screen) -> None:
    with screen:
        screen.measuring("the machine")
        assert frame(screen) == [["measuring the machine"]]


def test_a_workload_begins_with_an_empty_table(screen: Screen) -> None:
    with screen:
        screen.began(made.result(), begun(0))
        screen.measuring("echo: go")
        assert frame(screen) == [
            ["1 KiB echo, 50 connections"],
            ["server", "CPU", "of the baseline so far", "last"],
            ["streams on asyncio", "baseline"],
            ["protocols on asyncio"],
            ["protocols on uvloop"],
            ["0 of 10 rounds, about 2 min 35 s left"],
            ["measuring echo: go"],
        ]


def test_the_table_has_medians_ratios_and_what_came_last(screen: Screen) -> None:
    series = made.series(rounds=3, luck=0.0)
    for each, cost in zip(series.rounds, (10.0, 30.0, 20.0), strict=True):
        for name, sample in each.samples.items():
            sample.figures["cpu"] = cost * made.ARMS.get(name, 1.0)
    series.planned = 3
    with screen:
        screen.began(made.result(), series)
        assert frame(screen)[2:6] == [
            ["streams on asyncio", "20.0 us", "baseline", "20.0 us"],
            ["protocols on asyncio", "12.0 us", "0.60 (0.60 to 0.60)", "12.0 us"],
            ["protocols on uvloop", "8.00 us", "0.40 (0.40 to 0.40)", "8.00 us"],
            ["3 of 3 rounds, about 0 s left"],
        ]


def test_what_a_round_that_is_under_way_gave_stands_under_last(screen: Screen) -> None:
    series = begun(2)
    current = Round(3, [BASELINE, UVLOOP])
    with screen:
        screen.began(made.result(), series)
        before = frame(screen)
        current.samples = {BASELINE: made.sample("cpu", 99.0), UVLOOP: Sample("it ended")}
        screen.measured(series, current, BASELINE, current.samples[BASELINE])
        during = frame(screen)
        assert [row[-1] for row in during[2:5]] == ["99.0 us", before[3][-1], "FAILED"]
        assert [row[:-1] for row in during[2:5]] == [row[:-1] for row in before[2:5]]
        screen.ended(series, current)
        assert frame(screen)[2:5] == before[2:5]


def test_spoilt_rounds_are_counted_apart_and_a_quick_run_is_called_indicative(screen: Screen) -> None:
    series = begun(3)
    series.rounds[1].spoilt = "steal"
    with screen:
        screen.began(made.result(quick=True), series)
        shown = frame(screen)
    assert shown[0] == ["1 KiB echo, 50 connections (indicative)"]
    assert re.fullmatch(r"2 of 10 rounds, 1 spoilt, about .* left", shown[5][0])


def test_the_second_copy_of_the_baseline_has_no_row(screen: Screen) -> None:
    with screen:
        screen.began(made.result(), begun(2))
        assert CONTROL not in [row[0] for row in frame(screen)]


def test_it_leaves_nothing_behind_on_the_terminal(screen: Screen) -> None:
    with screen:
        screen.began(made.result(), begun(2))
    text = file_of(screen.live.console).getvalue()
    lines = text[: text.rindex("\x1b[1A")].count("\n")
    assert lines >= 7
    assert re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\n]", "", text[text.rindex("\x1b[1A") :]) == ""
