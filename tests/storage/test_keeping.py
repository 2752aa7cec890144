"""What was put is there after the next start, and what is asked for while it is open."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from dataclasses import replace

import pytest

from netkit.errors import StorageError
from netkit.services.chat.records import Ban, Forgotten, Kept, KeptRoom, Lines, Reserved, Said, Topic, Unban
from tests.storage.rig import PATIENCE, Clock, Open, all_of, lines, put, recall


def reopened(opened: Open) -> Kept:
    """What a start finds, which is followed by an end in order."""
    kept, found = opened()
    kept.close()
    return found


def test_there_is_nothing_at_first(opened: Open) -> None:
    assert opened()[1] == Kept()


def test_all_of_it_is_kept(opened: Open) -> None:
    said = (
        Said("#a", 1, "ann", "hello"),
        Said("#a", 2, "bob", "waves", action=True),
        Said("#a", 5, "zoë", "naïve \U0001f600 \0 '); DROP TABLE lines"),
    )
    bans = (Ban("192.0.2.0/24", "ann", "spam", 60.0), Ban("@bob", "ann", "", None))
    kept, _ = opened()
    put(kept, Topic("#a", "tea"), *said, Topic("#b", "coffee"), *bans)
    kept.close()
    expected = Kept(rooms=(KeptRoom("#a", "tea", 5, said), KeptRoom("#b", "coffee", 0, ())), bans=bans)
    assert reopened(opened) == expected
    assert reopened(opened) == expected  # also where nothing was put


def test_what_came_last_counts(opened: Open) -> None:
    kept, _ = opened()
    put(kept, Topic("#a", "tea"), Topic("#a", "coffee"), Topic("#b", "tea"), Topic("#b", ""))
    put(kept, Ban("@bob", "ann", "spam", 60.0), Ban("@bob", "cat", "more spam", None), Ban("@dan", "ann", "", None))
    put(kept, Unban("@dan"), Unban("@nobody"))
    kept.close()
    found = reopened(opened)
    assert [(room.name, room.topic) for room in found.rooms] == [("#a", "coffee"), ("#b", "")]
    assert found.bans == (Ban("@bob", "cat", "more spam", None),)


def test_a_room_that_is_forgotten_takes_all_with_it(opened: Open) -> None:
    kept, _ = opened()
    put(kept, Topic("#a", "tea"), *lines(1, 2), Reserved("#a", 100), *lines(1, room="#b"))
    all_of(kept)
    put(kept, *lines(3), Forgotten("#a"), Forgotten("#never"))
    assert all_of(kept) == ()
    put(kept, *lines(4), Forgotten("#a"), *lines(1, text="anew"))
    assert all_of(kept) == lines(1, text="anew")
    put(kept, Forgotten("#b"), *lines(7, room="#c"))
    all_of(kept)
    put(kept, Forgotten("#c"))
    kept.close()
    assert reopened(opened).rooms == (KeptRoom("#a", "", 1, lines(1, text="anew")),)
    with closing(sqlite3.connect(kept.path)) as database:
        assert database.execute("SELECT text FROM lines").fetchall() == [("anew",)]


def test_a_normal_start_leaves_no_gap_in_the_numbers(opened: Open) -> None:
    kept, _ = opened()
    put(kept, Reserved("#a", 1000), *lines(1, 2, 3), Reserved("#b", 50))
    kept.close()
    assert [(room.name, room.number) for room in reopened(opened).rooms] == [("#a", 3), ("#b", 0)]


def test_the_last_lines_of_each_room_are_given(opened: Open) -> None:
    kept, _ = opened()
    put(kept, *lines(*range(1, 301)), *lines(7, 9, room="#b"))
    kept.close()
    assert [room.lines for room in reopened(opened).rooms] == [lines(*range(101, 301)), lines(7, 9, room="#b")]


def test_no_more_than_some_megabytes_are_given_and_the_newest_of_all_rooms(opened: Open, clock: Clock) -> None:
    long = "x" * (8192 - len("ann"))
    kept, _ = opened()
    for room in ("#c", "#a", "#b"):
        put(kept, *lines(*range(200), room=room, text=long))
        clock.now += 1
    put(kept, *lines(200, room="#a", text=long))
    kept.close()
    found = {room.name: [line.number for line in room.lines] for room in reopened(opened).rooms}
    room_for = 4 * 1024 * 1024 // 8192
    assert found == {"#a": [*range(1, 201)], "#b": [*range(200)], "#c": [*range(600 - room_for, 200)]}


def test_a_ban_ends_also_while_nothing_runs(opened: Open, clock: Clock) -> None:
    kept, _ = opened()
    put(kept, Ban("@a", "x", "", 10.0), Ban("@b", "x", "", 20.0), Ban("@c", "x", "", None))
    kept.close()
    clock.now += 10.0
    left = Ban("@b", "x", "", 10.0)
    assert reopened(opened).bans == (left, Ban("@c", "x", "", None))
    clock.now -= 3600.0  # the clock was wrong, or is now: it lasts no longer than it was to last
    assert reopened(opened).bans == (replace(left, seconds=20.0), Ban("@c", "x", "", None))


def test_pages_of_history(opened: Open) -> None:
    kept, _ = opened()
    put(kept, *lines(2, 4, 6, 8), *lines(5, room="#b"))
    assert recall(kept, Lines("#a", 4, 2)) == lines(4, 6)
    assert recall(kept, Lines("#a", 5, 10)) == lines(6, 8)
    assert recall(kept, Lines("#a", 9, 10)) == ()
    assert recall(kept, Lines("#a", 6, 1, before=True)) == lines(4)
    assert recall(kept, Lines("#a", 7, 2, before=True)) == lines(4, 6)
    assert recall(kept, Lines("#a", 10**30, 2, before=True)) == lines(6, 8)
    assert recall(kept, Lines("#a", 10**30, 2)) == ()
    assert recall(kept, Lines("#a", -1, 1)) == lines(2)
    assert recall(kept, Lines("#a", 0, 0)) == recall(kept, Lines("#a", 0, -1)) == ()
    assert recall(kept, Lines("#never", 0, 10)) == ()


def test_an_answer_holds_what_was_put_before_and_nothing_that_came_after(opened: Open) -> None:
    kept, _ = opened()
    everything = Lines("#a", 0, 100)
    put(kept, *lines(1))
    first = kept.recall(everything)
    put(kept, *lines(2))
    second = kept.recall(everything)
    put(kept, Forgotten("#a"))
    third = kept.recall(everything)
    assert [each.result(PATIENCE) for each in (first, second, third)] == [lines(1), lines(1, 2), ()]


def test_who_has_left_needs_no_answer(opened: Open) -> None:
    kept, _ = opened()
    put(kept, *lines(1))
    left, stays = kept.recall(Lines("#a", 0, 1)), kept.recall(Lines("#a", 0, 1))
    left.cancel()
    assert stays.result(PATIENCE) == lines(1)


def test_closing_answers_all_who_wait_and_may_be_done_again(opened: Open) -> None:
    kept, _ = opened()
    put(kept, *lines(*range(1, 2001)))
    waiting = [kept.recall(Lines("#a", number, 1)) for number in range(1, 101)]
    closing = [threading.Thread(target=kept.close) for _ in range(4)]
    for each in closing:
        each.start()
    kept.close()
    assert [each.result(0) for each in waiting] == [lines(number) for number in range(1, 101)]
    for each in closing:
        each.join(PATIENCE)
    kept.close()
    assert reopened(opened).rooms[0].number == 2000


def test_after_the_end_nothing_is_kept_and_nothing_breaks(opened: Open) -> None:
    with opened()[0] as kept:
        put(kept, *lines(1))
    put(kept, *lines(2), Topic("#a", "tea"))
    with pytest.raises(StorageError, match="closed"):
        all_of(kept)
    assert kept.dropped == 1
    assert reopened(opened).rooms == (KeptRoom("#a", "", 1, lines(1)),)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ("a line", TypeError),
        (Lines("#a", 0, 1), TypeError),
        (Said("#a", 2, "ann", "\ud800"), ValueError),
        (Said("#a", -1, "ann", ""), ValueError),
        (Said("#a", 2**60, "ann", ""), ValueError),
        (Reserved("#a", 2**60), ValueError),
        (Topic("#a", "\udfff"), ValueError),
        (Forgotten("#\ud800"), ValueError),
        (Ban("@bob", "ann", "\ud800", None), ValueError),
        (Ban("@bob", "ann", "", float("nan")), ValueError),
        (Unban("@\ud800"), ValueError),
    ],
    ids=repr,
)
def test_what_cannot_be_stored_is_refused_at_once(opened: Open, wrong: object, error: type[Exception]) -> None:
    kept, _ = opened()
    put(kept, *lines(1))
    with pytest.raises(error):
        kept.put(wrong)
    assert all_of(kept) == lines(1)  # all else goes on


@pytest.mark.parametrize(("wrong", "error"), [("#a", TypeError), (Lines("#\ud800", 0, 1), ValueError)], ids=repr)
def test_what_cannot_be_answered_is_refused_at_once(opened: Open, wrong: object, error: type[Exception]) -> None:
    kept, _ = opened()
    with pytest.raises(error):
        kept.recall(wrong)
