"""Exports, read back by the tools that they are for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyperf  # type: ignore[import-untyped]
import pytest
from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]
from hdrh.log import HistogramLogReader  # type: ignore[import-untyped]

from netkit.bench import exports, histograms
from netkit.bench.results import Result
from netkit.bench.scenario import Workload
from netkit.errors import ResultError
from tests.bench import made
from tests.process import environment

KEY = "echo-1024B-50c-1d"
STARTED = datetime.fromisoformat("2024-05-01T12:00:00+02:00").timestamp()

#: Nanoseconds that every made-up response took, one more in each round.
RESPONSE, LATE = 1_500_000, 20_000

IDLE = Workload(scenario="idle", kind="idle")
CAPACITY = Workload(scenario="capacity-echo", kind="capacity")


def with_histograms(result: Result) -> Result:
    for series in result.series:
        for each in series.rounds:
            for sample in each.samples.values():
                late = [LATE * times for times in range(1, 4)]
                sample.histograms = {
                    "response": histograms.encode([RESPONSE + each.number] * 10),
                    "lateness": histograms.encode(late),
                }
    return result


def read(text: str, folder: Path) -> list[Any]:
    """Every histogram of a log, as HdrHistogram's own reader gives it."""
    path = folder / "made.hlog"
    path.write_text(text)
    reader = HistogramLogReader(str(path), HdrHistogram(1, histograms.HIGHEST, 3))
    found = []
    while (each := reader.get_next_interval_histogram()) is not None:
        found.append(each)
    assert reader.get_start_time_sec() == STARTED
    reader.close()
    return found


# HdrHistogram.


def test_a_log_has_one_histogram_for_each_kept_round_arm_and_kind(tmp_path: Path) -> None:
    result = with_histograms(made.result(made.series(rounds=4)))
    result.series[0].rounds[1].spoilt = "steal of 3 %"
    found = read(exports.hlog(result), tmp_path)
    tags = [each.get_tag() for each in found]
    wanted = {f"{KEY}/{arm}/{kind}" for arm in made.ARMS for kind in ("response", "lateness")}
    assert {tag: tags.count(tag) for tag in tags} == dict.fromkeys(wanted, 3)


def test_the_values_of_a_log_are_nanoseconds_and_its_maxima_milliseconds(tmp_path: Path) -> None:
    text = exports.hlog(with_histograms(made.result(made.series(rounds=1))))
    by_kind = defaultdict(list)
    for each in read(text, tmp_path):
        by_kind[each.get_tag().rpartition("/")[2]].append(each)
    assert [each.get_max_value() for each in by_kind["response"]] == pytest.approx([RESPONSE] * 3, rel=1e-3)
    assert [each.get_max_value() for each in by_kind["lateness"]] == pytest.approx([LATE * 3] * 3, rel=1e-3)
    assert [each.get_total_count() for each in by_kind["response"]] == [10] * 3
    maxima = {line.split(",")[3] for line in text.splitlines() if "/response," in line}
    assert [float(each) for each in maxima] == pytest.approx([RESPONSE / 1e6], rel=1e-3)


def test_a_log_begins_as_the_tools_want_it() -> None:
    head = exports.hlog(made.result()).splitlines()
    assert head[0] == "#[Histogram log format version 1.3]"
    assert head[1] == f"#[StartTime: {STARTED:.3f} (seconds since epoch), 2024-05-01 12:00:00+02:00]"
    assert head[-1] == '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'
    assert all(len(line) < 127 for line in head)  # what the reader in C has room for


def test_the_windows_of_a_log_follow_each_other(tmp_path: Path) -> None:
    result = with_histograms(made.result(made.series(rounds=2)))
    for each in result.series[0].rounds:
        each.order = ["A/A", "protocols-uvloop", made.BASELINE, "protocols-asyncio"]
    found = read(exports.hlog(result), tmp_path)
    spans = [(each.get_start_time_stamp() / 1000, each.get_end_time_stamp() / 1000) for each in found[::2]]
    begins = [2, 4, 6, 10, 12, 14]  # seconds: the second copy of the baseline takes its turn and is not there
    assert spans == [(STARTED + begin, STARTED + begin + 2) for begin in begins]


def test_a_tag_cannot_be_broken_by_a_name(tmp_path: Path) -> None:
    costs = {made.BASELINE: 1.0, "a, b\n%2C \N{SNOWMAN}": 2.0}
    text = exports.hlog(with_histograms(made.result(made.series(costs=costs, rounds=1))))
    tags = {each.get_tag() for each in read(text, tmp_path)}
    assert f"{KEY}/a%2C%20b%0A%252C%20%E2%98%83/response" in tags
    assert len(tags) == 4


def test_an_arm_that_failed_is_not_in_a_log(tmp_path: Path) -> None:
    result = with_histograms(made.result(made.series(rounds=3)))
    result.series[0].rounds[2].samples["protocols-uvloop"].failed = "wrong bytes"
    arms = {each.get_tag().split("/")[1] for each in read(exports.hlog(result), tmp_path)}
    assert arms == {made.BASELINE, "protocols-asyncio"}


