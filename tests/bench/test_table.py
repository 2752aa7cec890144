"""The table at the end of a run, cell by cell, and the whole of what is printed."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from netkit.bench import metrics, numbers, summary, table
from netkit.bench.limits import Limit
from netkit.bench.report.tables import NOTHING
from netkit.bench.results import Result, Round, Sample, Series
from netkit.bench.scenario import Workload
from netkit.bench.stats import Interval
from netkit.bench.summary import Cell, Summary
from tests.bench import made

CPU = metrics.BY_NAME["cpu"]

#: Microseconds, and the ends of their intervals.
SLOW, QUICK, IDLE = (20.0, 19.5, 20.5), (8.0, 7.5, 8.5), (4.0, 3.9, 4.1)

BUSY = Limit("server-bound", "the server was busy 97% of the time")


def cells() -> list[Cell]:
    """A baseline, an arm that is cheaper, one that is generator-bound, and one that failed."""
    base = Cell(made.arm("streams-asyncio"), limit=BUSY, difference=summary.BASELINE)
    base.values = {"cpu": Interval(*SLOW), "rate": Interval(48_000.0, 47_000.0, 49_000.0)}
    fast = Cell(made.arm("transports-uvloop"), limit=BUSY, difference=summary.LESS, notes=["it did not settle"])
    fast.values = {"cpu": Interval(*QUICK), "rate": Interval(120_000.0, 119_000.0, 121_000.0)}
    fast.ratios = {"cpu": Interval(0.4, 0.39, 0.41)}
    idle = Cell(made.arm("go"), limit=Limit("generator-bound", "the load was busy 95% of the time"))
    idle.values = {"cpu": Interval(*IDLE), "rate": Interval(200_000.0, 190_000.0, 210_000.0)}
    idle.ratios = {"cpu": Interval(0.2, 0.19, 0.21)}
    return [base, Cell(made.arm("c"), failed="it reset a connection (1 of 6 rounds)"), idle, fast]


def summed(*held: Cell) -> Summary:
    series = Series(made.ECHO, [each.arm for each in held], "streams-asyncio", [Round(n, []) for n in range(6)])
    return Summary(series, CPU, list(held), Interval(1.0, 0.99, 1.01), quick=False)


def rows(found: Summary) -> list[list[str]]:
    """The headings, and what stands below them, without the empty ends."""
    shown = table.table(found)
    columns = [[str(each.header), *map(str, each.cells)] for each in shown.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def printed(result: Result, width: int = 200) -> list[str]:
    file = StringIO()
    table.show(result, summary.summarise(result), Console(file=file, width=width, highlight=False))
    return [line.rstrip() for line in file.getvalue().splitlines()]


# The table.


def test_the_best_comes_first_then_what_is_not_ranked_then_what_failed() -> None:
    slow, quick, idle = (numbers.with_interval(CPU, Interval(*ends)) for ends in (SLOW, QUICK, IDLE))
    assert rows(summed(*cells())) == [
        ["server", "CPU, 95 % CI", "of the baseline", "rate", "limit"],
        ["transports on uvloop", quick, "0.40 (0.39 to 0.41)", "120,000/s", "server-bound; it did not settle"],
        ["streams on asyncio", slow, "baseline", "48,000/s", "server-bound"],
        ["go", idle, "0.20 (0.19 to 0.21)", NOTHING, "generator-bound"],
        ["c", "FAILED", "", "", "it reset a connection (1 of 6 rounds)"],
    ]


def test_a_figure_that_an_arm_lacks_is_a_dash() -> None:
    base, _, _, fast = cells()
    del fast.values["rate"]
    fast.ratios.clear()
    shown = rows(summed(base, fast))
    assert shown[1][2:4] == [NOTHING, NOTHING]


def test_a_baseline_that_failed_is_called_failed() -> None:
    base = replace(cells()[0], failed="it ended", values={})
    assert rows(summed(base, cells()[3]))[-1] == ["streams on asyncio", "FAILED", "", "", "it ended"]


def test_only_figures_that_are_for_a_table_stand_in_it() -> None:
    base = cells()[0]
    base.values |= {name: Interval(100.0, 90.0, 110.0) for name in metrics.BY_NAME if name != "cpu"}
    labels = [metrics.BY_NAME[name].label for name in table.BESIDE]
    assert sorted(rows(summed(base))[0][3:-1]) == sorted(labels)


def test_what_is_shown_and_what_is_ranked_by_are_figures_and_no_tails() -> None:
    ranked = [name for each in (*summary.RANKED_BY.values(), summary.ELSE_RANKED_BY) for name in each]
    assert not [name for name in (*ranked, *table.BESIDE) if metrics.BY_NAME[name].tail]
    assert [each.name for each in metrics.ALL] == list(metrics.BY_NAME)
    assert len(metrics.ALL) == len(metrics.BY_NAME)


def test_what_is_not_ranked_is_dim() -> None:
    shown = table.table(summed(*cells()))
    assert [str(row.style) for row in shown.rows] == ["", "", "dim", "dim"]


# What is printed.


def test_a_run_is_a_table_its_noise_and_its_verdicts() -> None:
    said = printed(made.result(made.series(costs={"streams-asyncio": 1.0, "transports-uvloop": 0.41}, luck=0.0)))
    assert said[:2] == ["", "1 KiB echo, 50 connections"]
    assert said[2].split("  ")[0] == "server"
    assert [line.split("  ")[0] for line in said[3:5]] == ["transports on uvloop", "streams on asyncio"]
    assert said[5].startswith("10 rounds; cannot be told: ±3.0 %; the baseline against itself: ±0")
    assert said[6:] == [
        "",
        "transports on uvloop costs 0.41 of the CPU of streams on asyncio per 1 KiB echo "
        "(95 % CI 0.41 to 0.41, 10 rounds)",
    ]


def test_every_workload_has_a_table_and_the_verdicts_come_last() -> None:
    churn = Workload(scenario="churn", kind="churn", size=64)
    said = printed(made.result(made.series(rounds=8), made.series(rounds=8, workload=churn)))
    titles = [
        said.index(each) for each in ("1 KiB echo, 50 connections", "64 B connect, echo and close, 50 connections")
    ]
    verdicts = [number for number, line in enumerate(said) if "per 1 KiB echo" in line or "one 64 B echo" in line]
    assert titles == sorted(titles)
    assert verdicts == list(range(len(said) - 4, len(said)))
    assert titles[1] < verdicts[0]


def test_a_verdict_is_one_line_on_a_narrow_terminal_too() -> None:
    said = printed(made.result(made.series(rounds=7)), width=40)
    assert [line for line in said if line.endswith(", 7 rounds)")] == said[-2:]


@pytest.mark.parametrize("quick", [False, True])
def test_a_quick_run_is_called_indicative_at_the_top_and_in_every_verdict(quick: bool) -> None:
    said = printed(made.result(made.series(rounds=6), quick=quick))
    assert (said[0] == "indicative only: a quick run") is quick
    assert [line.startswith("indicative: ") for line in said[-2:]] == [quick] * 2


def test_a_run_that_was_interrupted_says_how_far_it_came() -> None:
    series = made.series(rounds=6)
    series.planned = 10
    series.rounds[0].spoilt = "steal"
    said = printed(made.result(series, finished=False))
    assert said[0] == "interrupted: 5 of 10 rounds"
    assert [line for line in said if line.startswith("5 of 10 rounds, 1 spoilt; ")]
    assert said[-1] == "no difference can be told from 5 rounds: 6 are the least"


def test_a_run_without_a_round_says_so() -> None:
    assert printed(Result("1", "", 1, False, {}))[:2] == ["no round was finished", "interrupted: 0 of 0 rounds"]


def test_one_round_is_shown() -> None:
    said = printed(made.result(made.series(rounds=1)))
    assert said[-1] == "no difference can be told from 1 round: 6 are the least"


def test_what_a_server_said_is_no_markup() -> None:
    series = made.series(rounds=6)
    series.rounds[0].samples["protocols-uvloop"] = Sample("[red]odd[/] [link=x]")
    assert "protocols on uvloop failed: [red]odd[/] [link=x] (1 of 6 rounds)" in printed(made.result(series))
