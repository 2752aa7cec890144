"""The page in a real browser: what is drawn, what it asks of the network, and what a hostile result can do in it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from playwright.sync_api import Browser, Dialog, Error, Page, sync_playwright

from netkit.bench import numbers
from netkit.bench.report import page, tables
from netkit.bench.report.theme import DARK, LIGHT
from netkit.bench.results import Result
from netkit.bench.summary import Summary, summarise
from tests.conftest import lacking

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

#: Milliseconds until a wait for the page counts as failed.
PATIENCE = 30_000

#: Text that would do something if it were anything but text: in HTML, in a script, in an expression of Vega.
HOSTILE = '</script><img src=x onerror=alert(1)><!--\'"];alert(1);["\\\u2028${alert(1)}{{7*7}}'


@dataclass(frozen=True)
class Opened:
    """A page in the browser, and what it did beside being shown."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def dismiss(self, dialog: Dialog) -> None:
        self.complaints.append(dialog.message)
        dialog.dismiss()

    def ask(self, question: str, argument: Any = None) -> Any:
        return self.page.evaluate(question, argument)


Open: TypeAlias = Callable[[Result, list[Summary]], Opened]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        lacking("chromium", f"none of {', '.join(CHROMIUM)} is installed")
    with sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        except Error as why:
            lacking("chromium", f"{found} does not start: {why.message.splitlines()[0]}")
        yield started
        started.close()


