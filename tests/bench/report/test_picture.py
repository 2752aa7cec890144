from __future__ import annotations

import re
import struct
from xml.etree import ElementTree

import pytest

from netkit.bench import numbers
from netkit.bench.report import latency, picture
from netkit.bench.report.theme import LIGHT, marks
from netkit.bench.results import Result
from netkit.bench.summary import Summary, summarise
from tests.bench.report.conftest import WORKLOADS, Make

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def measured(make: Make) -> Result:
    """Charts of every kind that a picture has."""
    wanted = [
        each for each in WORKLOADS if each.scenario in ("echo", "stalled", "churn", "capacity-echo") and not each.tls
    ]
    return make(wanted)


@pytest.fixture(scope="module")
def summaries(measured: Result) -> list[Summary]:
    return summarise(measured)


@pytest.fixture(scope="module")
def drawn(measured: Result, summaries: list[Summary]) -> ElementTree.Element:
    return ElementTree.fromstring(picture.svg(measured, summaries))


def groups(drawn: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    """The marks of each chart that have a name, in the order of the charts."""
    return [each for each in drawn.iter(f"{SVG}g") if re.search(rf" {name}$", each.get("class", ""))]


def test_it_says_what_was_measured_where_and_when(drawn: ElementTree.Element) -> None:
    texts = {said for each in drawn.iter(f"{SVG}text") for said in each.itertext()}
    assert "netkit bench: echo, stalled, churn, capacity-echo" in texts
    assert "25 November 2026, 08:31 UTC+01:00" in texts
    assert "Imaginary 9000 @ 3.00GHz, 4 cores (server 3, load 1), Linux 6.1.0, CPython 3.13.1, uvloop 0.22.1" in texts


def test_every_workload_has_its_own_figures(drawn: ElementTree.Element, summaries: list[Summary]) -> None:
    texts = [each.text for each in drawn.iter(f"{SVG}text")]
    for summary in summaries:
        assert summary.workload.title in texts
        for cell in summary.ranking:
            assert numbers.figure(summary.metric, cell.values[summary.metric.name].estimate) in texts
    # Two charts that shared a mark would have their dots at the same places.
    places = [tuple(each.get("transform") for each in chart) for chart in groups(drawn, r"points_rows\d+\w*_marks")]
    assert len(places) == len(set(places))


def test_every_curve_has_the_colour_of_its_server(
    drawn: ElementTree.Element, measured: Result, summaries: list[Summary]
) -> None:
    made = marks(measured.series[0].arms, LIGHT)
    wanted = []
    for summary in summaries:
        cells = {cell.arm.name: cell for cell in summary.cells if not cell.failed}
        hues = sorted(made[name].colour if cell.ranked else LIGHT.muted for name, cell in cells.items())
        kinds = [kind for kind in ("response", "during") if latency.curves(summary.series, list(cells), kind)]
        wanted += [hues for _ in kinds]
    strokes = [
        sorted(str(path.get("stroke")) for line in groups(chart, r"curves_rows\d+\w*_marks") for path in line)
        for chart in groups(drawn, r"curves_rows\d+\w*_pathgroup")
    ]
    assert strokes == wanted


def test_a_png_is_sharp_and_wide_enough(small: Result) -> None:
    found = picture.png(small, summarise(small))
    assert found[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", found[16:24])
    assert width > 1600
    assert 400 < height < width


def test_no_round_is_a_picture_too(small: Result) -> None:
    small.series[0].rounds.clear()
    assert "no round was finished" in picture.svg(small, summarise(small))
