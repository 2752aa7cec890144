"""The charts: functions from what was measured to a chart of Altair, for the page and for the picture.

In every chart of servers a row is a server, in the same order: the best first, then those that are not ranked, hollow
and grey. What is read exactly stands as text at the end of its row, so that nobody has to hover to learn a figure.
Rows are numbered, and the axes look their labels up by the number: a name may hold anything, and two may be alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import altair as alt

from .. import metrics, numbers
from .. import summary as s
from ..metrics import Metric
from ..summary import Cell, Summary
from . import tables
from .latency import MARKED, Curve
from .look import ROW, Look, Rows, labels, literal, log_times, ratio_ticks

#: Pixels of a chart of curves.
CURVES_HIGH = 270

#: Areas of symbols in square pixels, in a row and on a curve.
SYMBOL, ON_CURVE = 75, 46


def shown(summary: Summary, *names: str) -> list[Cell]:
    """The cells that have all of some figures, in the order of the rows."""
    return [cell for cell in tables.rows(summary) if not cell.failed and all(name in cell.values for name in names)]


# Rows of servers.


def dots(summary: Summary, metric: Metric, look: Look, cells: list[Cell], most: float = 0.0) -> alt.LayerChart:
    """A dot for each server with its interval, on a scale that begins at 0.

    Args:
        summary: the workload.
        metric: the figure.
        look: how it is drawn.
        cells: the rows.
        most: where the scale shall end at least, in the metric's unit, for charts that are read together.
    """
    unit, factor = numbers.fitting(metric.unit, [most, *(cell.values[metric.name].high for cell in cells)])
    rows = _rows(summary, metric, cells, look, factor)
    domain = [min(0.0, *(row["low"] for row in rows)), max(most / factor, *(row["high"] for row in rows)) * 1.03]
    title = "a second" if unit == "1/s" else unit or None
    x = alt.X("value:Q", title=title, scale=alt.Scale(domain=domain), axis=alt.Axis(tickCount=5, labelOverlap=True))
    base = [{"at": row["value"]} for row in rows if row["arm"] == summary.baseline.arm.name]
    line = look.chart("baseline", base).mark_rule(color=look.theme.muted, strokeDash=[3, 3])
    # The title of an axis is made of those of all layers.
    at = alt.X("at:Q", scale=alt.Scale(domain=domain), title=title)
    layers = [*([line.encode(x=at)] if base else []), *_dots(rows, x, title, look, [row["short"] for row in rows])]
    return look.rows(layers, len(rows))


def bars(summary: Summary, metric: Metric, look: Look, cells: list[Cell]) -> alt.LayerChart:
    """A bar for each server from 0, with its interval."""
    unit, factor = numbers.fitting(metric.unit, [cell.values[metric.name].high for cell in cells])
    rows = _rows(summary, metric, cells, look, factor)
    title = "a second" if unit == "1/s" else unit or None
    x = alt.X("value:Q", title=title, scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=4, format=",d"))
    bar = look.chart("bars", rows).mark_bar(height=ROW * 0.55, opacity=1)
    ends = look.chart("intervals", rows).mark_rule(strokeWidth=1.5, color=look.theme.ink)
    texts = [row["short"] for row in rows]
    layers = [
        bar.encode(x=x, y=_left(rows, look), fill=literal("fill"), stroke=literal("colour")),
        ends.encode(x=alt.X("low:Q", title=title), x2="high:Q", y=_right(texts, rows, look)),
        _hover(rows, look),
    ]
    return look.rows(layers, len(rows))


def ratios(summary: Summary, look: Look, cells: list[Cell]) -> alt.LayerChart:
    """What each server has of the baseline's figure, on a logarithmic scale, over the band that cannot be told."""
    theme = look.theme
    rows = [_ratio(summary, cell, look, number) for number, cell in enumerate(cells)]
    band = max(s.LEAST, summary.floor)
    low = min(max(1 - band, 0.1), *(row["low"] for row in rows)) / 1.06
    high = max(1 + band, *(row["high"] for row in rows)) * 1.06
    axis = alt.Axis(values=ratio_ticks(low, high), labelExpr="format(datum.value, '~g')", labelOverlap=True)
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    floor = look.chart("floor", [{"low": max(1 - band, low), "high": 1 + band}]).mark_rect(color=theme.band, opacity=1)
    one = look.chart("one", [{"at": 1.0}]).mark_rule(color=theme.muted)
    layers = [
        floor.encode(x=alt.X("low:Q", scale=scale, axis=axis, title=None), x2="high:Q"),
        one.encode(x=alt.X("at:Q", scale=scale, axis=axis, title=None)),
        *_dots(rows, alt.X("value:Q", scale=scale, axis=axis, title=None), None, look, [row["text"] for row in rows]),
    ]
    return look.rows(layers, len(rows))


