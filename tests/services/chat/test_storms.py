"""Storms: where too much is said in a room, everybody in it is read more slowly, and each in turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netkit.endings import Ending
from netkit.limits import Limits
from netkit.service import Service
from netkit.services.chat import Chat

if TYPE_CHECKING:
    from tests.services.conftest import Seat, Stage

NOTICE = "*** too much is said here at once: for now, everybody is read more slowly"

RATE = 10.0


@pytest.fixture
def stage(new_stage: Callable[[Service], Stage]) -> Stage:
    """A chat in which only rooms are slow."""
    return new_stage(Chat(Limits(line_rate=0, byte_rate=0, room_rate=RATE)))


def crowd(stage: Stage, number: int) -> list[Seat]:
    """So many people, who have read all; the room has forgotten what they said."""
    seats = [stage.seat() for _ in range(number)]
    for seat in seats:
        seat.says("/quiet")
        stage.wait(1.0)
    stage.wait(60.0)
    stage.hush()
    return seats


def loud(*texts: object) -> list[str]:
    """Lines that start with these texts, and are so long that two of them are no paste, which would count for less."""
    return [f"{text} {'x' * 2100}" for text in texts]


def heard(seat: Seat) -> list[str]:
    """What it heard from others since the last look: the first word of each line."""
    return [line.split()[1] for line in seat.lines() if line.startswith("<")]


def test_one_notice_for_each_storm(stage: Stage) -> None:
    ann, bob, *_ = crowd(stage, 3)
    bob.says(*loud(*range(40)))
    lines = ann.lines()
    assert [line.split()[1] for line in lines[:10]] == [str(number) for number in range(10)]
    assert lines[10:] == [NOTICE]
    stage.wait(60.0)
    # All of it comes, and no other notice.
    assert [line.split()[1] for line in ann.lines()] == [str(number) for number in range(10, 40)]
    # Long after that, it is another storm.
    bob.says(*loud(*range(12)))
    stage.wait(60.0)
    assert ann.lines().count(NOTICE) == 1
    assert bob.lines().count(NOTICE) == 2


def test_a_room_hears_no_more_than_it_may_and_no_less(stage: Stage) -> None:
    ann, *talkers = crowd(stage, 6)
    each = []
    for tick in range(100):
        for talker in talkers:
            talker.says(*loud(tick))
        stage.wait(0.1)
        each.append(len(heard(ann)))
    for start in range(len(each)):
        for end in range(start + 1, len(each) + 1):
            assert sum(each[start:end]) <= RATE + RATE * (end - start) * 0.1 + 1
    assert sum(each) >= RATE + RATE * 10.0 - 1


def test_a_paste_counts_for_less(stage: Stage) -> None:
    ann, bob, *_ = crowd(stage, 3)
    bob.says(*map(str, range(40)))
    assert heard(ann) == [str(number) for number in range(40)]


def test_in_a_storm_everybody_has_a_turn(stage: Stage) -> None:
    ann, flooder, *talkers = crowd(stage, 12)
    flooder.says(*loud(*["flood"] * 500))
    stage.wait(5.0)
    ann.reads()
    for talker in talkers:
        talker.says(*loud("hello"))
    # Eleven are in the queue, so all have had their turn after eleven places.
    stage.wait(11 / RATE)
    words = heard(ann)
    assert words.count("hello") == 10
    assert 1 <= words.count("flood") <= 2
    assert not any(talker.held for talker in talkers)
    assert flooder.held


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 9), st.floats(0.0, 1.5)), min_size=1, max_size=12))
def test_nothing_is_lost_and_each_is_heard_in_order(
    new_stage: Callable[[Service], Stage], turns: list[tuple[int, int, float]]
) -> None:
    stage = new_stage(Chat(Limits(line_rate=0, byte_rate=0, room_rate=RATE)))
    seats = crowd(stage, 6)
    sent: dict[int, list[str]] = {}
    for who, lines, pause in turns:
        already = sent.setdefault(who, [])
        new = [f"{who}.{len(already) + number}" for number in range(lines)]
        already += new
        seats[who].says(*loud(*new))
        stage.wait(pause)
    stage.wait(1000.0)
    words = heard(seats[0])
    assert len(words) == sum(map(len, sent.values()))
    for who, its in sent.items():
        assert [word for word in words if word.startswith(f"{who}.")] == its
    assert not any(seat.held for seat in seats)


def test_a_storm_stays_in_its_room(stage: Stage) -> None:
    _, flooder, *others = crowd(stage, 4)
    for seat in others:
        seat.says("/join #tea")
    stage.wait(60.0)
    stage.hush()
    flooder.says(*loud(*["x"] * 40))
    assert flooder.held
    one, two = others
    one.says("hello")
    two.sees("<guest3> hello")


def test_who_leaves_the_room_takes_no_place_along(stage: Stage) -> None:
    ann, flooder, mover = crowd(stage, 3)
    flooder.says(*loud(*["x"] * 40))
    mover.says("/join #tea", "in the other room")
    assert mover.held
    stage.wait(1.0)
    assert [line for line in mover.lines() if not line.startswith("<")] == [
        *[NOTICE, "*** you are in #tea now", "*** nobody else is here yet"],
    ]
    assert not mover.held
    mover.says("/history")
    mover.sees("*** last said here (1 line):", "#1 <guest3> in the other room")
    stage.wait(60.0)
    assert heard(ann) == ["x"] * 40


def test_who_is_sent_away_in_a_storm_says_no_more(stage: Stage) -> None:
    ann, flooder, *_ = crowd(stage, 3)
    flooder.says(*loud(*["x"] * 40))
    stage.wait(1.0)
    flooder.vanishes()
    stage.wait(60.0)
    assert 10 < len(heard(ann)) <= 21
    assert stage.wakes == []


def test_who_has_gone_is_heard_out(stage: Stage) -> None:
    ann, flooder, *_ = crowd(stage, 3)
    flooder.says(*loud(*range(30)))
    flooder.ends()
    assert (flooder.held, flooder.closed) == (True, "")
    # The peer is gone altogether; all that it sent had come.
    flooder.vanishes(Ending.EOF)
    ann.says("/who")
    stage.wait(60.0)
    lines = ann.lines()
    assert [line.split()[1] for line in lines if line.startswith("<")] == [str(number) for number in range(30)]
    assert "*** 3 in #lobby: guest1, guest2, guest3" in lines
    ann.says("/who")
    ann.sees("*** 2 in #lobby: guest1, guest3")


def test_rooms_may_be_as_loud_as_they_like(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits(line_rate=0, byte_rate=0, room_rate=0)))
    ann, bob = stage.people("ann", "bob")
    bob.says(*["x"] * 500)
    ann.sees(*["<bob> x"] * 500)


def test_who_asks_for_much_waits_for_it(new_stage: Callable[[Service], Stage]) -> None:
    stage = new_stage(Chat(Limits()))
    (ann,) = stage.people("ann")
    stage.wait(60)
    ann.says("/help")
    size = len(ann.reads())
    ann.says(*["/help"] * 99)
    # As much as may be said at once, and the answer that goes beyond it.
    assert len(ann.reads()) <= 5 * 4096 + size
    assert ann.held
    stage.wait(99 * size / 8192 + 60)
    assert not ann.held