def test_a_run_without_histograms_gives_an_empty_log(tmp_path: Path) -> None:
    assert read(exports.hlog(made.result()), tmp_path) == []


def test_a_log_of_a_damaged_result_is_refused() -> None:
    result = with_histograms(made.result())
    result.series[0].rounds[0].samples[made.BASELINE].histograms["response"] = "HIST"
    with pytest.raises(ResultError, match="a histogram is damaged"):
        exports.hlog(result)
    with pytest.raises(ResultError, match="'yesterday', which is no time"):
        exports.hlog(made.result(started="yesterday"))


# pyperf.


def ask_pyperf(*arguments: str | Path) -> str:
    command = (sys.executable, "-m", "pyperf", *map(str, arguments))
    said = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (0, "")
    return said.stdout


def test_pyperf_reads_each_arm_as_a_benchmark_and_each_kept_round_as_a_run() -> None:
    series = made.series(rounds=7)
    series.rounds[0].spoilt = "steal of 3 %"
    suite = pyperf.BenchmarkSuite.loads(exports.pyperf(made.result(series)))
    assert suite.get_benchmark_names() == [f"{KEY}/{arm}" for arm in made.ARMS]
    for arm in made.ARMS:
        benchmark = suite.get_benchmark(f"{KEY}/{arm}")
        microseconds = [each.samples[arm].figures["cpu"] for each in series.rounds[1:]]
        assert benchmark.get_values() == tuple(value / 1e6 for value in microseconds)
        assert benchmark.get_nrun() == 6
        assert benchmark.get_unit() == "second"
        assert benchmark.get_loops() == 100_000


def test_pyperf_is_told_of_the_machine_in_text() -> None:
    machine = made.MACHINE | {"unit": "parsec", "tags": "none", "load average": "0.10 0.20", "clock": ""}
    suite = pyperf.BenchmarkSuite.loads(exports.pyperf(made.result(machine=machine)))
    metadata = suite.get_metadata()
    assert metadata["netkit_cpu"] == "Made CPU"
    assert metadata["netkit_cores"] == "2"
    assert metadata["netkit_load_average"] == "0.10 0.20"
    assert metadata["netkit_unit"] == "parsec"
    assert "netkit_clock" not in metadata


def test_memory_is_in_bytes_for_pyperf() -> None:
    series = made.series(workload=IDLE, metric="idle", unit=20.0, luck=0.0)
    benchmark = next(iter(pyperf.BenchmarkSuite.loads(exports.pyperf(made.result(series)))))
    assert benchmark.get_unit() == "byte"
    kib = [each.samples[made.BASELINE].figures["idle"] for each in series.rounds]
    assert benchmark.get_values() == tuple(value * 1024 for value in kib)


def test_a_rate_is_the_time_of_one_message_for_pyperf() -> None:
    series = made.series(workload=CAPACITY, metric="capacity", unit=40_000.0)
    benchmark = next(iter(pyperf.BenchmarkSuite.loads(exports.pyperf(made.result(series)))))
    rates = [each.samples[made.BASELINE].figures["capacity"] for each in series.rounds]
    assert benchmark.get_values() == pytest.approx([1 / rate for rate in rates])
    assert (benchmark.get_unit(), benchmark.get_loops()) == ("second", 1)


def test_what_failed_or_has_no_figure_is_left_out_and_never_zero() -> None:
    series = made.series()
    series.rounds[3].samples["protocols-asyncio"] = replace(made.sample("cpu", 1.0), failed="reset", figures={})
    series.rounds[4].samples["protocols-uvloop"].figures["cpu"] = 0.0
    suite = pyperf.BenchmarkSuite.loads(exports.pyperf(made.result(series)))
    assert suite.get_benchmark_names() == [f"{KEY}/{made.BASELINE}"]


def test_a_result_without_any_figure_gives_no_suite() -> None:
    with pytest.raises(ResultError, match="nothing for pyperf to read"):
        exports.pyperf(made.result(made.series(rounds=0)))


def test_the_tools_of_pyperf_take_the_file(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(exports.pyperf(made.result(made.series(1), made.series(1, workload=IDLE, metric="idle"))))
    new.write_text(exports.pyperf(made.result(made.series(2, unit=40.0), made.series(2, workload=IDLE, metric="idle"))))
    stats = ask_pyperf("stats", old)
    assert f"{KEY}/{made.BASELINE}" in stats
    assert "Loop iterations per value: 100000" in stats.replace("10^5", "100000")
    assert "Number of run with values: 10" in stats
    assert KEY in ask_pyperf("hist", old)
    assert "slower" in ask_pyperf("compare_to", old, new)


def test_a_suite_is_one_line_of_json() -> None:
    text = exports.pyperf(made.result())
    assert text.count("\n") == 1
    assert json.loads(text)["version"] == "1.0"
