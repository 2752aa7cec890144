from __future__ import annotations

import re

import pytest

from netkit.bench.arms import CONTROL, Arm
from netkit.bench.report import markdown
from netkit.bench.results import Result, Round, Sample, Series
from netkit.bench.scenario import Workload
from netkit.bench.summary import Summary, summarise

EXPECTED = """\
## netkit bench: echo

25 November 2026, 08:31 UTC, netkit 1.2.3.

### 1 KiB echo, 50 connections

- streams on uvloop costs 0.50 of the CPU of streams on asyncio per 1 KiB echo (95 % CI 0.50 to 0.50, 6 rounds)
- go failed: it refused a connection (6 of 6 rounds)

| server | CPU | CPU, of streams on asyncio | p (Holm) | rate | limit |
| --- | ---: | ---: | ---: | ---: | --- |
| streams on uvloop | 10.0 us | 0.50 (0.50 to 0.50) | 0.031 | - | neither: \
the server was busy 50 % of the time, the load 40 % |
| streams on asyncio | 20.0 us | baseline | - | 48,000/s | \
server-bound: the server was busy 99 % of the time |
| go | - | - | - | - | failed: it refused a connection (6 of 6 rounds) |

6 rounds; cannot be told: ±3.0 %; the baseline against itself: ±0 %.

Every round starts each server afresh, in random order; figures are medians over the rounds, and ratios are taken \
within each round, both with 95 % intervals (seed 7). A difference is claimed only where its interval excludes 1, it \
exceeds 3.0 % and what the baseline differs from a second copy of itself, and an exact sign-flip test holds after \
Holm's correction (p < 0.05).

Machine: Imaginary 9000, 2 cores, Linux 6.1.0.
"""


def plain() -> Result:
    """Three servers, and no noise at all."""
    arms = [
        Arm("streams-asyncio", "streams on asyncio", "streams", "asyncio"),
        Arm("streams-uvloop", "streams on uvloop", "streams", "uvloop"),
        Arm("go", "go", command="go {port}"),
    ]
    slow = Sample(figures={"cpu": 20.0, "rate": 48_000.0}, observed={"server_busy": 0.99, "load_busy": 0.4})
    fast = Sample(figures={"cpu": 10.0, "rate": 50_000.0}, observed={"server_busy": 0.5, "load_busy": 0.4})
    samples = {"streams-asyncio": slow, CONTROL: slow, "streams-uvloop": fast, "go": Sample("it refused a connection")}
    rounds = [Round(number, list(samples), samples) for number in range(1, 7)]
    made = Series(Workload(scenario="echo", kind="closed"), arms, "streams-asyncio", rounds, planned=6)
    machine = {"cpu": "Imaginary 9000", "cores": 2, "kernel": "Linux 6.1.0"}
    return Result("1.2.3", "2026-11-25T08:31:00+00:00", 7, False, machine, [made], finished=True)


def test_a_report_in_full() -> None:
    result = plain()
    assert markdown.text(result, summarise(result)) == EXPECTED


def test_every_row_of_a_table_has_as_many_cells(result: Result, summaries: list[Summary]) -> None:
    tables = re.findall(r"(?:^\|.*\|\n)+", markdown.text(result, summaries), re.MULTILINE)
    assert len(tables) == len(summaries)
    for table, summary in zip(tables, summaries, strict=True):
        rows = table.splitlines()
        assert len(rows) == 2 + len(summary.cells)
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1


def test_what_is_only_indicative_or_interrupted_says_so() -> None:
    result = plain()
    result.quick, result.finished, result.series[0].planned = True, False, 10
    said = markdown.text(result, summarise(result))
    assert "**indicative only: a quick run**, **interrupted: 6 of 10 rounds**" in said
    assert "- indicative: streams on uvloop costs" in said


def test_nothing_measured_is_a_report_too() -> None:
    result = plain()
    result.series[0].rounds.clear()
    assert "No round was finished." in markdown.text(result, summarise(result))


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("a|b", "a\\|b"),
        ("two\nlines", "two lines"),
        ("<img src=x onerror=alert(1)>", "\\<img src=x onerror=alert(1)\\>"),
        ("`code` *bold* _it_ [link](x)", "\\`code\\` \\*bold\\* \\_it\\_ \\[link\\](x)"),
        ("@somebody fixes #1", "\\@somebody fixes \\#1"),
        ("back\\slash &amp;", "back\\\\slash \\&amp;"),
        ("https://example.org", "https:\u200b//example.org"),
    ],
)
def test_text_stays_text(said: str, text: str) -> None:
    assert markdown.escape(said) == text
