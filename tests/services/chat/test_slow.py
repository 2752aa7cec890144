"""Readers that are too slow: what passes them by, what they are told of it, and when they are cut off."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from netkit.endings import Ending
from netkit.limits import Limits
from netkit.service import Send, Service
from netkit.services.chat import Chat

if TYPE_CHECKING:
    from tests.services.conftest import Stage


def test_what_the_room_says_passes_a_slow_reader_by(stage: Stage) -> None:
    ann, bob, cat = stage.people("ann", "bob", "cat")
    ann.says("zero")
    stage.hush()
    bob.stalls()
    ann.says("one", "two")
    bob.says("mine", "/who")
    cat.vanishes()
    bob.sees("*** 3 in #lobby: ann, bob, cat")
    ann.sees("<bob> mine", "*** cat left")
    bob.recovers()
    bob.sees("*** you missed 2 messages (#2 to #4): your connection was slow. /replay 2")
    bob.says("/replay 2")
    bob.sees("#2 <ann> one", "#3 <ann> two", "#4 <bob> mine")
    ann.says("three")
    bob.sees("<ann> three")


def test_one_line_that_was_missed(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    bob.stalls()
    ann.says("one")
    bob.recovers()
    bob.sees("*** you missed 1 message (#1): your connection was slow. /replay 1")


def test_a_slow_reader_who_missed_nothing_is_told_nothing(stage: Stage) -> None:
    ann, bob, cat = stage.people("ann", "bob", "cat")
    bob.stalls()
    bob.says("mine")
    # Who comes and goes cannot be read again, and is not counted.
    cat.vanishes()
    bob.recovers()
    bob.sees()
    ann.sees("<bob> mine", "*** cat left")


def test_what_was_missed_is_counted_across_rooms(stage: Stage) -> None:
    ann, bob, cat = stage.people("ann", "bob", "cat")
    cat.says("/join #tea")
    stage.hush()
    bob.stalls()
    ann.says("one")
    bob.says("/join #tea")
    cat.says("two", "three")
    bob.says("mine", "/leave")
    ann.says("four")
    bob.sees(
        *["*** you are in #tea now", "*** 1 other here: /who names them"],
        *["*** you are in #lobby now", "*** 1 other here: /who names them"],
        *["*** last said here (1 line):", "<ann> one"],
    )
    bob.recovers()
    bob.sees(
        "*** you missed 1 message (#2): your connection was slow. /replay 2",
        "*** you missed 3 messages in rooms that you have left",
    )
    bob.stalls()
    bob.recovers()
    bob.sees()


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
    bob.sees("*** you missed 2 messages (#1 to #2): your connection was slow. /replay 1")


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
    dan = stage.people("dan")[0]
    assert stage.service.received(dan, b"x\n", 1.0) == [Send((ann, bob, cat), b"<dan> x\n")]


def test_who_is_slow_for_too_long_is_cut_off(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits(slow=30.0)))
    ann, bob, cat = stage.people("ann", "bob", "cat")
    bob.stalls()
    stage.wait(20.0)
    cat.stalls()
    stage.wait(9.9)
    assert bob.closed == ""
    stage.wait(0.1)
    assert (bob.closed, bob.aborted) == (Ending.TOO_SLOW, True)
    ann.sees("*** bob left (too slow)")
    cat.recovers()
    stage.wait(100.0)
    assert cat.closed == ""
    bob.vanishes()
    ann.says("/stats")
    assert "*** ended: too-slow 1" in ann.lines()


def test_who_reads_again_in_between_has_all_the_time_again(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits(slow=30.0)))
    (bob,) = stage.people("bob")
    for _ in range(3):
        bob.stalls()
        stage.wait(29.0)
        bob.recovers()
    bob.stalls()
    stage.wait(29.0)
    assert bob.closed == ""
    stage.wait(1.0)
    assert bob.closed == Ending.TOO_SLOW


def test_slow_readers_may_be_given_any_time(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits(slow=0.0)))
    (bob,) = stage.people("bob")
    bob.stalls()
    stage.wait(1e6)
    assert (bob.closed, stage.wakes) == ("", [])


def test_whois_and_stats_tell_of_slow_readers(stage: Stage) -> None:
    ann, bob = stage.people("ann", "bob")
    bob.stalls()
    stage.wait(7.0)
    ann.says("/whois bob", "/stats")
    lines = ann.lines()
    assert "*** reads too slowly, for 7 s" in lines
    assert "*** read too slowly: 1" in lines


# Who is gone, while what it sent waits to be read.


def test_a_slow_reader_who_has_gone_is_slow_no_more(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits(line_burst=1, line_rate=0.1, byte_rate=0, slow=30.0)))
    ann, bob = stage.people("ann", "bob")
    stage.wait(60.0)
    # The second one may be a paste, until it is seen to be too long for that.
    lines = [f"{number} {'x' * 2100}" for number in range(6)]
    bob.says(*lines)
    bob.stalls()
    bob.ends()
    bob.vanishes(Ending.EOF)
    ann.sees(*[f"<bob> {line}" for line in lines[:2]])
    ann.says("/whois bob", "/msg bob hi")
    ann.sees(
        *["*** bob is in #lobby, here for 1 min", "*** last line 0 s ago"],
        "*** bob has a slow connection and cannot be reached now: try again later",
    )
    stage.wait(60.0)
    ann.sees(*[f"<bob> {line}" for line in lines[2:]], "*** bob left")
