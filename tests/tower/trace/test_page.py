"""The page in a real browser: what it shows, how one goes along it, and what a hostile trace can do in it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from netkit.tower.trace import page
from netkit.tower.trace.lanes import NAMES
from netkit.tower.trace.model import Comparison, Step, Trace
from netkit.tower.trace.page.frame import DETAIL
from netkit.tower.trace.page.theme import DARK, LIGHT
from tests.tower.trace import made
from tests.tower.trace.conftest import Open, Opened

#: Text that would do something if it were anything but text: in HTML, in SVG, in a script, in a template.
HOSTILE = '</script></title></svg><img src=x onerror=alert(1)><!--\'"];alert(1);["\\\u2028\u202e${alert(1)}$title&lt;'

SIX = made.six()
SLOW = made.long(60)


@pytest.fixture(scope="module")
def six(show: Open) -> Opened:
    """Each layer on each loop, on a light desktop."""
    return show(SIX)


@pytest.fixture(scope="module")
def long(show: Open) -> Opened:
    """Sixty steps, on a light desktop."""
    return show(SLOW)


@pytest.fixture(scope="module")
def one(show: Open) -> Opened:
    """A single trace, on a light desktop where time stands still."""
    return show(made.comparison(made.one()), clock=True)


@pytest.fixture(autouse=True)
def _as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test finds a page on a light desktop, at rest."""
    yield
    for name in {"six", "long", "one"}.intersection(request.fixturenames):
        opened: Opened = request.getfixturevalue(name)
        opened.page.set_viewport_size({"width": 1280, "height": 900})
        opened.page.emulate_media(media="screen", color_scheme="light", reduced_motion="no-preference")
        for button in opened.page.locator(".stepping [data-go=play]").all():
            button.press("Escape")


# What it shows.


#: Of each drawing, by its name: the numbers and titles of its steps, and how many ways are between them.
DRAWN = """
() => Object.fromEntries([...document.querySelectorAll(".diagram")].map(each => [each.id, [
  [...each.querySelectorAll(".number")].map(number => +number.textContent),
  [...each.querySelectorAll(".step title")].map(title => title.textContent),
  each.querySelectorAll(".way").length]]))
"""


def test_every_step_is_in_both_drawings(six: Opened) -> None:
    drawn = six.ask(DRAWN)
    assert len(drawn) == 12
    for number, trace in enumerate(SIX.traces, 1):
        total = len(trace.steps)
        titles = [title(step, place) for place, step in enumerate(trace.steps, 1)]
        for name in (f"way-{number}", f"glance-{number}"):
            assert drawn[name] == [list(range(1, total + 1)), titles, total - 1]


def title(step: Step, number: int) -> str:
    return " · ".join(filter(None, (f"{number} {NAMES[step.tier]}", step.text, step.api, step.where)))


def test_every_step_is_told_in_words(six: Opened) -> None:
    for number, trace in enumerate(SIX.traces, 1):
        rows = six.page.locator(f"#steps-{number} tbody tr")
        assert [row.split("\t") for row in rows.all_inner_texts()] == [
            cells(step, place) for place, step in enumerate(trace.steps, 1)
        ]


def cells(step: Step, number: int) -> list[str]:
    tier = f"{step.tier} {NAMES[step.tier]}" if 0 < step.tier < 10 else NAMES[step.tier]
    turn = str(step.turn or "")
    depth = "" if step.tier == -1 else str(step.depth)
    took = f"{step.took:.1f}" if step.took else ""
    size = "" if step.size is None else str(step.size)
    return [str(number), turn, tier, step.text, step.api, step.where, depth, f"{step.at:.1f}", took, size]


def test_each_step_stands_on_the_lane_of_its_tier(six: Opened) -> None:
    for number, trace in enumerate(SIX.traces, 1):
        heights = six.ask(
            "id => [...document.querySelectorAll(`#${id} .step`)].map(s => +s.dataset.y)", f"way-{number}"
        )
        by_tier = {step.tier: y for step, y in zip(trace.steps, heights, strict=True)}
        assert [by_tier[step.tier] for step in trace.steps] == heights
        assert sorted(by_tier, reverse=True) == sorted(by_tier, key=by_tier.__getitem__)


