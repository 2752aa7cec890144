"""Which charts a workload has, with a heading and a caption for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import altair as alt

from .. import limits, verdict
from ..metrics import BY_NAME, Metric
from ..summary import Cell, Summary
from . import about, charts, latency
from .look import Look

#: The figures of an idle workload, which are read together.
PER_CONNECTION = ("idle", "used", "left")

MANY = {"echo": "echoes", "delivery": "deliveries", "connection": "connections"}


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart and what is read around it.

    Attributes:
        kind: what it is: ``values``, ``ratios``, ``change``, ``cpu``, ``rate``, ``memory`` or ``latency``.
        heading: what it shows.
        caption: how it is read.
        chart: itself.
    """

    kind: str
    heading: str
    caption: str
    chart: alt.LayerChart


def figures(summary: Summary, look: Look) -> list[Figure]:
    """All charts of a workload.

    Raises:
        ResultError: a histogram cannot be read.
    """
    found = [*values(summary, look), *ratios(summary, look)]
    match summary.workload.kind:
        case "idle":
            found += _memory(summary, look)
        case "stalled":
            found += _stalled(summary, look)
    return [*found, *_also(summary, look), *latencies(summary, look)]


def values(summary: Summary, look: Look) -> Iterator[Figure]:
    """The figure that is ranked by, where there is any."""
    metric = summary.metric
    cells = charts.shown(summary, metric.name)
    if not cells:
        return
    better = "More is better." if metric.higher_is_better else "Less is better."
    caption = f"{better} Median of the rounds with its 95 % interval."
    if not all(cell.ranked for cell in cells):
        caption += " Hollow and grey: not ranked, the load was the limit."
    if summary.workload.kind == "capacity":
        yield Figure("values", heading(metric, summary), caption, charts.bars(summary, metric, look, cells))
        return
    caption += f" Dashed: the baseline, {summary.baseline.arm.label}."
    most = _most(cells) if metric.name in PER_CONNECTION else 0.0
    yield Figure("values", heading(metric, summary), caption, charts.dots(summary, metric, look, cells, most))


def ratios(summary: Summary, look: Look) -> Iterator[Figure]:
    """The same against the baseline, where there is any ratio."""
    cells = charts.shown(summary, summary.metric.name)
    if any(summary.metric.name in cell.ratios for cell in cells):
        caption = (
            f"Bold: a difference is claimed. Band: what cannot be told, {about.floor(summary)}. Logarithmic scale."
        )
        ratio = f"Ratio to {summary.baseline.arm.label}"
        yield Figure("ratios", ratio, caption, charts.ratios(summary, look, cells))


def heading(metric: Metric, summary: Summary) -> str:
    """What a chart of a metric shows."""
    match metric.name:
        case "cpu":
            return f"CPU time per {verdict.one(summary.workload)}"
        case "idle" | "used" | "left":
            return f"Memory per connection, {metric.label}"
        case "capacity":
            return f"Highest rate with p99 within {summary.workload.p99:g} ms"
        case "rate":
            return f"Throughput in {MANY[summary.workload.unit]}"
        case "growth":
            return "Memory gained while one client does not read"
    return metric.about[0].upper() + metric.about[1:]


def _most(cells: list[Cell]) -> float:
    """Where a scale ends that is for idle connections and for used ones."""
    return max(cell.values[name].high for cell in cells for name in PER_CONNECTION if name in cell.values)


def _memory(summary: Summary, look: Look) -> Iterator[Figure]:
    for name in PER_CONNECTION[1:]:
        if cells := charts.shown(summary, name):
            chart = charts.dots(summary, BY_NAME[name], look, cells, _most(cells))
            yield Figure("memory", heading(BY_NAME[name], summary), "The same scale as for idle connections.", chart)


def _stalled(summary: Summary, look: Look) -> Iterator[Figure]:
    before, during, growth = (BY_NAME[name] for name in ("before_p99", "during_p99", "growth"))
    if cells := charts.shown(summary, before.name, during.name):
        caption = "Hollow: while every client reads. Filled: while one does not. Logarithmic scale."
        chart = charts.change(summary, before, during, look, cells)
        yield Figure("change", "99th percentile for those who read", caption, chart)
    if cells := charts.shown(summary, growth.name):
        caption = "Most of it is queued for the one client."
        yield Figure("memory", heading(growth, summary), caption, charts.dots(summary, growth, look, cells))


def _also(summary: Summary, look: Look) -> Iterator[Figure]:
    """CPU where it is not what is ranked by, and the throughput of servers that had nothing left."""
    cpu, rate = BY_NAME["cpu"], BY_NAME["rate"]
    cells = charts.shown(summary, cpu.name)
    if cells and summary.metric is not cpu:
        yield Figure("cpu", heading(cpu, summary), "Less is better.", charts.dots(summary, cpu, look, cells))
    cells = [cell for cell in charts.shown(summary, rate.name) if cell.limit.stamp == limits.SERVER]
    if cells and not summary.workload.open:
        caption = "More is better. Only servers that were the limit themselves."
        yield Figure("rate", heading(rate, summary), caption, charts.dots(summary, rate, look, cells))


def latencies(summary: Summary, look: Look, kinds: tuple[str, ...] = tuple(latency.KINDS)) -> Iterator[Figure]:
    """Latency by percentile, a chart for each kind of histogram, all on one scale.

    Raises:
        ResultError: a histogram cannot be read.
    """
    cells = charts.shown(summary)
    # The best is drawn last, and lies on top.
    names = [cell.arm.name for cell in reversed(cells)]
    held = {kind: latency.curves(summary.series, names, kind) for kind in kinds}
    times = [point.value for each in held.values() for curve in each for point in curve.points]
    for kind, found in held.items():
        if found:
            chart = charts.percentiles(found, cells, look, (min(times), max(times)))
            yield Figure("latency", latency.KINDS[kind], "", chart)
