"""What all charts share: colours, marks and sizes, their data, their scales, and how one becomes a specification.

Charts name their data, and the values stand beside them: Altair would check every single value against its schema, for
seconds. Every part of a chart has a name of its own too, since Vega-Lite takes parts of the same name for the same.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import altair as alt

from .theme import Mark, Theme

#: Pixels: of a row, and of the longest label.
ROW, LABEL_WIDE = 25, 170

#: Ticks of ratios that spread neither little nor much.
RATIOS = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0)

#: How an axis of times in microseconds names its ticks, in Vega's expressions.
TIMES = (
    "datum.value < 1000 ? format(datum.value, '~g') + ' us' : datum.value < 1000000 ? "
    "format(datum.value / 1000, '~g') + ' ms' : format(datum.value / 1000000, '~g') + ' s'"
)

Rows: TypeAlias = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Look:
    """How charts are drawn, and what is drawn in them.

    Attributes:
        theme: their colours.
        marks: of each arm, by its name.
        font: a family.
        width: of the plot in pixels; 0: as wide as what it stands in.
        named: whether the rows have the names of their servers on the left.
        data: the rows of all charts that were made, by the name that the charts know them under.
    """

    theme: Theme
    marks: dict[str, Mark]
    font: str
    width: int = 0
    named: bool = True
    data: dict[str, Rows] = field(default_factory=dict)

    def chart(self, name: str, rows: Rows) -> alt.Chart:
        """A chart of some rows, the same rows being kept once."""
        held = next((key for key, each in self.data.items() if each is rows), "")
        if not held:
            held = f"rows{len(self.data)}"
            self.data[held] = rows
        return alt.Chart(alt.NamedData(name=held), name=f"{name}_{held}")

    def layered(self, layers: Iterable[Any], height: int) -> alt.LayerChart:
        """Layers as one chart, in its size."""
        width: Any = self.width or "container"
        return alt.LayerChart(layer=list(layers), width=width, height=height)

    def rows(self, layers: Iterable[Any], count: int) -> alt.LayerChart:
        """Layers of so many rows, which have labels of their own on either side."""
        made: alt.LayerChart = self.layered(layers, ROW * count).resolve_axis(y="independent")
        return made

    def specification(self, chart: alt.TopLevelMixin) -> dict[str, Any]:
        """A chart as Vega-Lite reads it, with the data that it names and no other."""
        # Its schema takes seconds for a page, and a test has seen every kind of chart.
        made: dict[str, Any] = chart.to_dict(validate=False)
        return {**made, "datasets": {name: self.data[name] for name in _named(made)}}

    def config(self) -> dict[str, Any]:
        """Vega's configuration: little ink that is no data."""
        theme = self.theme
        return {
            "font": self.font,
            "background": None,
            "view": {"stroke": None},
            "title": {"color": theme.ink, "fontSize": 13, "fontWeight": 600, "anchor": "start", "offset": 10},
            "axis": {
                "labelColor": theme.muted,
                "titleColor": theme.muted,
                "gridColor": theme.grid,
                "labelFontSize": 12,
                "titleFontSize": 12,
                "titleFontWeight": "normal",
                "titlePadding": 6,
                "labelPadding": 6,
                "labelLimit": LABEL_WIDE,
                "domain": False,
                "ticks": False,
            },
        }


def _named(part: Any) -> Iterator[str]:
    """The names of data in a specification, each as often as it is there."""
    if isinstance(part, dict):
        data = part.get("data")
        if isinstance(data, dict) and "name" in data:
            yield str(data["name"])
        for key in ("layer", "hconcat", "vconcat"):
            for each in part.get(key, ()):
                yield from _named(each)


def literal(name: str) -> Any:
    """A channel whose values are colours, shapes or dashes already."""
    made: dict[str, Callable[..., Any]] = {"colour": alt.Stroke, "fill": alt.Fill, "shape": alt.Shape}
    return made[name](f"{name}:N", scale=None)


# Labels of rows.


def labels(texts: Iterable[str], side: Any, strong: Iterable[int], weak: Iterable[int], theme: Theme) -> alt.Y:
    """Rows with a text each; some of the texts are bold, some are grey."""

    def within(rows: Iterable[int]) -> str:
        return f"indexof({json.dumps(list(rows))}, datum.value) >= 0"

    axis = alt.Axis(
        orient=side,
        # JSON is an array literal of Vega's expressions, and so nothing in a name can become code.
        labelExpr=f"{json.dumps(list(texts))}[datum.value]",
        labelPadding=8,
        labelColor=alt.condition(within(weak), alt.value(theme.muted), alt.value(theme.ink)),
        labelFontWeight=alt.condition(within(strong), alt.value(700), alt.value(400)),
    )
    return alt.Y("row:O", title=None, axis=axis)


# Scales.


def log_times(values: Iterable[float]) -> tuple[alt.Scale, alt.Axis]:
    """A logarithmic scale for times in microseconds, and its axis."""
    held = [max(each, 1.0) for each in values]
    low, high = min(held) / 1.15, max(held) * 1.15
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    return scale, alt.Axis(values=decades(low, high), labelExpr=TIMES, labelOverlap=True)


def decades(low: float, high: float) -> list[float]:
    """Ticks for a logarithmic scale: 1, 2 and 5 times the powers of ten, or only these where there are many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    heads = (1, 2, 5) if high / low < 200 else (1,)
    return [each for power in powers for head in heads if low <= (each := float(f"{head}e{power}")) <= high]


def ratio_ticks(low: float, high: float) -> list[float]:
    """Ticks for ratios: the finer, the less they spread."""
    if high / low > 12:
        return decades(low, high)
    if high / low > 2.5:
        return [each for each in RATIOS if low <= each <= high]
    step = 0.05 if high / low < 1.35 else 0.1 if high / low < 1.7 else 0.2
    ticks = [round(step * number, 2) for number in range(1, math.ceil(high / step) + 1)]
    return [each for each in ticks if low <= each <= high]