def test_each_call_by_the_loop_is_a_band(six: Opened) -> None:
    for number, trace in enumerate(SIX.traces, 1):
        assert six.page.locator(f"#way-{number} .band").count() == trace.counts.callbacks
        later = six.page.locator(f"#way-{number} .way.later").count()
        assert later == trace.counts.callbacks + 1  # between them, from the client, and to it


def test_what_is_inside_c_is_a_hatched_box_that_says_so(six: Opened) -> None:
    for number, trace in enumerate(SIX.traces, 1):
        hidden = sum(step.in_c for step in trace.steps)
        assert hidden == (0 if trace.loop == "asyncio" else 3 if trace.layer == "streams" else 2)
        assert six.page.locator(f"#way-{number} .inside").count() == hidden
        assert six.texts(f"#way-{number} .said") == ["inside C"] * hidden
    assert six.ask("getComputedStyle(document.querySelector('#way-4 .inside')).fill") == 'url("#hatch")'
    six.page.emulate_media(media="print")
    assert six.ask("getComputedStyle(document.querySelector('#way-4 .said')).display") != "none"


def test_all_traces_have_the_same_scale(six: Opened, long: Opened) -> None:
    places = "id => [...document.querySelectorAll(`#${id} .step`)].map(each => +each.dataset.x)"
    for name in ("way", "glance"):
        rows = [six.ask(places, f"{name}-{number}") for number in range(1, 7)]
        assert all(row == rows[0][: len(row)] for row in rows)
    apart = {round(after - before, 1) for before, after in pairwise(long.ask(places, "way-1"))}
    assert apart == {DETAIL.step}


def test_no_label_is_wider_than_was_reckoned(six: Opened, long: Opened) -> None:
    """The drawing is made without a browser, and so without the widths of its letters."""
    widths = "() => [...document.querySelectorAll('.label')].map(each => each.getBBox().width)"
    assert 80 < max(six.ask(widths) + long.ask(widths)) <= 2 * DETAIL.step - 10


def test_the_counts_are_those_of_the_traces(six: Opened) -> None:
    rows = dict(line.split("\t", 1) for line in six.page.locator("#counts tbody tr").all_inner_texts())
    counts = [trace.counts for trace in SIX.traces]
    expected: dict[str, list[object]] = {
        "steps of the server": [len(trace.steps) - 2 for trace in SIX.traces],
        "9 streams": [trace.by_tier().get(9, 0) for trace in SIX.traces],
        "kernel": [trace.by_tier().get(0, 0) for trace in SIX.traces],
        "calls by the loop": [each.callbacks for each in counts],
        "system calls for I/O": ["inside C" if each.system is None else each.system for each in counts],
        "calls of Python": [each.python for each in counts],
        "calls of C": [each.c for each in counts],
        "futures resolved": [each.futures for each in counts],
        "tasks woken": [each.woken for each in counts],
    }
    for words, values in expected.items():
        assert rows[words].split("\t") == [str(value) for value in values], words
    assert not {"5 executors", "client"} & rows.keys()
    assert six.page.locator("#counts .hue-streams rect").count() == sum(t.by_tier().get(9, 0) for t in SIX.traces)


def test_where_the_cost_is_told_is_told(six: Opened) -> None:
    assert "netkit bench" in six.page.locator("header").inner_text()


def test_a_single_trace_is_not_compared(one: Opened) -> None:
    assert one.page.locator(".glance").count() == 0
    assert one.page.locator("h1").inner_text() == "One message through the tower of asyncio"
    assert one.texts("h2") == ["streams on asyncio", "Counts"]


# How one goes along it.


def now(opened: Opened, drawing: str) -> list[str]:
    return opened.texts(f"#{drawing} .step.now .number")


def test_arrow_keys_step_through_the_message(six: Opened) -> None:
    box = six.page.locator("#trace-4 .scroll").first
    for _ in range(3):
        box.press("ArrowRight")
    third = SIX.traces[3].steps[2]
    said = six.page.locator("#trace-4 .said").first
    assert now(six, "way-4") == ["3"]
    assert said.get_attribute("aria-live") == "polite"
    assert said.inner_text() == f"3 · 8 protocols: {third.text} · {third.api} · {third.where}"
    assert six.page.locator("#steps-4 tr.now th").all_inner_texts() == ["3"]
    assert now(six, "way-1") == []
    box.press("ArrowLeft")
    assert now(six, "way-4") == ["2"]
    box.press("End")
    box.press("ArrowRight")
    assert now(six, "way-4") == [str(len(SIX.traces[3].steps))]
    box.press("Home")
    assert now(six, "way-4") == ["1"]
    box.press("Escape")
    assert now(six, "way-4") == []
    assert six.page.locator("#steps-4 tr.now").count() == 0


