"""What everybody sees when people come, speak and go."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from netkit.endings import Ending
from netkit.service import Send, Service
from netkit.services.chat import Chat
from netkit.services.chat.records import Kept

if TYPE_CHECKING:
    from tests.services.conftest import Stage

HOW_TO = "*** type a line and press Enter to talk; /help shows more, /quit leaves"


# Coming in.


def test_who_comes_in_has_a_name_and_a_place_at_once(stage: Stage) -> None:
    first = stage.seat()
    first.sees("*** you are guest1 in #lobby", HOW_TO, "*** nobody else is here yet")
    second = stage.seat()
    second.sees("*** you are guest2 in #lobby", HOW_TO, "*** 1 other here: /who names them")
    first.sees("*** guest2 is here")


def test_who_comes_in_reads_the_topic_and_the_last_ten_lines(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says("/topic tea", *[f"line {number}" for number in range(9)], "/me waves", "twelve")
    stage.seat().sees(
        "*** you are guest1 in #lobby",
        HOW_TO,
        "*** topic: tea",
        "*** 2 others here: /who names them",
        "*** last said here (10 lines):",
        *[f"<ann> line {number}" for number in range(1, 9)],
        "* ann waves",
        "<ann> twelve",
    )
    bob.vanishes()
    assert len(stage.seat().lines()[4:]) == 11


def test_the_lowest_free_guest_is_next(stage: Stage) -> None:
    seats = [stage.seat() for _ in range(4)]
    seats[2].vanishes()
    seats[0].says("/nick ann")
    stage.hush()
    assert [stage.seat().lines()[0] for _ in range(3)] == [
        "*** you are guest1 in #lobby",
        "*** you are guest3 in #lobby",
        "*** you are guest5 in #lobby",
    ]


# Speaking.


def test_a_line_goes_to_everybody_but_the_one_who_says_it(stage: Stage) -> None:
    ann, bob, cat = stage.people("ann", "bob", "cat")
    ann.says("hello")
    bob.sees("<ann> hello")
    cat.sees("<ann> hello")
    ann.sees()


def test_a_line_and_a_command_in_one_chunk_keep_their_order(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says("one", "/me two", "/nick dan", "three")
    bob.sees("<ann> one", "* ann two", "*** ann is dan now", "<dan> three")
    ann.sees("*** you are dan now")


def test_lines_with_nothing_to_see_are_not_said(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says("", "   ", "\t", "\x1b", "\u200b\u202e", "x")
    bob.sees("<ann> x")
    ann.sees()


def test_spaces_at_the_start_are_kept_for_code(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says("if x:", "    y()   ", "\tz")
    bob.sees("<ann> if x:", "<ann>     y()", "<ann>  z")


def test_two_slashes_say_one(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says("//quit", "///", "//")
    bob.sees("<ann> /quit", "<ann> //", "<ann> /")


def test_text_that_is_not_utf8_is_said_and_its_sender_told_once(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.sends(b"caf\xe9\n")
    bob.sees("<ann> caf\ufffd")
    ann.sees("*** your text was not UTF-8: others see \ufffd for what could not be read")
    ann.sends(b"caf\xe9\n\xe9\n")
    bob.sees("<ann> caf\ufffd", "<ann> \ufffd")
    ann.sees()


def test_what_a_terminal_would_obey_is_not_passed_on(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says("a\x1b[2Jb\x07\u009dc\u202ed\u2028<bob> e")
    bob.sees("<ann> a[2Jbcd<bob> e")


def test_a_run_of_lines_is_one_effect_for_each_line_ending(stage: Stage) -> None:
    one, two, three, four = (stage.seat() for _ in range(4))
    for seat, ending in ((one, b"\n"), (two, b"\r\n"), (three, b"\n"), (four, b"\r\n")):
        seat.sends(b"x" + ending)
    assert stage.service.received(one, b"a\nb\nc\n", 1.0) == [
        Send((two, four), b"<guest1> a\r\n<guest1> b\r\n<guest1> c\r\n"),
        Send((three,), b"<guest1> a\n<guest1> b\n<guest1> c\n"),
    ]


# How lines end.


@pytest.mark.parametrize(
    ("sent", "ending"), [(b"x\n", b"\n"), (b"x\r\n", b"\r\n"), (b"x\r\0", b"\r\n"), (b"x\r", b"\r\n")]
)
def test_everybody_gets_the_line_ending_that_they_use(stage: Stage, sent: bytes, ending: bytes) -> None:
    (ann,) = stage.people("ann")
    seat = stage.seat()
    assert seat.reads().count(b"\r\n") == 3
    ann.says("before")
    assert seat.reads() == b"<ann> before\r\n"
    seat.sends(sent)
    ann.says("after")
    assert seat.reads() == b"<ann> after" + ending


def test_the_answer_to_the_first_line_ends_as_it_does(stage: Stage) -> None:
    seat = stage.seat()
    stage.hush()
    seat.sends(b"/who\n/who\r\n")
    assert seat.reads() == b"*** 1 in #lobby: guest1\n" * 2


# Lines that are too long.


def test_a_line_that_is_too_long_is_dropped_and_its_sender_told(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says("x" * 100, "x" * 101, "y")
    bob.sees("<ann> " + "x" * 100, "<ann> y")
    ann.sees("*** your line was dropped: make it shorter than 101 bytes")


def test_the_tail_of_a_long_line_is_no_command(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.sends(b"A" * 5000)
    ann.sends(b"/quit\n")
    ann.sees("*** your line was dropped: make it shorter than 101 bytes")
    bob.sees()
    assert ann.closed == ""


def test_more_than_three_long_lines_in_a_minute_are_too_many(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    for _ in range(3):
        ann.says("x" * 101)
    stage.wait(61.0)
    for _ in range(3):
        ann.says("x" * 101)
    assert ann.closed == ""
    ann.reads()
    ann.says("x" * 101, "not said")
    ann.sees("*** those were too many lines that are too long: goodbye (line-too-long)")
    bob.sees("*** ann left (line too long)")
    assert ann.closed == Ending.LINE_TOO_LONG


def test_a_line_without_end_is_cut_off_after_a_mebibyte(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    for _ in range(16):
        ann.sends(b"x" * 65536)
    assert ann.closed == ""
    ann.sends(b"x")
    assert ann.closed == Ending.LINE_TOO_LONG
    bob.sees("*** ann left (line too long)")


# Leaving.


def test_a_lost_connection_leaves_once_and_frees_the_name(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.vanishes()
    bob.sees("*** ann left")
    assert stage.service.lost(ann, 1.0) == ()
    bob.says("/nick ann")
    bob.sees("*** you are ann now")


def test_who_finished_sending_is_heard_out(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.sends(b"hello\nhalf")
    ann.ends()
    bob.sees("<ann> hello", "<ann> half", "*** ann left")
    ann.sees("*** ok #2")
    assert ann.closed == Ending.EOF
    ann.vanishes()
    bob.sees()


def test_the_receipt_is_for_what_was_said_last_wherever_that_was(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    bob.says("one")
    ann.says("/me waves", "/join #tea")
    ann.reads()
    ann.ends()
    ann.sees("*** ok #2")


def test_who_said_nothing_gets_no_receipt(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says("/msg bob hi", "/who", "", "/nick you", "/topic tea")
    stage.hush()
    ann.ends()
    ann.sees()
    bob.sees("*** ann left")


def test_the_receipt_ends_as_the_lines_do(stage: Stage) -> None:
    # As ``echo hi | nc -N host port``, with and without a newline.
    for sent, receipt in ((b"hi\n", b"*** ok #1\n"), (b"hi", b"*** ok #2\r\n"), (b"hi\r\n", b"*** ok #3\r\n")):
        seat = stage.seat()
        seat.reads()
        seat.sends(sent)
        seat.ends()
        assert seat.reads() == receipt


def test_a_last_command_is_answered(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.sends(b"/who")
    ann.ends()
    ann.sees("*** 2 in #lobby: ann, bob")
    bob.sees("*** ann left")


def test_a_last_quit_leaves_once(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.sends(b"/quit bye")
    ann.ends()
    ann.sees("*** goodbye (quit)")
    bob.sees("*** ann left: bye")


@pytest.mark.parametrize("sent", [b"\x04", b"\x04\n", b"x\n\x04", b"x\r\x04y", b"\x04/who\n", b"\xff\xec"])
def test_ctrl_d_at_the_start_of_a_line_leaves(stage: Stage, sent: bytes) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.sends(sent)
    ann.sees("*** goodbye (quit)")
    assert ann.closed == Ending.QUIT
    assert bob.lines()[-1] == "*** ann left"


def test_ctrl_d_within_a_line_is_nothing(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.sends(b"a\x04b\x04\n")
    bob.sees("<ann> ab")
    assert ann.closed == ""


def test_what_the_closed_send_is_thrown_away(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.says("/quit", "x")
    bob.sees("*** ann left")
    for event in (stage.service.ended, stage.service.paused, stage.service.resumed, stage.service.lost):
        assert list(event(ann, 1.0)) == []
    assert stage.service.received(ann, b"x\n", 1.0) == ()


def test_everybody_is_told_that_the_server_stops(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    guest = stage.seat()
    bob.says("/join #tea")
    bob.stalls()
    assert stage.service.stopping(1.0) == [
        Send((ann, bob), b"*** the server is stopping: goodbye (shutdown)\n"),
        Send((guest,), b"*** the server is stopping: goodbye (shutdown)\r\n"),
    ]


def test_who_left_keeps_nobody_in_memory(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(chat := Chat())
    ann, bob = stage.people("ann", "bob")
    person, other = chat._house.people[ann], chat._house.people[bob]
    bob.says("/msg ann hi", "/ignore ann")
    ann.says("/ignore bob")
    ann.vanishes()
    # Bob may still have ann to reply to; ann must not have bob, and so on without end.
    assert (person.reply_to, person.ignoring, person.ignored_by) == (None, None, None)
    assert not other.ignoring
    assert not other.ignored_by


def test_a_silent_person_takes_little_memory() -> None:
    class Peer:
        __slots__ = ()
        peer = "tcp://192.0.2.7:50312"
        local = False
        host = "192.0.2.7"
        waiting = 0
        ending = ""

    chat = Chat(kept=Kept())
    peers = [Peer() for _ in range(500)]
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for peer in peers:
            chat.opened(peer, 1000.0)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / len(peers) < 1229


def test_an_empty_chat_stops_silently(stage: Stage) -> None:
    assert stage.service.stopping(1.0) == []
