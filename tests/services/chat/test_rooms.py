"""Rooms: their names, how many there are, and when one is let go."""

from __future__ import annotations

import pytest

from netkit.services.chat.history import History
from netkit.services.chat.records import Kept, KeptRoom, Said
from netkit.services.chat.refusal import Refusal
from netkit.services.chat.rooms import MAX_ROOMS, Rooms, room_name


def make(kept: Kept | None = None) -> Rooms:
    return Rooms(History(), 50.0, kept)


@pytest.mark.parametrize(
    ("typed", "name"),
    [("#tea", "#tea"), ("#TEA", "#tea"), ("#a_b-9", "#a_b-9"), ("#" + "x" * 32, "#" + "x" * 32), ("#\u212a", "#k")],
)
def test_names(typed: str, name: str) -> None:
    assert room_name(typed) == name


@pytest.mark.parametrize(
    "typed", ["", "#", "tea", "##", "#a b", "#a\n", "#\u00e9", "#a.b", "#" + "x" * 33, "#" + "\ufb03" * 32]
)
def test_what_is_no_name(typed: str) -> None:
    with pytest.raises(Refusal):
        room_name(typed)


def test_there_are_only_so_many_rooms() -> None:
    rooms = make()
    made = [rooms.open(f"#r{number}")[0] for number in range(MAX_ROOMS - 1)]
    for room in made:
        room.members = {None: None}  # type: ignore[dict-item] # as if somebody was there
    with pytest.raises(Refusal):
        rooms.open("#more")
    assert rooms.open("#R7") == (made[7], None)
    made[7].members = {}
    rooms.tidy(made[7])
    room, gone = rooms.open("#more")
    assert (room.name, gone) == ("#more", None)
    assert len(rooms) == MAX_ROOMS


def test_the_lobby_stays() -> None:
    rooms = make()
    rooms.tidy(rooms.lobby)
    assert rooms.find("#Lobby") is rooms.lobby
    assert list(rooms) == [rooms.lobby]


def test_a_room_begins_anew_where_nothing_is_kept() -> None:
    rooms = make()
    room, _ = rooms.open("#tea")
    room.number, room.topic = 7, "leaves"
    rooms.tidy(room)
    room, _ = rooms.open("#tea")
    assert (room.number, room.topic) == (0, "")


def test_a_room_with_something_to_keep_stays() -> None:
    rooms = make(Kept(start=1024))
    for name, number, topic in (("#number", 1025, ""), ("#topic", 1024, "leaves"), ("#neither", 1024, "")):
        room, _ = rooms.open(name)
        assert room.number == room.reserved == 1024
        room.number, room.topic = number, topic
        rooms.tidy(room)
    assert [room.name for room in rooms] == ["#lobby", "#number", "#topic"]


def test_rooms_are_as_they_were_kept() -> None:
    lines = (Said("#tea", 3, "ann", "three"), Said("#tea", 5, "bob", "five", action=True))
    rooms = make(Kept((KeptRoom("#tea", "leaves", 9, lines), KeptRoom("#lobby", "", 2, ())), start=4))
    tea = rooms.find("#tea")
    assert (tea.topic, tea.number, tea.reserved, tuple(tea.shelf.lines)) == ("leaves", 9, 9, lines)
    assert (rooms.lobby.number, rooms.open("#cake")[0].number) == (2, 4)
    # It stays, though no number above the start was used.
    low, _ = make(Kept((KeptRoom("#tea", "", 5, lines),), start=1024)).open("#tea")
    assert low.shelf.newest == 5


def test_the_room_that_was_left_the_longest_ago_goes_for_a_new_one() -> None:
    kept = tuple(KeptRoom(f"#r{number}", "", 1, ()) for number in range(MAX_ROOMS - 1))
    rooms = make(Kept(kept))
    assert len(rooms) == MAX_ROOMS
    for number, room in enumerate(rooms):
        room.used = 1000.0 + (number * 7) % 11
    oldest = min((room for room in rooms if room is not rooms.lobby), key=lambda room: room.used)
    room, gone = rooms.open("#more")
    assert gone is oldest
    assert (room.name, len(rooms)) == ("#more", MAX_ROOMS)
    assert oldest.name not in [each.name for each in rooms]
