"""A trace as text: what is shown, what is left out since it only repeats itself, and what fits."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from netkit.tower.show import Look
from netkit.tower.trace import text
from netkit.tower.trace.model import CLIENT, KERNEL, SERVICE, Comparison, Counts, Step, Trace

WIDTHS = [80, 100, 120, 160]

LOOPS = ("asyncio", "uvloop", "another")

COUNTS = Counts(callbacks=2, python=30, c=20, system=3, futures=1, woken=1)


def step(tier: int, said: str, *, turn: int = 1, depth: int = 0, size: int | None = None, in_c: bool = False) -> Step:
    return Step(
        at=0.0, took=1.0, turn=turn, depth=depth, tier=tier, text=said, api=f"Some.{said}", size=size, in_c=in_c
    )


def trace(*steps: Step, layer: str = "streams", loop: str = "asyncio") -> Trace:
    return Trace(layer=layer, loop=loop, steps=steps, counts=COUNTS)


def comparison(*traces: Trace) -> Comparison:
    machine = {"netkit": "1.2.3", "python": "3.11.7", "platform": "Linux"}
    return Comparison(what="message", service="echo", machine=machine, when="2026-01-01T00:00:00", traces=traces)


STREAMS = trace(
    step(CLIENT, "sends", turn=0, size=13),
    step(7, "reads"),
    step(KERNEL, "recv", depth=1),
    step(9, "is fed", depth=1, size=13),
    step(1, "goes on", turn=2),
    step(SERVICE, "answers", turn=2, depth=1, size=1),
    step(CLIENT, "has it", turn=0),
)
PROTOCOLS = trace(
    step(CLIENT, "sends", turn=0, size=13),
    step(7, "reads"),
    step(KERNEL, "recv", depth=1),
    step(8, "is called", depth=1),
    step(SERVICE, "answers", depth=2),
    step(CLIENT, "has it", turn=0),
    layer="protocols",
)


def test_a_step_is_a_line_with_its_time_its_tier_its_depth_and_its_name() -> None:
    shown = text.show(comparison(STREAMS), Look(width=100)).splitlines()
    line = next(each for each in shown if "is fed" in each)
    assert re.fullmatch(r" +0\.0 +9 streams +is fed, 13 bytes +Some\.is fed", line)
    outer = next(each for each in shown if "reads" in each)
    assert re.fullmatch(r" +0\.0 +1  7 transports +reads +Some\.reads", outer)
    assert line.index("is fed") == outer.index("reads") + 2
    assert "1 byte" in next(each for each in shown if "answers" in each)


def test_the_number_of_a_callback_stands_where_it_begins() -> None:
    shown = text.show(comparison(STREAMS), Look(width=100)).splitlines()
    numbers = [found[1] for line in shown if (found := re.match(r" +0\.0 +(\d)  ", line))]
    assert numbers == ["1", "2"]


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    many = [replace(STREAMS, layer=layer, loop=loop) for layer in ("transports", "protocols") for loop in LOOPS]
    for shown in (comparison(STREAMS), comparison(STREAMS, PROTOCOLS), comparison(*many)):
        assert max(map(len, text.show(shown, Look(width=width)).splitlines())) <= width


def test_side_by_side_the_same_step_is_on_the_same_line() -> None:
    shown = text.show(comparison(STREAMS, PROTOCOLS), Look(width=100)).splitlines()
    heading = next(line for line in shown if line.startswith("streams on asyncio"))
    assert heading.endswith("protocols on asyncio")
    for both in ("7  reads", "   answers", "   recv"):
        (line,) = [each for each in shown if both in each]
        assert line.count(both) == 2
    for one in ("9  is fed", "1  goes on", "8  is called"):
        (line,) = [each for each in shown if one in each]
        assert line.count(one) == 1
    # The order in each column is the order in which it happened.
    at = [
        next(n for n, line in enumerate(shown) if each in line) for each in ("sends", "reads", "is called", "answers")
    ]
    assert at == sorted(at)


def test_what_does_not_fit_beside_the_others_stands_below_them() -> None:
    shown = text.show(comparison(STREAMS, PROTOCOLS, replace(STREAMS, loop="uvloop")), Look(width=80))
    assert shown.count("7  reads") == 3
    assert re.search(r"^streams on asyncio +protocols on asyncio$", shown, re.MULTILINE)
    assert re.search(r"^streams on uvloop$", shown, re.MULTILINE)


def test_everything_that_can_be_counted_is_counted_for_each() -> None:
    unseen = replace(STREAMS, loop="uvloop", counts=replace(COUNTS, system=None))
    shown = text.show(comparison(STREAMS, unseen), Look(width=100))
    for name, *values in (
        ("9 streams", "1", "1"),
        ("steps in all", "5", "5"),
        ("calls by the loop", "2", "2"),
        ("system calls for I/O", "3", "in C"),
        ("calls of Python", "30", "30"),
    ):
        assert re.search(rf"^{name} +{' +'.join(values)}$", shown, re.MULTILINE)
    assert "8 protocols" not in shown


def test_that_it_is_slower_while_it_is_watched_is_said() -> None:
    assert "several times longer" in text.show(comparison(STREAMS), Look(width=200))
    assert "inside it is one step" not in text.show(comparison(STREAMS), Look(width=200))
    unseen = trace(step(2, "inside C", in_c=True))
    assert "inside it is one step" in text.show(comparison(unseen), Look(width=200))


def reads(turn: int, *, size: int = 1) -> list[Step]:
    return [step(7, "reads", turn=turn, size=size), step(KERNEL, "recv", turn=turn, depth=1)]


def wakes(turn: int) -> list[Step]:
    return [step(4, "is woken", turn=turn)]


@pytest.mark.parametrize(
    ("steps", "kept", "again"),
    [
        ([*reads(1), *reads(2, size=9), *reads(3)], 2, [text.Again(1, 2)]),
        ([*reads(1), *wakes(2), *reads(3), *wakes(4)], 3, [text.Again(2, 1)]),
        ([*reads(1), *wakes(2), *wakes(3), *reads(4)], 5, [text.Again(1, 1)]),
        ([*reads(1), *wakes(2)], 3, []),
        ([*reads(1), step(CLIENT, "sends", turn=0), *reads(2)], 5, []),
    ],
)
def test_callbacks_that_only_repeat_themselves_are_told_once(
    steps: list[Step], kept: int, again: list[text.Again]
) -> None:
    shown = text.shortened(steps)
    assert [each for each in shown if isinstance(each, Step)] == [
        each for each in shown if isinstance(each, Step) and each in steps
    ]
    assert sum(isinstance(each, Step) for each in shown) == kept
    assert [each for each in shown if isinstance(each, text.Again)] == again


def test_every_step_is_shown_where_that_is_asked_for() -> None:
    long = trace(*(each for turn in range(1, 9) for each in reads(turn)))
    assert text.show(comparison(long), Look(width=100)).count("Some.reads") == 1
    assert "the same again, 7 times" in text.show(comparison(long), Look(width=100))
    assert text.show(comparison(long), Look(width=100), every=True).count("Some.reads") == 8
