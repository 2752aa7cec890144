"""Notices of who comes and goes: at once among few, gathered in a crowd."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from netkit.limits import Limits
from netkit.service import Service
from netkit.services.chat import Chat

if TYPE_CHECKING:
    from tests.services.conftest import Seat, Stage


@pytest.fixture
def stage(new_stage: Callable[[Service], Stage]) -> Stage:
    """A chat in which notices are gathered to five a second, and all else may be as fast as it likes."""
    return new_stage(Chat(Limits(line_rate=0, byte_rate=0, room_rate=0, renames=0, notice_rate=5.0)))


def crowd(stage: Stage, number: int) -> list[Seat]:
    """So many people in the lobby, the first of whom is called ann, who have read all."""
    seats = [stage.seat() for _ in range(number)]
    stage.wait(1.0)
    seats[0].says("/nick ann")
    stage.wait(1.0)
    stage.hush()
    return seats


def test_among_fifty_each_notice_is_told_at_once(stage: Stage) -> None:
    ann, *_ = crowd(stage, 49)
    fiftieth = stage.seat()
    ann.sees("*** guest1 is here")
    fiftieth.vanishes()
    ann.sees("*** guest1 left")


def test_above_fifty_they_are_gathered(stage: Stage) -> None:
    ann, *_ = crowd(stage, 51)
    some = [stage.seat() for _ in range(12)]
    some[0].says("/nick bob")
    some[1].says("/quit bye")
    some[2].says("/join #tea")
    ann.sees()
    stage.wait(0.2)
    ann.sees(
        "*** came: guest1, guest52, guest53, guest54, guest55, guest56, guest57, guest58 and 4 more; "
        "renamed: guest1 is bob now; left: guest52, guest53"
    )
    # In a room with few people, nothing is gathered.
    some[3].says("/join #tea")
    assert some[2].lines()[-1] == "*** guest54 came from #lobby"


def test_one_alone_is_told_as_ever_and_not_to_oneself(stage: Stage) -> None:
    ann, *_ = crowd(stage, 51)
    bob = stage.seat()
    bob.reads()
    stage.wait(0.2)
    ann.sees("*** guest1 is here")
    bob.sees()
    bob.says("/nick bob")
    bob.reads()
    stage.wait(0.2)
    ann.sees("*** guest1 is bob now")
    bob.sees()


def test_there_are_at_most_five_a_second(stage: Stage) -> None:
    ann, *_ = crowd(stage, 51)
    told = 0
    for _ in range(200):
        stage.seat().vanishes()
        stage.wait(0.01)
        told += len(ann.lines())
    assert told <= 2.0 * 5 + 1
    # Nothing is left to be told.
    stage.wait(1.0)
    ann.reads()
    stage.wait(10.0)
    ann.sees()


def test_who_is_quiet_is_not_told(stage: Stage) -> None:
    ann, bob, *_ = crowd(stage, 52)
    bob.says("/quiet")
    bob.reads()
    stage.seat()
    stage.wait(0.2)
    ann.sees("*** guest1 is here")
    stage.seat()
    stage.seat()
    stage.wait(0.2)
    ann.sees("*** came: guest53, guest54")
    bob.sees()


def test_what_is_gathered_is_told_before_anything_later(stage: Stage) -> None:
    ann, *others = crowd(stage, 51)
    one = stage.seat()
    for other in others[:3]:
        other.vanishes()
    # Now there are few again: the rest is told at once, and what was gathered before it.
    ann.sees("*** came: guest1; left: guest2", "*** guest3 left", "*** guest4 left")
    one.vanishes()
    ann.sees("*** guest1 left")
    stage.wait(1.0)
    ann.sees()


def test_what_is_said_is_not_held_up(stage: Stage) -> None:
    ann, *_ = crowd(stage, 51)
    seat = stage.seat()
    seat.says("hello")
    ann.sees("<guest1> hello")


def test_each_room_has_its_own_time(stage: Stage) -> None:
    seats = crowd(stage, 104)
    for seat in seats[52:]:
        seat.says("/join #tea")
    stage.wait(1.0)
    stage.hush()
    stage.seat()
    stage.wait(0.1)
    seats[0].says("/join #tea")
    # The lobby is told 0.2 s after the first notice there, and #tea 0.2 s after its own.
    stage.wait(0.1)
    seats[1].sees("*** came: guest1; left: ann")
    seats[-1].sees()
    stage.wait(0.1)
    seats[-1].sees("*** ann came from #lobby")


def test_a_crowd_that_goes_all_at_once_leaves_nothing_behind(stage: Stage) -> None:
    for seat in crowd(stage, 60):
        seat.says("/join #tea")
    for seat in stage.seats:
        seat.vanishes()
    stage.wait(10.0)
    assert stage.wakes == []
    stage.seat().sees(
        "*** you are guest1 in #lobby",
        "*** type a line and press Enter to talk; /help shows more, /quit leaves",
        "*** nobody else is here yet",
    )


def test_without_a_bound_none_is_gathered(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits(notice_rate=0)))
    ann, *_ = crowd(stage, 60)
    stage.seat()
    ann.sees("*** guest1 is here")
