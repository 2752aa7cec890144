"""A chat of which records are kept: what it stores, and how it goes on after a new start."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from netkit.endings import Ending
from netkit.limits import Limits
from netkit.service import Send, Service, Store
from netkit.services.chat import Chat
from netkit.services.chat.house import AHEAD, FAR_AHEAD
from netkit.services.chat.records import Ban, Forgotten, Kept, KeptRoom, Reserved, Said, Topic
from netkit.services.chat.rooms import MAX_ROOMS

if TYPE_CHECKING:
    from tests.services.conftest import Stage


@pytest.fixture
def start(new_stage: Callable[[Service], Stage]) -> Callable[..., Stage]:
    """Starts a chat with what was kept before."""

    def start(kept: Kept, **bounds: float) -> Stage:
        free = {"line_rate": 0, "byte_rate": 0, "room_rate": 50.0, "renames": 0} | bounds
        return new_stage(Chat(Limits(**free), kept=kept, operator_token="sesame"))  # type: ignore[arg-type] # some are int

    return start


def test_what_is_said_is_stored_and_nothing_else(start: Callable[..., Stage]) -> None:
    stage = start(Kept())
    ann, bob = stage.people("ann", "bob")
    ann.says("hello", "/me waves", "/msg bob psst", "/topic tea", "/away", "/who", "/nick dan", "{", "/quit bye")
    bob.vanishes()
    assert stage.stored == [
        Reserved("#lobby", 1 + AHEAD),
        Said("#lobby", 1, "ann", "hello"),
        Said("#lobby", 2, "ann", "waves", action=True),
        Topic("#lobby", "tea"),
        Said("#lobby", 3, "dan", "{"),
    ]


def test_it_is_stored_after_it_was_said(start: Callable[..., Stage]) -> None:
    stage = start(Kept())
    ann, bob = stage.people("ann", "bob")
    assert stage.service.received(ann, b"one\ntwo\n", stage.now) == [
        Send((bob,), b"<ann> one\n<ann> two\n"),
        Store(Reserved("#lobby", 1 + AHEAD)),
        Store(Said("#lobby", 1, "ann", "one")),
        Store(Said("#lobby", 2, "ann", "two")),
    ]


def test_nothing_is_stored_where_nothing_is_kept(stage: Stage) -> None:
    (ann,) = stage.people("ann")
    ann.says("hello", "/topic tea", "/join #tea", "hello", "/leave")
    assert stage.stored == []


@pytest.mark.parametrize(("rate", "ahead"), [(50.0, AHEAD), (0.0, FAR_AHEAD)])
def test_numbers_are_reserved_before_they_are_used(start: Callable[..., Stage], rate: float, ahead: int) -> None:
    stage = start(Kept(), room_rate=rate, line_rate=0, byte_rate=0)
    (ann,) = stage.people("ann")
    reserved, said = 0, 0
    for _ in range(ahead // 400 + 1):
        ann.says(*["x"] * 500)
        stage.wait(1000.0)
    for record in stage.stored:
        if isinstance(record, Reserved):
            # Half of them are left then: time enough to write that there are more.
            assert reserved == 0 or reserved - said >= ahead // 2 - 1
            reserved = record.number
        elif isinstance(record, Said):
            said = record.number
            assert said <= reserved
    assert said > ahead


def test_rooms_go_on_with_topic_lines_and_numbers(start: Callable[..., Stage]) -> None:
    tea = KeptRoom("#tea", "leaves", 41, (Said("#tea", 40, "bob", "waves", action=True), Said("#tea", 41, "ann", "hi")))
    stage = start(Kept((tea,), start=7))
    (ann,) = stage.people("ann")
    ann.says("/rooms", "/join #tea", "more", "/history 1", "/join #new", "first", "/history")
    ann.sees(
        *["*** #lobby (1)", "*** #tea (0) leaves"],
        *["*** you are in #tea now", "*** topic: leaves", "*** nobody else is here yet"],
        *["*** last said here (2 lines):", "* bob waves", "<ann> hi"],
        *["*** last said here (1 line):", "#42 <ann> more"],
        *["*** you are in #new now", "*** nobody else is here yet"],
    )
    assert [record.number for record in stage.stored if isinstance(record, Said)] == [42, 8]


def test_a_room_outlasts_those_in_it(start: Callable[..., Stage]) -> None:
    stage = start(Kept())
    ann, bob = stage.people("ann", "bob")
    ann.says("/join #tea", "/topic leaves", "hello", "/join #empty", "/leave")
    stage.hush()
    bob.says("/rooms", "/join #tea")
    assert bob.lines()[-3:] == ["*** nobody else is here yet", "*** last said here (1 line):", "<ann> hello"]
    bob.says("goodbye")
    assert [record.number for record in stage.stored if isinstance(record, Said)] == [1, 2]


def test_a_room_that_has_to_go_is_forgotten(start: Callable[..., Stage]) -> None:
    kept = Kept(tuple(KeptRoom(f"#r{number}", "", 1, ()) for number in range(MAX_ROOMS - 1)))
    stage = start(kept)
    ann, bob = stage.people("ann", "bob")
    bob.says("/join #r0")
    ann.says("/join #more", "hello")
    gone, reserved, said = stage.stored
    assert gone == Forgotten("#r1")
    assert reserved == Reserved("#more", 1 + AHEAD)
    assert said == Said("#more", 1, "ann", "hello")


def test_bans_go_on_for_as_long_as_is_left(start: Callable[..., Stage]) -> None:
    bans = (
        Ban("192.0.2.0/24", "oz", "spam", 60.0),
        Ban("198.51.100.7/32", "oz", "", None),
        Ban("@bob", "oz", "", 90.0),
    )
    stage = start(Kept(bans=bans))
    # However long the machine has been up.
    stage.now = 5_000_000.0
    assert stage.seat(local=False, host="192.0.2.7").lines() == [
        "*** you are banned for another 1 min (spam): goodbye (banned)"
    ]
    stage.wait(59.0)
    assert stage.seat(local=False, host="192.0.2.8").closed == Ending.BANNED
    ann = stage.seat(local=False, host="203.0.113.1")
    ann.says("/nick bob", "/op sesame", "/bans")
    assert ann.lines()[3:] == [
        "*** bob is banned: choose another name",
        "*** you are an operator now: /help operators lists what you can do",
        *["*** 192.0.2.0/24 for 1 s, by oz: spam", "*** 198.51.100.7/32 for ever, by oz", "*** bob for 31 s, by oz"],
    ]
    stage.wait(1.0)
    assert stage.seat(local=False, host="192.0.2.9").closed == ""
    assert stage.seat(local=False, host="198.51.100.7").closed == Ending.BANNED