def test_all_traces_are_stepped_through_at_once(six: Opened) -> None:
    box = six.page.locator(".glance .scroll")
    box.press("End")
    longest = max(len(trace.steps) for trace in SIX.traces)
    for number, trace in enumerate(SIX.traces, 1):
        total = len(trace.steps)
        assert now(six, f"glance-{number}") == [str(total)]
        said = six.page.locator(f".glance [data-rows=steps-{number}]").inner_text()
        assert said == (
            f"{total} · client: the client has the answer" if total == longest else f"done, after {total} steps"
        )


def test_a_step_can_be_pointed_at(six: Opened) -> None:
    six.page.locator("#way-2 .step[data-step='5']").click(force=True)
    assert now(six, "way-2") == ["5"]


def test_the_step_is_moved_into_view_and_the_page_is_not(long: Opened) -> None:
    long.page.emulate_media(reduced_motion="reduce")
    long.page.locator("#trace-1 .scroll").first.focus()
    before = long.ask("scrollY")
    long.page.keyboard.press("End")
    assert long.ask("document.querySelector('.scroll').scrollLeft") > 2500
    inside = (
        "() => { const at = document.querySelector('.step.now').getBoundingClientRect(); return [at.left, at.right] }"
    )
    left, right = long.ask(inside)
    assert 0 < left < right < 1280
    assert long.ask("[scrollX, scrollY]") == [0, before]


def test_play_goes_to_the_end_and_can_be_halted(one: Opened) -> None:
    button, total = one.page.locator("[data-go=play]"), len(made.one().steps)

    def state() -> list[str | None]:
        return [*now(one, "way-1"), button.get_attribute("aria-label")]

    button.click()
    assert state() == ["1", "Pause"]
    one.page.clock.run_for(3100)
    assert state() == ["4", "Pause"]
    button.click()
    one.page.clock.run_for(3000)
    assert state() == ["4", "Play"]
    button.click()
    one.page.clock.run_for(1000 * total)
    assert state() == [str(total), "Play"]


def test_nothing_glides_for_whoever_wants_less_motion(one: Opened) -> None:
    box = one.page.locator("#trace-1 .scroll").first
    for motion in ("reduce", "no-preference"):
        one.page.emulate_media(reduced_motion=motion)
        box.press("Home")
        box.press("ArrowRight")
        assert one.page.locator(".diagram.moving .token").count() == (motion == "no-preference")
    one.page.clock.run_for(1000)
    assert one.page.locator(".diagram.moving").count() == 0


# How it is shown.


def test_on_a_phone_only_the_drawings_scroll(six: Opened, long: Opened) -> None:
    for opened in (six, long):
        opened.page.set_viewport_size({"width": 390, "height": 844})
        assert opened.ask("document.documentElement.scrollWidth") <= 390
        assert opened.ask("document.querySelector('.trace .scroll').scrollWidth") > 700
        names = "document.querySelector('.trace .names').getBoundingClientRect().left"
        before = opened.ask(names)
        opened.ask("document.querySelector('.trace .scroll').scrollLeft = 300")
        assert opened.ask(names) == before  # the names of the lanes stay in view
        opened.ask("document.querySelector('.trace .scroll').scrollLeft = 0")


def test_on_paper_a_long_message_is_broken_into_rows(long: Opened) -> None:
    long.page.set_viewport_size({"width": 1000, "height": 700})
    long.page.emulate_media(media="print")
    assert long.ask("document.documentElement.scrollWidth") <= 1000
    visible = [each.bounding_box() for each in long.page.locator(".piece").all() if each.is_visible()]
    assert len(visible) == math.ceil(60 / page.ON_PAPER)
    assert all(box is not None and box["width"] > 250 for box in visible)
    assert not long.page.locator("#way-1").is_visible()
    assert not long.page.locator(".controls").first.is_visible()


