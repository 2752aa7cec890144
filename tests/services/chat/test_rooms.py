from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netkit.services.chat.refusal import Refusal
from netkit.services.chat.rooms import HISTORY_LINES, HISTORY_SIZE, MAX_ROOMS, Room, Rooms, room_name


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


@given(
    st.lists(st.text("x\u00e9\u4e9c", max_size=5).map(lambda text: text * 1000 or "y"), max_size=30),
    st.integers(0, 300),
)
def test_the_last_lines_are_kept_up_to_a_size(lines: list[str], number: int) -> None:
    room = Room("#tea")
    for line in lines:
        room.remember(line)
    kept: list[str] = []
    for line in reversed(lines):
        if len(line.encode()) + sum(len(later.encode()) for later in kept) > HISTORY_SIZE:
            break
        kept.insert(0, line)
    assert room.last(number) == (kept[-number:] if number else [])


def test_the_last_lines_are_kept_up_to_a_number() -> None:
    room = Room("#tea")
    for number in range(HISTORY_LINES + 5):
        room.remember(str(number))
    assert room.last(10**6) == [str(number) for number in range(5, HISTORY_LINES + 5)]


def test_there_are_only_so_many_rooms() -> None:
    rooms = Rooms()
    made = [rooms.open(f"#r{number}") for number in range(MAX_ROOMS - 1)]
    with pytest.raises(Refusal):
        rooms.open("#more")
    assert rooms.open("#r7") is made[7]
    rooms.tidy(made[7])
    assert rooms.open("#more").name == "#more"
    assert len(rooms) == MAX_ROOMS


def test_the_lobby_stays() -> None:
    rooms = Rooms()
    rooms.tidy(rooms.lobby)
    assert rooms.find("#Lobby") is rooms.lobby
    assert list(rooms) == [rooms.lobby]
