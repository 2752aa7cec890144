"""A report as one HTML file that needs nothing else: no network, no folder beside it, any browser of these years.

The charts are specifications that Vega, which is part of the file, draws in the browser. Their colours are CSS
variables, so that a page follows the reader's scheme while it is open, and prints in light colours.

What a result says is text, wherever it ends up: the template escapes all of it, in the JSON within the page no ``<`` is
left, and the page allows no script but its own, by its hash, and no request at all.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import jinja2
import vl_convert

from .. import verdict
from ..results import Result
from ..summary import Cell, Summary
from . import about, charts, tables
from .figures import Figure, figures
from .look import Look
from .theme import DARK, LIGHT, PAGE, Mark, marks, variables

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif"

#: What the template is given for one chart: its place in the page, and the words around it.
Placed = tuple[str, Figure]


@dataclass(frozen=True, slots=True)
class Section:
    """One workload, as the template has it.

    Attributes:
        anchor: where it is in the page.
        summary: what can be said.
        sentences: the verdict.
        rounds: how many.
        charts: those with a row for each server.
        curves: those of latency.
        key: the servers of the curves, with their marks.
        unranked: the servers that are not ranked.
        failed: the servers without figures.
    """

    anchor: str
    summary: Summary
    sentences: list[str]
    rounds: str
    charts: list[Placed]
    curves: list[Placed]
    key: list[tuple[Cell, Mark]]
    unranked: list[Cell]
    failed: list[Cell]


def html(result: Result, summaries: list[Summary]) -> str:
    """The whole page.

    Args:
        result: what was measured.
        summaries: what can be said of it, see ``summary.summarise``.

    Raises:
        ResultError: a histogram of the result is damaged.
    """
    look = Look(PAGE, marks((arm for each in result.series for arm in each.arms), PAGE), FONT)
    sections = [_section(summary, look, number) for number, summary in enumerate(summaries, 1)]
    placed = [each for section in sections for each in (*section.charts, *section.curves)]
    drawn = {place: look.specification(figure.chart) for place, figure in placed}
    # The configuration is the same for all of them.
    data = {"config": look.config(), "charts": drawn}
    scripts = [_vega(), _file("page.js")]
    return _template().render(
        title=about.title(result),
        result=result,
        when=about.when(result),
        machine_line=about.machine_line(result),
        caveats=about.caveats(result),
        sections=sections,
        method=about.method(result, summaries),
        facts=about.facts(result.machine),
        tables=tables,
        style=_style(),
        data=_embedded(data),
        scripts=scripts,
        hashes=[_hash(each) for each in scripts],
    )


def _section(summary: Summary, look: Look, number: int) -> Section:
    anchor = f"workload-{number}"
    found = [(f"{anchor}-chart-{count}", figure) for count, figure in enumerate(figures(summary, look), 1)]
    cells = charts.shown(summary)
    return Section(
        anchor=anchor,
        summary=summary,
        sentences=verdict.sentences(summary),
        rounds=about.rounds(summary),
        charts=[each for each in found if each[1].kind != "latency"],
        curves=[each for each in found if each[1].kind == "latency"],
        key=[(cell, look.marks[cell.arm.name]) for cell in cells],
        unranked=[cell for cell in summary.cells if not cell.failed and not cell.ranked],
        failed=[cell for cell in summary.cells if cell.failed],
    )


@cache
def _vega() -> str:
    """Vega, Vega-Lite and what embeds them, as one script; it is put together anew each time, for seconds."""
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")


def _template() -> jinja2.Template:
    made = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).from_string(_file("page.html"))
    assert isinstance(made, jinja2.Template)
    return made


def _style() -> str:
    """The style sheet: what the names of colours stand for in each scheme, and the rest."""
    dark = f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {variables(DARK)} }} }}"
    return f":root {{ {variables(LIGHT)} --font: {FONT}; }}\n{dark}\n{_file('page.css')}"


def _embedded(data: Any) -> str:
    """JSON that may stand within an element ``script``: in it, only ``<`` could begin anything."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def _hash(script: str) -> str:
    """As a content security policy names a script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _file(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")