def change(summary: Summary, before: Metric, after: Metric, look: Look, cells: list[Cell]) -> alt.LayerChart:
    """Two times of each server on one logarithmic scale, and what lies between: hollow before, filled after."""
    rows = _rows(summary, after, cells, look, 1.0)
    for row, cell in zip(rows, cells, strict=True):
        row["before"] = cell.values[before.name].estimate
        row["was"] = numbers.figure(before, row["before"])
    scale, axis = log_times([value for row in rows for value in (row["before"], row["value"])])
    texts = [f"{row['was']} → {row['short']}" for row in rows]

    def x(name: str) -> alt.X:
        return alt.X(f"{name}:Q", scale=scale, axis=axis, title=None)

    between = look.chart("between", rows).mark_rule(strokeWidth=2)
    symbol: dict[str, Any] = {"size": SYMBOL, "opacity": 1, "strokeWidth": 2}
    point = {"shape": literal("shape"), "stroke": literal("colour")}
    was = look.chart("before", rows).mark_point(fill=look.theme.paper, **symbol)
    now = look.chart("after", rows).mark_point(**symbol)
    layers = [
        between.encode(x=x("value"), x2="before:Q", y=_left(rows, look), stroke=literal("colour")),
        was.encode(x=x("before"), y=_plain(), **point),
        now.encode(x=x("value"), y=_right(texts, rows, look), fill=literal("fill"), **point),
        _hover(rows, look, alt.Tooltip("was:N", title=before.label), alt.Tooltip("figure:N", title=after.label)),
    ]
    return look.rows(layers, len(rows))


def _rows(summary: Summary, metric: Metric, cells: list[Cell], look: Look, factor: float) -> Rows:
    made = []
    for number, cell in enumerate(cells):
        held = cell.values[metric.name]
        figure, ends = numbers.parts(metric, held)
        values = {"value": held.estimate / factor, "low": held.low / factor, "high": held.high / factor}
        texts = {"figure": figure, "interval": ends, "short": numbers.figure(metric, held.estimate)}
        made.append({**_row(summary, cell, look, number), **values, **texts})
    return made


def _row(summary: Summary, cell: Cell, look: Look, number: int) -> dict[str, Any]:
    """What every row has: where it stands, how it is drawn, what it is called."""
    mark = look.marks[cell.arm.name]
    return {
        "row": number,
        "arm": cell.arm.name,
        "server": cell.arm.label,
        "colour": mark.colour if cell.ranked else look.theme.muted,
        "fill": mark.colour if cell.ranked else look.theme.paper,
        "shape": mark.shape,
        "ranked": cell.ranked,
        "outcome": tables.outcome(cell),
    }


def _ratio(summary: Summary, cell: Cell, look: Look, number: int) -> dict[str, Any]:
    """A row of the ratios. Where there is none, there is a row without a dot."""
    row = _row(summary, cell, look, number)
    held = cell.ratios.get(summary.metric.name)
    if held is None:
        base = cell is summary.baseline
        row |= {"value": 1.0 if base else None, "low": 1.0, "high": 1.0}
        return row | {"figure": "1" if base else "none", "interval": "none", "text": row["outcome"]}
    text = numbers.times(held.estimate)
    ends = f"{numbers.times(held.low)} to {numbers.times(held.high)}"
    row |= {"value": held.estimate, "low": held.low, "high": held.high, "figure": text, "interval": ends}
    row["claimed"] = cell.difference in (s.LESS, s.MORE)
    return row | {"text": text if cell.ranked else row["outcome"]}


def _dots(rows: Rows, x: alt.X, title: str | None, look: Look, texts: list[str]) -> list[alt.Chart]:
    ends = look.chart("intervals", rows).mark_rule(strokeWidth=2.5)
    point = look.chart("points", rows).mark_point(size=SYMBOL, opacity=1, strokeWidth=1.5)
    return [
        ends.encode(x=alt.X("low:Q", title=title), x2="high:Q", y=_left(rows, look), stroke=literal("colour")),
        point.encode(
            x=x, y=_right(texts, rows, look), shape=literal("shape"), stroke=literal("colour"), fill=literal("fill")
        ),
        _hover(rows, look),
    ]


