"""Lines that were said before, shown again: from what a room remembers, and from the storage."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from netkit.limits import Limits
from netkit.service import Service
from netkit.services.chat import Chat
from netkit.services.chat.records import Kept, KeptRoom, Lines, Said

if TYPE_CHECKING:
    from tests.services.conftest import Stage

FREE = Limits().without_rates()


def said(*numbers: int) -> tuple[Said, ...]:
    return tuple(Said("#lobby", number, "old", f"line {number}") for number in numbers)


def again(*numbers: int) -> list[str]:
    return [f"#{line.number} <{line.nick}> {line.text}" for line in said(*numbers)]


# What a room remembers.


def test_replay(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says("/replay 1", "one", "/me two", "three")
    ann.sees("*** nothing was said in #lobby yet: be the first")
    bob.reads()
    bob.says("/replay 2", "/replay #3", "/replay 4", "/replay 1")
    bob.sees(
        *["#2 * ann two", "#3 <ann> three"],
        "#3 <ann> three",
        "*** the last line in #lobby is #3",
        *["#1 <ann> one", "#2 * ann two", "#3 <ann> three"],
    )
    ann.sees()


@pytest.mark.parametrize("number", ["0", "-1", "x", "1 2", "##1", "9" * 16, "\u00b2", "\u0663"])
def test_replay_of_no_number(stage: Stage, number: str) -> None:
    (ann,) = stage.people("ann")
    ann.says("x", f"/replay {number}")
    ann.sees("*** say from which number on: /replay 481")


def test_each_room_has_numbers_of_its_own(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says("one", "two")
    bob.says("/join #tea", "other one")
    bob.reads()
    bob.says("/history 5")
    bob.sees("*** last said here (1 line):", "#1 <bob> other one")


def test_what_is_too_long_ago_is_gone(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says(*[f"line {number}" for number in range(1, 206)])
    bob.reads()
    bob.says("/replay 5")
    lines = bob.lines()
    assert lines[:2] == ["*** #5 is gone: too long ago", "#6 <ann> line 6"]
    assert len(lines) == 201
    bob.says("/replay 1")
    assert bob.lines()[:2] == ["*** #1 to #5 are gone: too long ago", "#6 <ann> line 6"]


def test_long_lines_are_shown_page_by_page(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(FREE))
    ann, bob = stage.people("ann", "bob")
    ann.says(*[f"{number} {'x' * 4000}" for number in range(1, 41)])
    bob.reads()
    shown: list[str] = []
    asked = 1
    for _ in range(10):
        bob.says(f"/replay {asked}")
        data = bob.reads()
        # What is asked for never makes a slow reader of somebody.
        assert len(data) < 64 * 1024
        *lines, last = data.decode().splitlines()
        if not last.startswith("***"):
            shown += [*lines, last]
            break
        shown += lines
        asked = int(last.removeprefix("*** there is more: /replay "))
    assert [line.split()[0] for line in shown] == [f"#{number}" for number in range(1, 41)]
    # Of the last lines, the newest are shown.
    bob.says("/history 40")
    lines = bob.lines()
    assert lines[-1].startswith("#40 ")
    assert lines[0] == f"*** last said here ({len(lines) - 1} lines):"


# From the storage.


def old(new_stage: Callable[[Service], Stage], *, number: int = 300, remembered: range = range(296, 301)) -> Stage:
    """A chat of which lines were kept, the last of which the room remembers."""
    return new_stage(Chat(FREE, kept=Kept((KeptRoom("#lobby", "", number, said(*remembered)),))))


def test_what_a_room_remembers_needs_no_storage(new_stage: Callable[[Service], Stage]) -> None:
    stage = old(new_stage)
    (ann,) = stage.people("ann")
    ann.says("/replay 298", "/history 5")
    ann.sees(*again(298, 299, 300), "*** last said here (5 lines):", *again(296, 297, 298, 299, 300))
    assert stage.queries == []


def test_older_lines_are_looked_up(new_stage: Callable[[Service], Stage]) -> None:
    stage = old(new_stage)
    ann, bob = stage.people("ann", "bob")
    ann.says("/replay 90")
    bob.says("/history 50")
    assert stage.queries == [Lines("#lobby", 90, 200), Lines("#lobby", 301, 50, before=True)]
    ann.sees()
    stage.recalled(said(*range(90, 290)))
    ann.sees(*again(*range(90, 290)), "*** there is more: /replay 290")
    bob.sees()
    stage.recalled(said(*range(251, 301)))
    bob.sees("*** last said here (50 lines):", *again(*range(251, 301)))


def test_what_is_not_in_the_storage_either_is_gone(new_stage: Callable[[Service], Stage]) -> None:
    stage = old(new_stage)
    (ann,) = stage.people("ann")
    ann.says("/replay 90")
    stage.recalled(said(*range(100, 301)))
    lines = ann.lines()
    assert lines[:2] == ["*** #90 to #99 are gone: too long ago", *again(100)]
    assert lines[-1] == "*** there is more: /replay 300"
    ann.says("/replay 1")
    stage.recalled(())
    ann.sees("*** nothing is kept of what was said in #lobby before #301")


def test_a_storage_that_fails(new_stage: Callable[[Service], Stage]) -> None:
    stage = old(new_stage)
    (ann,) = stage.people("ann")
    ann.says("/replay 90")
    stage.recalled(None)
    ann.sees("*** what was said before cannot be read now: try again later")


def test_one_question_at_a_time(new_stage: Callable[[Service], Stage]) -> None:
    stage = old(new_stage)
    ann, bob = stage.people("ann", "bob")
    ann.says("/replay 90", "/replay 91", "/history 50", "/replay 300")
    busy = "*** the lines that you asked for are still being looked up: wait for them"
    ann.sees(busy, busy, *again(300))
    bob.says("/replay 91")
    assert len(stage.queries) == 2
    stage.recalled(said(90))
    ann.reads()
    ann.says("/replay 91")
    stage.recalled(said(91))
    bob.sees(*again(91), "*** there is more: /replay 92")
    stage.recalled(said(91))
    ann.sees(*again(91), "*** there is more: /replay 92")


def test_an_answer_for_who_is_no_longer_there_is_dropped(new_stage: Callable[[Service], Stage]) -> None:
    stage = old(new_stage)
    ann, bob, cat = stage.people("ann", "bob", "cat")
    for seat in (ann, bob, cat):
        seat.says("/replay 90")
    ann.vanishes()
    bob.says("/join #tea")
    stage.hush()
    for _ in range(3):
        stage.recalled(said(90))
    # Bob would take them for lines of the room where he is now.
    bob.sees()
    cat.sees(*again(90), "*** there is more: /replay 91")


def test_a_slow_reader_gets_what_it_asked_for(new_stage: Callable[[Service], Stage]) -> None:
    stage = old(new_stage)
    (ann,) = stage.people("ann")
    ann.stalls()
    ann.says("/replay 90")
    stage.recalled(said(90))
    ann.sees(*again(90), "*** there is more: /replay 91")


def test_numbers_that_were_never_given_are_not_waited_for(new_stage: Callable[[Service], Stage]) -> None:
    # After a kill a room goes on at the next number that nobody can have seen.
    stage = old(new_stage, number=1324)
    (ann,) = stage.people("ann")
    ann.says("/history 5", "/replay 299", "/replay 301")
    ann.sees(
        "*** last said here (5 lines):",
        *again(296, 297, 298, 299, 300),
        *again(299, 300),
        "*** the last line in #lobby is #300",
    )
    ann.says("new", "/replay 300")
    ann.sees(*again(300), "#1325 <ann> new")
    ann.says("/replay 301")
    ann.sees("*** #301 to #1324 are gone: too long ago", "#1325 <ann> new")
    assert stage.queries == []


def test_the_very_first_line_has_none_before_it(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(FREE, kept=Kept()))
    (ann,) = stage.people("ann")
    ann.says("/history")
    ann.sees("*** nothing was said in #lobby yet: be the first")
    ann.says("one", "/history 50", "/replay 1")
    ann.sees("*** last said here (1 line):", "#1 <ann> one", "#1 <ann> one")
    assert stage.queries == []
