"""The drawing, without a browser: its parts, its text, and that no line goes through a label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netkit.bench.report import theme as bench_theme
from netkit.tower.trace.lanes import LANES
from netkit.tower.trace.model import CLIENT, KERNEL, Step, Trace
from netkit.tower.trace.page import diagram, theme
from netkit.tower.trace.page.frame import DETAIL, GLANCE, Frame, Label, frame, labels, lasting
from netkit.tower.trace.page.text import escape, width, wrap
from tests.tower.trace import made

TRACES = (*made.six().traces, *made.long(60).traces)


def drawn(trace: Trace, frame: Frame) -> ElementTree.Element:
    return ElementTree.fromstring(diagram.draw(trace, frame, "name", "words"))


# Labels.

#: Left, top, right, bottom.
Box = tuple[float, float, float, float]


def boxes(trace: Trace, frame: Frame) -> Iterator[tuple[int, Label, Box]]:
    """Where the label of each step is."""
    scale = frame.scale
    for index, label in enumerate(labels(trace.steps, scale)):
        left = frame.x(index) - scale.reach
        y = frame.y(trace.steps[index])
        high = len(label.lines) * scale.leading
        top = y - scale.radius - 4 - high if label.above else y + scale.radius + 2
        yield index, label, (left, top, left + max(width(line, scale.label) for line in label.lines), top + high)


def ways(trace: Trace, frame: Frame) -> Iterator[tuple[float, float, float]]:
    """The upright part of each way: where it is, from which height to which."""
    for index in range(1, len(trace.steps)):
        ends = sorted((frame.y(trace.steps[index - 1]), frame.y(trace.steps[index])))
        yield frame.edge(index), ends[0], ends[1]


def crossed(trace: Trace, frame: Frame) -> list[str]:
    """The labels that a line goes through, or another label."""
    found = list(boxes(trace, frame))
    upright = list(ways(trace, frame))
    made = []
    for index, label, (left, top, right, bottom) in found:
        lines = any(left < x < right and low < bottom and high > top for x, low, high in upright)
        others = any(
            other != index and left < box[2] and right > box[0] and top < box[3] and bottom > box[1]
            for other, _, box in found
        )
        if lines or others:
            made.append(f"{index + 1} {' '.join(label.lines)}")
    return made


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: f"{trace.label}, {len(trace.steps)}")
def test_no_line_goes_through_a_label(trace: Trace) -> None:
    assert crossed(trace, frame(TRACES, DETAIL)) == []


WORDS = st.sampled_from(["the task is woken", "the loop finds the socket readable", "x" * 30, "a b c d e f g h i j k"])


@given(st.lists(st.tuples(st.sampled_from(LANES), WORDS), min_size=1, max_size=12))
def test_no_line_goes_through_a_label_whatever_the_way(way: list[tuple[int, str]]) -> None:
    steps = [replace(made.one().steps[1], tier=tier, text=text) for tier, text in way]
    trace = replace(made.one(), steps=tuple(steps))
    assert crossed(trace, frame([trace], DETAIL)) == []


def test_a_label_has_all_words_of_its_step() -> None:
    for trace in TRACES:
        said = [" ".join(label.lines) for label in labels(trace.steps, DETAIL)]
        assert said == [step.text.removeprefix("inside C: ") for step in trace.steps]


def test_labels_stay_within_the_lane_of_their_step() -> None:
    lanes = frame(TRACES, DETAIL)
    for trace in TRACES:
        for index, _, (_, top, _, bottom) in boxes(trace, lanes):
            lane = lanes.lanes[trace.steps[index].tier]
            assert lane.top <= top + 1
            assert bottom - 1 <= lane.top + lane.height


# Lanes and what lasts.


def test_lanes_stand_on_each_other_from_the_client_up_to_the_service() -> None:
    lanes = list(frame(TRACES, GLANCE).lanes.values())
    assert [lane.tier for lane in lanes] == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, KERNEL, CLIENT]
    assert [lane.tier for lane in lanes if not lane.used] == [6, 5]
    for upper, lower in pairwise(lanes):
        assert lower.top == pytest.approx(upper.top + upper.height, abs=0.2)


def depths(*pairs: tuple[int, int]) -> list[Step]:
    """Steps of these calls by the loop and depths."""
    return [replace(made.one().steps[1], turn=turn, depth=depth) for turn, depth in pairs]


def test_a_step_lasts_to_the_last_one_inside_of_it() -> None:
    steps = depths((1, 0), (1, 1), (1, 2), (1, 1), (2, 1))
    assert [lasting(steps, index) for index in range(5)] == [3, 2, 2, 3, 4]


def test_the_client_may_act_meanwhile() -> None:
    steps = depths((1, 0), (0, 0), (1, 1), (0, 0), (1, 0))
    assert [lasting(steps, index) for index in (0, 4)] == [2, 4]


def test_a_call_that_the_client_comes_between_is_named_once_more() -> None:
    trace = replace(made.one(), steps=tuple(depths((1, 0), (1, 1), (0, 0), (1, 1), (1, 1))))
    heads = [each.text for each in drawn(trace, frame([trace], DETAIL)).iter() if each.get("class") == "head"]
    assert heads == ["call 1 by the loop", "still call 1"]


# Text.


def test_a_drawing_is_whole_xml_whatever_it_says() -> None:
    text = "<&>\"'\x00\x1b\ud800 ]]> </svg>"
    steps = tuple(replace(step, text=text, api=text, where=text) for step in made.one().steps)
    trace = replace(made.one(), layer=text, steps=steps)
    titles = [each.text or "" for each in drawn(trace, frame([trace], DETAIL)).iter("title")]
    assert len(titles) == len(steps)
    assert all("<&>\"'\\x00\\x1b\\ud800 ]]> </svg>" in title for title in titles)


@given(st.text(max_size=120), st.floats(30, 300), st.integers(1, 4))
def test_no_line_is_too_long_and_none_is_too_many(text: str, room: float, most: int) -> None:
    lines = wrap(text, 10, room, most)
    assert len(lines) <= most
    assert all(len(line) == 1 or line == line[:1] + "…" or width(line, 10) <= room for line in lines)


def test_what_does_not_fit_is_seen_to_be_cut() -> None:
    assert wrap("one two three", 10, 40, 2) == ["one", "two…"]
    assert wrap("unbreakable", 10, 40, 9) == ["unbrea", "kable"]


def test_what_is_escaped_may_stand_in_an_attribute() -> None:
    assert escape("\"<'&>\n") == "&quot;&lt;&#x27;&amp;&gt;\\n"


# Colours.


def test_layers_have_the_hues_that_they_have_in_the_bench() -> None:
    for own, other in ((theme.LIGHT, bench_theme.LIGHT), (theme.DARK, bench_theme.DARK)):
        for layer in ("transports", "protocols", "streams"):
            assert getattr(own, layer) == other.layer(layer)


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_every_mark_can_be_seen(scheme: theme.Theme) -> None:
    hues = {name: colour for name, colour in asdict(scheme).items() if name not in ("paper", "grid", "band")}
    for behind in (scheme.paper, scheme.band):
        for name, colour in hues.items():
            low, high = sorted((luminance(colour), luminance(behind)))
            assert (high + 0.05) / (low + 0.05) >= 3, name