def _hover(rows: Rows, look: Look, *figures: alt.Tooltip) -> alt.Chart:
    """An invisible band over each row that gives the tooltip: a finger need not hit the dot."""
    told = figures or (alt.Tooltip("figure:N", title="figure"), alt.Tooltip("interval:N", title="95 % CI"))
    tooltip = [alt.Tooltip("server:N", title="server"), *told, alt.Tooltip("outcome:N", title="outcome")]
    made: alt.Chart = look.chart("hover", rows).mark_rect(opacity=0).encode(y=_plain(), tooltip=tooltip)
    return made


def _plain() -> alt.Y:
    return alt.Y("row:O", axis=None)


def _left(rows: Rows, look: Look) -> alt.Y:
    """The names, unless the chart beside has them."""
    return labels([row["server"] for row in rows], "left", (), _weak(rows), look.theme) if look.named else _plain()


def _right(texts: list[str], rows: Rows, look: Look) -> alt.Y:
    """The figures, and the ratios bold where a difference is claimed."""
    strong = [row["row"] for row in rows if row.get("claimed")]
    return labels(texts, "right", strong, _weak(rows), look.theme)


def _weak(rows: Rows) -> list[int]:
    return [row["row"] for row in rows if not row["ranked"]]


# Curves of latency.


def percentiles(curves: list[Curve], cells: list[Cell], look: Look, domain: tuple[float, float]) -> alt.LayerChart:
    """Latency by percentile, each factor of ten towards 100 % being as wide as the one before."""
    told = {cell.arm.name: cell for cell in cells}
    points = [row for curve in curves for row in _points(curve, told[curve.arm], look)]
    # Thousands of rows: they have nothing but their numbers, and the scales know the rest.
    lines = [
        {"arm": number, "place": float(f"{point.place:.5g}"), "value": max(float(f"{point.value:.4g}"), 1.0)}
        for number, curve in enumerate(curves)
        for point in curve.points
    ]
    scale, axis = log_times(domain)
    y = alt.Y("value:Q", scale=scale, axis=axis, title=None)
    x = _percentile_axis(max(row["place"] for row in lines))
    drawn = [look.marks[curve.arm] for curve in curves]
    hues = [
        mark.colour if told[curve.arm].ranked else look.theme.muted for mark, curve in zip(drawn, curves, strict=True)
    ]
    arms = list(range(len(curves)))
    stroke = alt.Stroke("arm:N", scale=alt.Scale(domain=arms, range=hues), legend=None)
    dash = alt.StrokeDash("arm:N", scale=alt.Scale(domain=arms, range=[mark.dash for mark in drawn]), legend=None)
    tooltip = [alt.Tooltip(f"{name}:N", title=name) for name in ("server", "percentile", "time", "messages")]
    line = look.chart("curves", lines).mark_line(strokeWidth=1.8, clip=True)
    point = look.chart("points", points).mark_point(size=ON_CURVE, opacity=1, strokeWidth=1.5, clip=True)
    looks = {"shape": literal("shape"), "stroke": literal("colour"), "fill": literal("fill")}
    layers = [
        line.encode(x=x, y=y, stroke=stroke, strokeDash=dash, detail="arm:N"),
        point.encode(x=x, y=y, tooltip=tooltip, **looks),
    ]
    return look.layered(layers, CURVES_HIGH)


def _percentile_axis(farthest: float) -> alt.X:
    ticks = [place for each in MARKED if (place := 1 / (1 - each / 100)) <= farthest * 1.2]
    # 1 - 1 / 100000 is not quite 0.99999.
    names = "replace(format(1 - 1 / datum.value, '.6~%'), '%', ' %')"
    scale = alt.Scale(type="log", domain=[1, farthest * 1.15], nice=False)
    return alt.X("place:Q", scale=scale, axis=alt.Axis(values=ticks, labelExpr=names, labelOverlap=True), title=None)


def _points(curve: Curve, cell: Cell, look: Look) -> Iterable[dict[str, Any]]:
    """The marks on a curve."""
    mark = look.marks[curve.arm]
    for point in curve.points:
        if point.marked:
            yield {
                "server": cell.arm.label,
                "place": point.place,
                "value": max(point.value, 1.0),  # 0 has no place on this scale, and no clock is finer
                "percentile": f"{point.percentile:g} %",
                "time": numbers.figure(metrics.BY_NAME["p50"], point.value),
                "messages": f"{curve.samples:,}",
                "colour": mark.colour if cell.ranked else look.theme.muted,
                "fill": mark.colour if cell.ranked else look.theme.paper,
                "shape": mark.shape,
            }