def test_without_a_script_all_of_it_is_there(show: Open) -> None:
    opened = show(SIX, scripts=False)
    assert opened.page.locator("[id^=steps-] tbody tr:visible").count() == sum(len(trace.steps) for trace in SIX.traces)
    assert opened.page.locator(".diagram:visible").count() == 12
    assert opened.page.locator("button:visible").count() == 0
    assert "Follow the message" not in opened.page.locator("body").inner_text()


COLOURS = """
() => [getComputedStyle(document.body).backgroundColor,
       ...[".label", ".band", "#way-1 .way .arrow"].map(each => getComputedStyle(document.querySelector(each)).fill),
       getComputedStyle(document.querySelector("#way-1 .step.hue-transports .disc")).stroke]
"""


def rgb(colour: str) -> str:
    """``#rrggbb`` as a browser writes it."""
    return f"rgb({', '.join(str(int(colour[start : start + 2], 16)) for start in (1, 3, 5))})"


def test_the_scheme_changes_while_the_page_is_open(six: Opened) -> None:
    light, dark = (
        [rgb(each) for each in (theme.paper, theme.ink, theme.band, theme.ink, theme.transports)]
        for theme in (LIGHT, DARK)
    )
    assert six.ask(COLOURS) == light
    six.page.emulate_media(color_scheme="dark")
    assert six.ask(COLOURS) == dark
    six.page.emulate_media(media="print", color_scheme="dark")
    assert six.ask(COLOURS) == light


#: The contrast of all text with what is behind it, as WCAG reckons it; in drawings, that is the paper and the bands.
CONTRASTS = """
() => {
  const context = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d",
    { willReadFrequently: true });
  const light = (colour) => {
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map(each => each / 255)
      .map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  const behind = [getComputedStyle(document.body).backgroundColor,
                  getComputedStyle(document.querySelector(".band")).fill].map(light);
  const found = {};
  for (const each of document.querySelectorAll("body *")) {
    const said = [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!said || !each.checkVisibility()) continue;
    const style = getComputedStyle(each);
    const colour = each instanceof SVGElement ? style.fill : style.color;
    found[colour] = Math.min(...behind.map(other => contrast(light(colour), other)));
  }
  return found;
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read(six: Opened, scheme: str) -> None:
    six.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    found = six.ask(CONTRASTS)
    assert len(found) >= 7  # ink, muted, and the number of a tier in each hue
    assert min(found.values()) >= 4.5, found


# What must not happen.


def test_nothing_was_asked_of_the_network_or_complained_of(six: Opened, long: Opened, one: Opened) -> None:
    for opened in (six, long, one):
        assert opened.requests == [opened.address]
        assert opened.complaints == []


def hostile(trace: Trace) -> Trace:
    steps = tuple(replace(step, text=HOSTILE, api=HOSTILE, where=HOSTILE) for step in trace.steps)
    return replace(trace, layer=HOSTILE, loop=HOSTILE, steps=steps)


def test_text_of_a_trace_never_becomes_code(show: Open) -> None:
    traces = tuple(hostile(trace) for trace in SIX.traces[2:4])
    opened = show(Comparison(what=HOSTILE, service=HOSTILE, machine={HOSTILE: HOSTILE}, when=HOSTILE, traces=traces))
    opened.page.locator(".glance .scroll").press("End")
    opened.page.locator("#trace-1 .scroll").first.press("End")
    assert opened.complaints == []
    assert opened.requests == [opened.address]
    assert opened.page.locator("img, script").count() == 1
    shown = HOSTILE.replace("\\", "\\\\").replace("\u2028", "\\u2028").replace("\u202e", "\\u202e")
    assert opened.texts("#steps-1 .what") == [shown] * len(traces[0].steps)
    assert opened.texts("#steps-1 tr:first-child code") == [shown, shown]
    assert shown in opened.page.locator("#trace-1 .said").first.inner_text()
    assert opened.page.locator("h1").inner_text().startswith("</script></title></svg><img")
    assert opened.ask("document.documentElement.scrollWidth") <= 1280


def test_half_of_a_character_can_be_written_to_a_file() -> None:
    broken = made.comparison(replace(made.one(), layer="\ud800"))
    assert "\\ud800" in page.write(broken).encode().decode()
