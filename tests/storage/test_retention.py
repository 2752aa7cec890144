"""What is kept of a room: 2,048 lines, and none that is older than a week. A clock that jumps loses nothing."""

from __future__ import annotations

import time

import pytest

from netkit.services.chat.records import Lines
from netkit.storage import worker
from netkit.storage.database import SLACK
from tests.storage.rig import PATIENCE, Clock, Open, all_of, lines, put, recall

WEEK = 7 * 24 * 3600.0


def test_the_oldest_lines_of_a_room_go_while_it_is_open(opened: Open) -> None:
    kept, _ = opened()
    put(kept, *lines(1, 2, room="#b"))
    for first in range(1, 5001, 500):
        put(kept, *lines(*range(first, first + 500)))
        all_of(kept)
    oldest = lines(5001 - 2048)
    assert recall(kept, Lines("#a", 0, 1)) == oldest
    put(kept, *lines(*range(5001, 5001 + SLACK - 1)))
    assert recall(kept, Lines("#a", 0, 1)) == oldest  # not at each line
    assert all_of(kept, "#b") == lines(1, 2, room="#b")
    kept.close()
    kept, found = opened()
    assert all_of(kept) == lines(*range(5000 + SLACK - 2048, 5000 + SLACK))
    assert [room.number for room in found.rooms] == [5000 + SLACK - 1, 2]


def test_a_week_later_a_line_is_gone_and_its_number_is_not(opened: Open, clock: Clock) -> None:
    kept, _ = opened()
    put(kept, *lines(1, 2, 3))
    all_of(kept)
    clock.now += 1.0
    put(kept, *lines(4))
    kept.close()
    clock.now += WEEK - 0.5
    kept, found = opened()
    assert [room.lines for room in found.rooms] == [lines(4)]
    assert all_of(kept) == lines(4)
    kept.close()
    clock.now += 1.0
    kept, found = opened()
    assert [(room.lines, room.number) for room in found.rooms] == [((), 4)]


def test_time_passes_also_while_it_is_open(opened: Open, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "EXPIRE", 0.01)
    kept, _ = opened()
    put(kept, *lines(1))
    assert all_of(kept) == lines(1)
    clock.now += WEEK + 1.0
    put(kept, *lines(2))
    until = time.monotonic() + PATIENCE
    while (left := all_of(kept)) != lines(2):  # now and then it looks, not each time
        assert left == lines(1, 2)
        assert time.monotonic() < until


def test_a_clock_that_is_set_back_loses_no_line(opened: Open, clock: Clock) -> None:
    kept, _ = opened()
    right = clock.now
    put(kept, *lines(1))
    all_of(kept)
    clock.now = 0.0  # as on a machine that forgets the time
    put(kept, *lines(2), *lines(1, room="#b"))
    kept.close()
    kept, _ = opened()
    put(kept, *lines(3), *lines(1, room="#c"))
    kept.close()
    clock.now = right + 1.0
    kept, found = opened()
    assert [room.lines for room in found.rooms] == [lines(1, 2, 3), lines(1, room="#b"), lines(1, room="#c")]
    assert all_of(kept) == lines(1, 2, 3)
