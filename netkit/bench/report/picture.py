"""A picture of a run for a README: the main charts of every workload under each other, as SVG or PNG.

It is drawn without a browser and with a font that comes along, and looks the same on every machine. In an SVG the
text stays text; whoever lacks that font sees Arial or Helvetica, whose letters have the same widths or nearly so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import altair as alt
import vl_convert

from ..results import Result
from ..summary import Summary
from . import about, charts, figures
from .look import ROW, Look
from .theme import LIGHT, marks

FONT = "Liberation Sans, Arial, Helvetica, sans-serif"

#: Widths of the plots in pixels: of figures, of ratios and of latency.
VALUES, RATIOS, LATENCY = 250, 210, 260

#: Pixels that a chart of curves is high at least.
LEAST_HIGH = 130

#: Each chart of curves numbers its arms anew.
APART: dict[str, Any] = {"stroke": "independent", "strokeDash": "independent"}

#: Pixels for each pixel of the chart, so that it is sharp on any screen.
SCALE = 2.0


def svg(result: Result, summaries: list[Summary]) -> str:
    """The picture as SVG."""
    return vl_convert.vegalite_to_svg(specification(result, summaries))


def png(result: Result, summaries: list[Summary]) -> bytes:
    """The picture as PNG, on white."""
    return vl_convert.vegalite_to_png(specification(result, summaries), scale=SCALE)


def specification(result: Result, summaries: list[Summary]) -> dict[str, Any]:
    """The picture as Vega-Lite has it.

    Raises:
        ResultError: a histogram of the result is damaged.
    """
    look = Look(LIGHT, marks((arm for each in result.series for arm in each.arms), LIGHT), FONT)
    rows = [row for summary in summaries if (row := _row(summary, look))]
    heading = alt.TitleParams(
        about.title(result),
        subtitle=[", ".join([about.when(result), *about.caveats(result)]), about.machine_line(result)],
        anchor="start",
        fontSize=19,
        fontWeight=700,
        subtitleFontSize=12,
        subtitlePadding=6,
        subtitleColor=LIGHT.muted,
        offset=22,
    )
    empty = look.chart("empty", [{}]).mark_text(text="no round was finished", color=LIGHT.ink)
    whole = alt.vconcat(*(rows or [empty]), spacing=34, title=heading, padding=24).resolve_scale(**APART)
    return {**look.specification(whole), "config": look.config() | {"background": LIGHT.paper}}


def _row(summary: Summary, look: Look) -> alt.HConcatChart | None:
    """One workload: its figures, the ratios, and the response times by percentile."""
    beside = replace(look, width=RATIOS, named=False)  # its rows are those of the figures, which have the names
    found = [*figures.values(summary, replace(look, width=VALUES)), *figures.ratios(summary, beside)]
    if not found:
        return None
    parts = [each.chart.properties(title=each.heading) for each in found]
    high = max(ROW * len(charts.shown(summary, summary.metric.name)), LEAST_HIGH)
    parts += [
        each.chart.properties(title=f"{each.heading}, by percentile", height=high)
        for each in figures.latencies(summary, replace(look, width=LATENCY), ("response", "during"))
    ]
    heading = alt.TitleParams(
        summary.workload.title,
        subtitle=", ".join([about.rounds(summary), f"cannot be told: {about.floor(summary)}"]),
        anchor="start",
        fontSize=15,
        subtitleColor=LIGHT.muted,
        subtitleFontSize=11.5,
        offset=14,
    )
    made: alt.HConcatChart = alt.hconcat(*parts, spacing=26, title=heading).resolve_scale(**APART)
    return made
