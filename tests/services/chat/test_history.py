"""What rooms remember: the last lines, within bounds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netkit.services.chat.history import LINES, OVERHEAD, SHOWN_SIZE, SIZE, History, page
from netkit.services.chat.records import Said

rooms = st.sampled_from(["#lobby", "#tea", "#cake"])
texts = st.text("x\u00e9\u4e9c", max_size=8).map(lambda text: text * 40)


def said(number: int, text: str = "x", room: str = "#tea") -> Said:
    return Said(room, number, "ann", text)


def size(line: Said) -> int:
    return OVERHEAD + len(line.text.encode())


def test_a_room_keeps_its_last_lines() -> None:
    history = History()
    shelf = history.shelf("#tea")
    assert (shelf.first, shelf.newest, shelf.last(5), shelf.since(1)) == (0, 0, [], [])
    for number in range(1, LINES + 6):
        history.keep(shelf, said(number))
    assert (shelf.first, shelf.newest) == (6, LINES + 5)
    assert [line.number for line in shelf.last(3)] == [LINES + 3, LINES + 4, LINES + 5]
    assert [line.number for line in shelf.last(10**6)] == list(range(6, LINES + 6))
    assert [line.number for line in shelf.since(LINES + 4)] == [LINES + 4, LINES + 5]
    assert shelf.since(LINES + 6) == shelf.last(0) == []


def test_a_loud_room_takes_nothing_from_a_quiet_one() -> None:
    history = History(size=20_000)
    quiet, loud = history.shelf("#quiet"), history.shelf("#loud")
    for number in range(1, 11):
        history.keep(quiet, said(number))
    for number in range(1, 101):
        history.keep(loud, said(number, "y" * 1000))
        assert history.size <= 20_000
    assert len(quiet.lines) == 10
    assert loud.newest == 100
    assert len(loud.lines) > 10


def test_a_room_that_is_gone_takes_no_place() -> None:
    history = History()
    history.keep(history.shelf("#tea"), said(1))
    history.keep(history.shelf("#cake"), said(1, "yy"))
    history.forget("#tea")
    history.forget("#tea")
    assert history.size == OVERHEAD + 2
    assert history.shelf("#tea").first == 0


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(rooms, texts) | rooms, max_size=60), st.integers(400, 4000))
def test_all_together_stay_within_a_size(what: list[tuple[str, str] | str], most: int) -> None:
    history = History(size=most)
    kept: dict[str, list[Said]] = {}
    for number, each in enumerate(what, 1):
        before = history.size
        if isinstance(each, str):
            history.forget(each)
            kept.pop(each, None)
            continue
        room, text = each
        line = said(number, text, room)
        history.keep(history.shelf(room), line)
        kept.setdefault(room, []).append(line)
        for name, lines in kept.items():
            shelf = history.shelf(name)
            # What is there is the end of what was kept, and counted right.
            left = list(shelf.lines)
            assert left == lines[len(lines) - len(left) :]
            assert shelf.size == sum(map(size, left))
            # Nothing was let go without need.
            assert len(left) == len(lines) or before + size(line) > most
            kept[name] = left
        assert history.size == sum(size(line) for lines in kept.values() for line in lines) <= most


@pytest.mark.parametrize(("length", "number"), [(0, 200), (100, 200), (1000, 46), (4096, 11), (10**6, 1)])
def test_a_page_is_bounded(length: int, number: int) -> None:
    assert len(page(said(number, "x" * length) for number in range(300))) == number


@settings(deadline=None, max_examples=60)
@given(st.lists(texts, max_size=30))
def test_a_page_is_the_beginning(some: list[str]) -> None:
    lines = [said(number, text * 20) for number, text in enumerate(some)]
    shown = page(lines)
    assert shown == lines[: len(shown)]
    assert len(shown) <= 1 or sum(map(size, shown)) <= SHOWN_SIZE
    assert bool(shown) == bool(lines)
    if len(shown) < len(lines):
        assert sum(map(size, lines[: len(shown) + 1])) > SHOWN_SIZE


def test_the_bound_holds_for_many_full_rooms() -> None:
    history = History()
    for room in range(8):
        shelf = history.shelf(f"#r{room}")
        for number in range(LINES):
            history.keep(shelf, said(number, "z" * 4096))
    assert SIZE * 3 // 4 < history.size <= SIZE
    # They share it evenly.
    left = [len(history.shelf(f"#r{room}").lines) for room in range(8)]
    assert max(left) - min(left) <= max(left) // 4
