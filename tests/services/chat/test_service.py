"""What everybody sees when people come, speak, are slow, and go."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from netkit.limits import Limits
from netkit.service import Send, Service
from netkit.services.chat import Chat

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
    ann.sees("*** those were too many lines that are too long: goodbye")
    bob.sees("*** ann left (line too long)")
    assert ann.closed == "line too long"


def test_a_line_without_end_is_cut_off_after_a_mebibyte(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    for _ in range(16):
        ann.sends(b"x" * 65536)
    assert ann.closed == ""
    ann.sends(b"x")
    assert ann.closed == "line too long"
    bob.sees("*** ann left (line too long)")


# Slow readers.


def test_what_the_room_says_passes_a_slow_reader_by(stage: Stage) -> None:
    ann, bob, cat = stage.people("ann", "bob", "cat")
    bob.stalls()
    ann.says("one", "two")
    bob.says("mine", "/who")
    cat.vanishes()
    bob.sees("*** 3 in #lobby: ann, bob, cat")
    ann.sees("<bob> mine", "*** cat left")
    bob.recovers()
    bob.sees("*** you missed 3 lines: your connection was too slow")
    ann.says("three")
    bob.sees("<ann> three")


def test_a_slow_reader_who_missed_nothing_is_told_nothing(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    bob.stalls()
    bob.says("mine")
    bob.recovers()
    bob.sees()
    ann.sees("<bob> mine")


def test_what_was_missed_is_counted_across_rooms(stage: Stage) -> None:
    ann, bob, cat = stage.people("ann", "bob", "cat")
    cat.says("/join #tea")
    stage.hush()
    bob.stalls()
    ann.says("one")
    bob.says("/join #tea")
    cat.says("two", "three")
    bob.says("/leave")
    ann.says("four")
    bob.sees(
        *["*** you are in #tea now", "*** 1 other here: /who names them"],
        *["*** you are in #lobby now", "*** 1 other here: /who names them"],
        *["*** last said here (1 line):", "<ann> one"],
    )
    bob.recovers()
    bob.sees("*** you missed 4 lines: your connection was too slow")


def test_to_be_slow_twice_is_to_be_slow(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    bob.recovers()
    bob.sees()
    bob.stalls()
    ann.says("one")
    bob.stalls()
    ann.says("two")
    bob.recovers()
    bob.recovers()
    bob.sees("*** you missed 2 lines: your connection was too slow")


def test_nobody_can_fill_the_queue_of_a_slow_reader(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    bob.stalls()
    ann.says("/msg bob psst")
    bob.sees()
    ann.sees("*** bob has a slow connection and cannot be reached now: try again later")


def test_the_order_of_listeners_is_that_of_joining(stage: Stage) -> None:
    ann, bob, cat = stage.people("ann", "bob", "cat")
    bob.stalls()
    bob.recovers()
    assert stage.service.stopping(1.0) == [Send((ann, bob, cat), b"*** the server is stopping\n")]
    dan = stage.people("dan")[0]
    assert stage.service.received(dan, b"x\n", 1.0) == [Send((ann, bob, cat), b"<dan> x\n")]


# Strangers who say nothing.


def test_strangers_must_send_a_line_in_time(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits(first_line=60.0)))
    friend, silent, typing, talker = stage.seat(), *(stage.seat(local=False) for _ in range(3))
    assert stage.wakes == [60.0, 60.0, 60.0]
    typing.sends(b"half a li")
    talker.says("hello")
    stage.wait(59.0)
    assert [seat.closed for seat in stage.seats] == ["", "", "", ""]
    late = stage.seat(local=False)
    stage.hush()
    stage.wait(1.0)
    assert [seat.closed for seat in (friend, silent, typing, talker, late)] == [
        "",
        "no first line",
        "no first line",
        "",
        "",
    ]
    silent.sees("*** no line came from you in 60 seconds: goodbye")
    typing.sees("*** guest2 left (no first line)", "*** no line came from you in 60 seconds: goodbye")
    stage.wait(59.0)
    assert late.closed == "no first line"


def test_a_stranger_who_left_is_not_waited_for(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits(first_line=60.0)))
    stage.seat(local=False).vanishes()
    stage.wait(60.0)


def test_strangers_may_be_given_any_time(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits(first_line=0.0)))
    seat = stage.seat(local=False)
    stage.wait(1e6)
    assert (seat.closed, stage.wakes) == ("", [])


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
    ann.vanishes()
    bob.sees()


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
    ann.sees("*** goodbye")
    bob.sees("*** ann left: bye")


@pytest.mark.parametrize("sent", [b"\x04", b"\x04\n", b"x\n\x04", b"x\r\x04y", b"\x04/who\n", b"\xff\xec"])
def test_ctrl_d_at_the_start_of_a_line_leaves(stage: Stage, sent: bytes) -> None:
    ann, bob = stage.people("ann", "bob")
    ann.sends(sent)
    ann.sees("*** goodbye")
    assert ann.closed == "quit"
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
        Send((guest,), b"*** the server is stopping\r\n"),
        Send((ann, bob), b"*** the server is stopping\n"),
    ]


def test_who_left_keeps_nobody_in_memory(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(chat := Chat())
    ann, bob = stage.people("ann", "bob")
    person = chat._house.people[ann]
    bob.says("/msg ann hi")
    ann.vanishes()
    # Bob may still have ann to reply to; ann must not have bob, and so on without end.
    assert person.reply_to is None


def test_a_silent_person_takes_little_memory() -> None:
    class Peer:
        __slots__ = ()
        peer = "tcp://192.0.2.7:50312"
        local = False

    chat = Chat()
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


def test_who_is_turned_away_gets_one_line() -> None:
    assert Chat().refused("too many\r\n connections") == (b"*** not now, try again later: too many connections\r\n")
