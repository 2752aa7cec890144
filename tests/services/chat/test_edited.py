"""Somebody whose line the server edits: what is on the screen, how it ends, and how fast it goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from netkit.endings import Ending
from netkit.limits import Limits
from netkit.service import Send, Service
from netkit.services.chat import Chat
from tests.services.chat.terminal import (
    ARE_YOU_THERE,
    DO_TIMING_MARK,
    DONT_ECHO,
    DONT_SGA,
    ERASE,
    ERASE_CHARACTER,
    ERASE_LINE,
    INTERRUPT,
    TELNET,
    WILL_TIMING_MARK,
    WONT_TIMING_MARK,
    Screen,
    edited,
    size,
)
from tests.wire.terminal import LEFT, UP

if TYPE_CHECKING:
    from tests.services.conftest import Stage


# What is on the screen.


def test_what_others_say_does_not_tear_what_is_typed(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    screen = edited(ann)
    ann.sends(b"helo" + LEFT)
    bob.says("one", "two")
    assert screen.above() == ["<bob> one", "<bob> two"]
    assert screen.line == "> hel|o"
    ann.sends(b"l\r\0")
    assert screen.above() == ["> hello"]
    assert screen.line == "> |"
    bob.sees("<ann> hello")


def test_what_is_told_and_typed_at_once_is_drawn_once(stage: Stage) -> None:
    (ann,) = stage.people("ann")
    screen = edited(ann)
    ann.sends(ARE_YOU_THERE + b"abc" + WONT_TIMING_MARK + b"d" + ERASE_CHARACTER)
    assert screen.above() == ["[netkit: yes, #lobby, 1 online]"]
    assert screen.line == "> abc|"
    stage.now += 1.0
    ann.sends(ARE_YOU_THERE + INTERRUPT)
    assert screen.above() == ["[netkit: yes, #lobby, 1 online]", "> abc^C"]
    ann.sends(b"no" + ERASE_LINE + b"yes")
    assert screen.line == "> yes|"


def test_a_line_of_another_who_is_read_in_the_same_turn_is_drawn_once(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits(line_length=100, line_burst=1, line_rate=1.0, byte_rate=0, room_rate=0)))
    ann, bob = stage.people("ann", "bob")
    screen = edited(ann)
    stage.wait(60.0)
    bob.says("one")
    ann.sends(b"one\r\0")
    # Too late to be part of a paste, too early to be another line.
    stage.wait(0.6)
    bob.says("two")
    ann.sends(b"typed")
    assert bob.held
    assert ann.held
    stage.wait(0.5)
    assert screen.above() == ["<bob> one", "> one", "<bob> two"]
    assert screen.line == "> typed|"


def test_people_with_the_same_row_are_told_with_one_send(stage: Stage) -> None:
    ann, bob, cy, dan = stage.people("ann", "bob", "cy", "dan")
    for seat in (ann, bob, cy):
        edited(seat)
    cy.sends(b"x")
    effects = [each for each in stage.service.received(dan, b"hi\n", stage.now) if isinstance(each, Send)]
    assert [set(each.to) for each in effects] == [{ann, bob}, {cy}]
    assert [each.data for each in effects] == [ERASE + b"<dan> hi\r\n> \x1b[K", ERASE + b"<dan> hi\r\n> x\x1b[K"]


def test_its_width_is_kept_to(stage: Stage) -> None:
    (ann,) = stage.people("ann")
    edited(ann)
    ann.sends(size(20))
    screen = Screen(ann, 20)
    ann.sends(b"0123456789abcdefghij")
    assert len(screen.line) <= 20
    assert screen.line.endswith("hij|")
    # Nothing known is 80 columns.
    ann.sends(size(0))
    screen.terminal.columns = 80
    assert screen.line == "> 0123456789abcdefghij|"


def test_tab_knows_names_rooms_and_commands(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    bob.says("/join #tearoom")
    stage.seat().says("/nick Zoe")
    screen = edited(ann)
    for typed, becomes in (b"z", "Zoe: "), (b"hi Z", "hi Zoe "), (b"/join #te", "/join #tearoom "), (b"/who", "/who"):
        ann.sends(b"\x15" + typed)
        ann.sends(b"\t")
        assert screen.line == f"> {becomes}|"
    # /who may also be /whois.
    ann.sends(b"\t")
    assert screen.above() == ["/who  /whois"]
    ann.sends(b"\x15/kic")
    ann.sends(b"\t")
    assert screen.line == "> /kic|"


def test_the_arrow_brings_lines_back(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    screen = edited(ann)
    ann.sends(b"one\r\0two\r\0" + UP + UP)
    assert screen.line == "> one|"
    ann.sends(b"\r\0")
    bob.sees("<ann> one", "<ann> two", "<ann> one")


def test_a_line_that_is_too_long_is_dropped(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    screen = edited(ann)
    ann.sends(b"x" * 101 + b"/quit\r\0fine\r\0")
    assert "*** your line was dropped: make it shorter than 101 bytes" in screen.above()
    bob.sees("<ann> fine")
    for _ in range(3):
        ann.sends(b"x" * 101 + b"\r\0")
    assert ann.closed == Ending.LINE_TOO_LONG


# How it ends.


def test_ctrl_d_leaves_with_the_cursor_at_the_left_edge(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    screen = edited(ann)
    ann.sends(b"half\x04" + b"\x03")
    assert screen.above() == ["> half^C"]
    ann.sends(b"\x04and what follows is not read\r\0")
    assert screen.above() == ["*** goodbye (quit)"]
    assert screen.line == "|"
    assert ann.closed == Ending.QUIT
    bob.sees("*** ann left")


def test_quit_and_the_end_of_the_server_take_the_row_away(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    screens = [edited(ann), edited(bob)]
    ann.sends(b"/quit\r\0")
    assert screens[0].above() == ["> /quit", "*** goodbye (quit)"]
    assert screens[0].line == "|"
    bob.sends(b"half")
    stage.play(stage.service.stopping(stage.now))
    assert screens[1].above() == ["*** ann left", "*** the server is stopping: goodbye (shutdown)"]
    assert screens[1].line == "|"


def test_limits_tell_how_long_the_way_is(stage: Stage) -> None:
    (ann,) = stage.people("ann")
    screen = edited(ann)
    ann.sends(b"/limits\r\0")
    told = ann.reads()
    assert DO_TIMING_MARK in told
    screen.terminal.write(TELNET.sub(b"", told))
    screen.above()
    stage.now += 0.25
    # To refuse is to answer too.
    ann.sends(b"ab" + WONT_TIMING_MARK + b"c")
    assert screen.above() == ["*** 250 ms to you and back"]
    assert screen.line == "> abc|"
    ann.sends(WILL_TIMING_MARK)
    assert screen.above() == []
    # Nor is anybody asked without end who does not answer.
    for _ in range(20):
        ann.sends(b"/limits\r\0")
    assert ann.reads().count(DO_TIMING_MARK) == 8


# A secret.


@pytest.fixture
def guarded(new_stage: Callable[[Service], Stage]) -> Stage:
    """A chat with operators."""
    return new_stage(Chat(Limits(line_length=100).without_rates(), operator_token="sesame"))


def test_the_token_is_typed_where_nobody_sees_it(guarded: Stage) -> None:
    ann, bob = guarded.people("ann", "bob")
    screen = edited(ann)
    ann.sends(b"/op\r\0")
    assert screen.line == "token: |"
    bob.says("hi")
    assert screen.above() == ["> /op", "<bob> hi"]
    ann.sends(b"sesa")
    ann.sends(b"me\r\0")
    assert "sesame" not in screen.line + "".join(rows := screen.above())
    assert rows[-1].startswith("*** you are an operator now")
    ann.sends(UP)
    assert screen.line == "> /op|"
    bob.sees()


@pytest.mark.parametrize("leaves", [b"\x03", b"\r\0", INTERRUPT, b"wrong\x03", b"wrong" + INTERRUPT])
def test_the_question_for_the_token_can_be_left(guarded: Stage, leaves: bytes) -> None:
    ann, bob = guarded.people("ann", "bob")
    screen = edited(ann)
    ann.sends(b"/op\r\0" + leaves + b"hello\r\0")
    bob.sees("<ann> hello")
    assert screen.line == "> |"
    assert not any("tries left" in row for row in screen.above())


def test_a_half_typed_token_does_not_come_out_with_the_editor(guarded: Stage) -> None:
    ann, bob = guarded.people("ann", "bob")
    edited(ann)
    ann.sends(b"/op\r\0sesame" + DONT_ECHO)
    ann.sends(DONT_SGA + b"hello\r\n")
    bob.sees("<ann> hello")
    assert b"sesame" not in ann.reads()


# How fast it goes.


def test_a_flood_of_keys_is_read_more_slowly_and_none_of_it_lost(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits(line_length=100, line_burst=5, line_rate=2.0, byte_rate=0, room_rate=0)))
    ann, bob = stage.people("ann", "bob")
    screen = edited(ann)
    stage.wait(60.0)
    said = [f"line {number}" for number in range(300)]
    ann.sends("".join(f"{line}\r\0" for line in said).encode() + b"half")
    assert ann.held
    first = len(bob.lines())
    assert 0 < first < 300
    stage.wait(600.0)
    assert not ann.held
    assert [f"<ann> {line}" for line in said][first:] == [line for line in bob.lines() if line.startswith("<")]
    assert [row for row in screen.above() if row.startswith("> ")] == [f"> {line}" for line in said]
    assert screen.line == "> half|"


def test_keys_without_an_enter_are_slowed_too(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits(line_length=100, line_burst=1, line_rate=0, byte_rate=100.0, room_rate=0)))
    ann, bob = stage.people("ann", "bob")
    screen = edited(ann)
    stage.wait(60.0)
    ann.sends(b"a\x7f" * 5000 + b"done")
    assert ann.held
    stage.wait(30.0)
    assert ann.held
    # What others say is seen meanwhile.
    bob.says("hi")
    assert screen.above() == ["<bob> hi"]
    stage.wait(60.0)
    assert not ann.held
    assert screen.line == "> done|"
    ann.sends(b"\r\0")
    bob.sees("<ann> done")


def test_a_slow_reader_still_sees_what_it_types(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    screen = edited(ann)
    ann.stalls()
    bob.says("missed")
    ann.sends(b"half")
    assert screen.line == "> half|"
    ann.recovers()
    assert screen.above() == ["*** you missed 1 message (#1): your connection was slow. /replay 1"]
    assert screen.line == "> half|"
