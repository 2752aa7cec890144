from __future__ import annotations

import pytest

from netkit.bench.report import figures, look
from netkit.bench.report.theme import PAGE, marks
from netkit.bench.results import Result
from netkit.bench.summary import Summary, summarise


def made(result: Result) -> look.Look:
    return look.Look(PAGE, marks((arm for each in result.series for arm in each.arms), PAGE), "sans-serif")


def kinds(summary: Summary, result: Result) -> list[str]:
    return [each.kind for each in figures.figures(summary, made(result))]


@pytest.mark.parametrize(
    ("scenario", "wanted"),
    [
        ("echo", ["values", "ratios", "rate", "latency"]),
        ("echo-rate", ["values", "ratios", "latency", "latency", "latency"]),
        ("chat", ["values", "ratios", "latency", "latency", "latency", "latency"]),
        ("stalled", ["values", "ratios", "change", "memory", "cpu", "latency", "latency", "latency"]),
        ("churn", ["values", "ratios", "latency"]),
        ("idle", ["values", "ratios", "memory", "memory"]),
        ("capacity-echo", ["values", "ratios"]),
    ],
)
def test_a_workload_has_the_charts_of_its_kind(
    result: Result, summaries: list[Summary], scenario: str, wanted: list[str]
) -> None:
    summary = next(each for each in summaries if each.workload.scenario == scenario)
    assert kinds(summary, result) == wanted


@pytest.mark.parametrize("scenario", ["echo", "stalled", "capacity-echo"])
def test_every_kind_of_chart_is_what_the_schema_allows(result: Result, summaries: list[Summary], scenario: str) -> None:
    summary = next(each for each in summaries if each.workload.scenario == scenario)
    for figure in figures.figures(summary, made(result)):
        figure.chart.to_dict(validate=True)


def test_only_data_that_a_chart_names_goes_with_it(result: Result, summaries: list[Summary]) -> None:
    drawing = made(result)
    first, second, *_ = figures.figures(summaries[0], drawing)
    names = [set(drawing.specification(each.chart)["datasets"]) for each in (first, second)]
    assert all(names)
    assert not names[0] & names[1]


def test_throughput_is_only_of_servers_that_were_the_limit(result: Result, summaries: list[Summary]) -> None:
    drawing = made(result)
    (chart,) = [each.chart for each in figures.figures(summaries[0], drawing) if each.kind == "rate"]
    servers = {row.get("arm") for rows in drawing.specification(chart)["datasets"].values() for row in rows}
    assert "go" not in servers
    assert "ncat" in servers


def test_without_a_baseline_there_are_no_ratios(small: Result) -> None:
    for each in small.series[0].rounds:
        each.samples["streams-asyncio"].failed = "it did not start"
    (summary,) = summarise(small)
    assert kinds(summary, small) == ["values", "rate", "latency"]


def test_where_all_failed_there_is_no_chart(small: Result) -> None:
    for each in small.series[0].rounds:
        for sample in each.samples.values():
            sample.failed = "it did not start"
    (summary,) = summarise(small)
    assert kinds(summary, small) == []


def test_where_every_round_was_spoilt_there_is_no_chart(small: Result) -> None:
    for each in small.series[0].rounds:
        each.spoilt = "steal"
    (summary,) = summarise(small)
    assert kinds(summary, small) == []


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.9, 1.1, [0.9, 0.95, 1.0, 1.05, 1.1]),
        (0.62, 1.45, [0.8, 1.0, 1.2, 1.4]),
        (0.35, 1.6, [0.4, 0.5, 0.7, 1.0, 1.5]),
        (0.19, 20, [0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0]),
        (0.5, 3000, [1.0, 10.0, 100.0, 1000.0]),
    ],
)
def test_ticks_of_ratios_are_round_and_few(low: float, high: float, ticks: list[float]) -> None:
    assert look.ratio_ticks(low, high) == ticks
