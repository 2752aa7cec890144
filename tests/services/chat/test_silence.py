"""Strangers who say nothing: how long they may."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from netkit.endings import Ending
from netkit.limits import Limits
from netkit.service import Service
from netkit.services.chat import Chat

if TYPE_CHECKING:
    from tests.services.conftest import Stage


def test_strangers_must_send_a_line_in_time(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits(first_line=60.0)))
    friend, silent, typing, talker = stage.seat(), *(stage.seat(local=False) for _ in range(3))
    assert stage.wakes == [1060.0, 1060.0, 1060.0]
    typing.sends(b"half a li")
    talker.says("hello")
    stage.wait(59.0)
    assert [seat.closed for seat in stage.seats] == ["", "", "", ""]
    late = stage.seat(local=False)
    stage.hush()
    stage.wait(1.0)
    closed = [seat.closed for seat in (friend, silent, typing, talker, late)]
    assert closed == ["", Ending.SILENT, Ending.SILENT, "", ""]
    silent.sees("*** no line came from you in 60 seconds: goodbye (silent)")
    typing.sees("*** guest2 left (silent)", "*** no line came from you in 60 seconds: goodbye (silent)")
    stage.wait(59.0)
    assert late.closed == Ending.SILENT


def test_a_stranger_who_left_is_not_waited_for(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits(first_line=60.0)))
    stage.seat(local=False).vanishes()
    stage.wait(60.0)


def test_strangers_may_be_given_any_time(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits(first_line=0.0, connections=2)))
    seats = [stage.seat(local=False) for _ in range(2)]
    stage.wait(1e6)
    assert [seat.closed for seat in seats] == ["", ""]
    assert stage.wakes == []


def test_where_places_are_scarce_they_have_ten_seconds(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits(first_line=60.0, connections=10)))
    early = []
    for _ in range(7):
        early.append(stage.seat(local=False))
        stage.wait(2.0)
    # Seven of ten places are taken: there is room.
    assert [seat.closed for seat in early] == [""] * 7
    early[1].says("hello")
    stage.hush()
    # The eighth place is taken now: one is to be had for who comes next, and no more than that.
    friend = stage.seat()
    stage.hush()
    stage.wait(0.0)
    assert [seat.closed for seat in early] == [Ending.SILENT, *[""] * 6]
    early[0].sees("*** no line came from you in 10 seconds: goodbye (silent)")
    stage.wait(10.0)
    assert [seat.closed for seat in early] == [Ending.SILENT, *[""] * 6]
    stage.seat(local=False)
    stage.wait(0.0)
    assert [seat.closed for seat in early] == [Ending.SILENT, "", Ending.SILENT, *[""] * 4]
    # Who came over loopback is no stranger.
    assert friend.closed == ""


def test_where_places_stay_scarce_one_after_the_other_goes(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits(first_line=60.0, connections=10)))
    # Friends take nearly all of the places, and say nothing.
    friends = [stage.seat() for _ in range(8)]
    one = stage.seat(local=False)
    stage.wait(3.0)
    two = stage.seat(local=False)
    stage.wait(7.0)
    assert [one.closed, two.closed] == [Ending.SILENT, ""]
    # Nobody else comes.
    stage.wait(2.9)
    assert two.closed == ""
    stage.wait(0.1)
    assert two.closed == Ending.SILENT
    assert [friend.closed for friend in friends] == [""] * 8


def test_a_first_line_that_is_not_read_yet_is_no_silence(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits(first_line=1.0, room_rate=0.1, line_rate=0)))
    friend = stage.seat()
    friend.says(*[f"line {number}" for number in range(3)])
    talker, typist = stage.seat(local=False), stage.seat(local=False)
    talker.says("hello")
    typist.sends(b"hel")
    stage.wait(2.0)
    assert [talker.closed, typist.closed] == ["", Ending.SILENT]
    friend.reads()
    stage.wait(60.0)
    assert "<guest2> hello" in friend.lines()