@pytest.fixture(scope="module")
def show(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """Write the page of a result to a file, open it, and wait until it is drawn."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    context.set_default_timeout(PATIENCE)

    def shown(result: Result, summaries: list[Summary]) -> Opened:
        path: Path = tmp_path_factory.mktemp("page") / "report.html"
        path.write_text(page.html(result, summaries), encoding="utf-8")
        opened = Opened(context.new_page())
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.on("console", lambda message: opened.complaints.append(message.text))
        opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        opened.page.on("dialog", lambda dialog: opened.dismiss(dialog))
        opened.page.goto(path.as_uri())
        opened.page.wait_for_selector("html[data-drawn]")
        assert opened.requests == [path.as_uri()]
        return opened

    yield shown
    context.close()


@pytest.fixture(scope="module")
def whole(show: Open, result: Result, summaries: list[Summary]) -> Opened:
    """Everything at once, on a light desktop."""
    return show(result, summaries)


@pytest.fixture(autouse=True)
def _as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test finds the page on a light desktop."""
    yield
    if "whole" in request.fixturenames:
        opened: Opened = request.getfixturevalue("whole")
        opened.page.set_viewport_size({"width": 1280, "height": 900})
        opened.page.emulate_media(media="screen", color_scheme="light")


# What is drawn.

COUNT = """
place => Object.fromEntries([...document.querySelectorAll(`#${place} g[class*="_marks"]`)]
  .map(group => [group.classList[2].replace("_marks", ""), group])
  .reduce((all, [name, group]) => all.set(name, (all.get(name) ?? 0) + group.children.length), new Map()))
"""


def test_a_chart_draws_a_mark_for_every_value(whole: Opened, summaries: list[Summary]) -> None:
    charts = json.loads(whole.ask("document.getElementById('charts').textContent"))["charts"]
    assert len(charts) == whole.page.locator(".chart svg").count()
    for place, chart in charts.items():
        wanted = {}
        for layer in chart["layer"]:
            name = layer["name"].partition("_")[0]
            rows = chart["datasets"][layer.get("data", chart.get("data"))["name"]]
            wanted[layer["name"]] = len({row["arm"] for row in rows}) if name == "curves" else len(rows)
        assert whole.ask(COUNT, place) == wanted, place


def test_every_server_has_its_row_in_both_main_charts(whole: Opened, summaries: list[Summary]) -> None:
    for number, summary in enumerate(summaries, 1):
        cells = [cell for cell in tables.rows(summary) if not cell.failed]
        for kind in ("values", "ratios"):
            texts = whole.page.locator(f"#workload-{number} figure.{kind} svg text").all_text_contents()
            assert [text for text in texts if text in {cell.arm.label for cell in cells}] == [
                cell.arm.label for cell in cells
            ]


def test_what_is_not_ranked_is_hollow_and_named(whole: Opened) -> None:
    go = whole.page.locator("#workload-1 figure.values g[class*='points_'] path").last
    assert go.get_attribute("fill") == "var(--paper)"
    said = whole.page.locator("#workload-1 dl.apart").inner_text().split("\n")
    assert said == ["go", "not ranked: the load was busy 97 % of the time, and the server only 61 %"]


def test_what_failed_is_listed_and_not_drawn(whole: Opened) -> None:
    said = whole.page.locator("#workload-6 dl.apart").inner_text().split("\n")
    assert said == ["ncat", "failed: it refused a connection (1 of 13 rounds)"]
    assert "ncat" not in whole.page.locator("#workload-6 figure svg text").all_text_contents()


def test_the_table_has_every_figure(whole: Opened, summaries: list[Summary]) -> None:
    for number, summary in enumerate(summaries, 1):
        text = whole.page.locator(f"#workload-{number} table").inner_text()
        for cell in summary.cells:
            for metric in tables.columns(summary):
                if metric.name in cell.values:
                    value, ends = numbers.parts(metric, cell.values[metric.name])
                    assert value in text
                    assert ends in text


def test_the_spoilt_round_is_counted_with_its_reason(whole: Opened) -> None:
    assert "12 of 13 rounds, 1 spoilt" in whole.page.locator("#workload-1 .about").first.inner_text()
    method = whole.page.locator(".method").inner_text()
    assert "Of 104 rounds, 1 did not count" in method
    assert "steal of 3.1 % on the server's core (1)" in method


def test_a_row_tells_its_figures_under_the_pointer(whole: Opened, summaries: list[Summary]) -> None:
    best = summaries[0].ranking[0]
    dot = whole.page.locator("#workload-1 figure.values g[class*='hover_'] path").first
    dot.scroll_into_view_if_needed()
    dot.hover()
    tooltip = whole.page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    value, ends = numbers.parts(summaries[0].metric, best.values[summaries[0].metric.name])
    said = tooltip.inner_text().split("\n")
    assert said == [f"server\t{best.arm.label}", f"figure\t{value}", f"95 % CI\t{ends}", f"outcome\t{best.difference}"]


# How it is shown.


def rgb(colour: str) -> str:
    """``#rrggbb`` as a browser writes it."""
    return f"rgb({', '.join(str(int(colour[start : start + 2], 16)) for start in (1, 3, 5))})"


COLOURS = """
() => [getComputedStyle(document.body).backgroundColor,
       ...["figure.values .role-axis-label text", "figure.values g[class*='points_'] path"]
         .map(found => getComputedStyle(document.querySelector(found)).fill)]
"""


def test_the_scheme_changes_while_the_page_is_open(whole: Opened) -> None:
    light = [rgb(LIGHT.paper), rgb(LIGHT.muted), rgb(LIGHT.transports)]
    dark = [rgb(DARK.paper), rgb(DARK.muted), rgb(DARK.transports)]
    assert whole.ask(COLOURS) == light
    whole.page.emulate_media(color_scheme="dark")
    assert whole.ask(COLOURS) == dark
    whole.page.emulate_media(media="print", color_scheme="dark")
    assert whole.ask(COLOURS) == light


def test_on_a_phone_nothing_is_wider_than_the_screen(whole: Opened) -> None:
    whole.page.set_viewport_size({"width": 390, "height": 844})
    # Vega draws anew at its own time.
    whole.page.wait_for_function(
        "() => [...document.querySelectorAll('.chart svg')].every(svg => +svg.getAttribute('width') <= 390)"
    )
    assert whole.ask("document.documentElement.scrollWidth") <= 390
    narrowest = whole.ask("Math.min(...[...document.querySelectorAll('.chart svg')].map(each => each.clientWidth))")
    assert narrowest > 300
    # The table is wider than that, and scrolls by itself.
    assert whole.ask("document.querySelector('.scroll').scrollWidth") > 390


def test_a_quick_and_interrupted_run_says_so_everywhere(show: Open, small: Result) -> None:
    small.quick, small.finished = True, False
    opened = show(small, summarise(small))
    assert opened.page.locator(".caveat").all_inner_texts() == [
        "indicative only: a quick run",
        "interrupted: 6 of 7 rounds",
    ]
    headings = opened.page.locator(".verdicts h2, .workload h2, .workload h3").all_inner_texts()
    assert len(headings) == 4
    assert all(each.endswith("indicative") for each in headings)
    assert opened.complaints == []
    opened.page.close()


# What must not happen.


def test_nothing_was_complained_of(whole: Opened) -> None:
    assert whole.complaints == []


def test_text_of_a_result_never_becomes_code(show: Open, small: Result) -> None:
    series = small.series[0]
    series.arms = [replace(arm, label=HOSTILE) for arm in series.arms]
    series.workload = replace(series.workload, scenario=HOSTILE, about=HOSTILE)
    series.rounds[2].spoilt = HOSTILE
    for each in series.rounds:
        each.samples[series.arms[1].name].failed = HOSTILE
    small.netkit = small.started = HOSTILE
    small.machine[HOSTILE] = HOSTILE
    opened = show(small, summarise(small))
    assert opened.complaints == []
    assert opened.page.locator("img").count() == 0
    said = opened.page.locator("body").inner_text()
    assert said.count("{{7*7}}") >= 10
    labels = opened.page.locator("figure.values svg text").all_text_contents()
    assert sum(each.startswith("</script><img") for each in labels) == 2
    opened.page.close()


def test_nothing_measured_is_a_page_too(show: Open, small: Result) -> None:
    small.series[0].rounds.clear()
    opened = show(small, [])
    assert "No round was finished" in opened.page.locator("main").inner_text()
    assert opened.complaints == []
    opened.page.close()
