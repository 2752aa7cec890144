"""A server that is killed in the middle of a talk loses its last moment, and gives no number twice."""

from __future__ import annotations

import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from netkit import storage
from netkit.services.chat.records import Kept, Lines, Reserved, Said
from netkit.storage.database import MARGIN
from tests.process import Program
from tests.storage.rig import PATIENCE, Clock, Open, all_of, lines, put

#: Puts numbered lines until it is killed, reserves numbers as the chat does, and prints each number that was put, with
#: the time.
TALKER = """
import sys, time
from pathlib import Path
from netkit import storage
from netkit.services.chat.records import Reserved, Said
kept, found = storage.open(Path(sys.argv[1]))
number = reserved = found.rooms[0].number if found.rooms else 0
while True:
    number += 1
    kept.put(Said("#a", number, "ann", "hello"))
    if reserved - number < 512:
        reserved = number + 1024
        kept.put(Reserved("#a", reserved))
    print(number, time.monotonic(), flush=True)
    time.sleep(0.0005)
"""


def talked(state: Path, until: int) -> tuple[dict[int, float], float]:
    """Let somebody talk up to a number, and kill it: the numbers that were in use with their times, and the time."""
    with Program(sys.executable, "-c", TALKER, state) as program:
        said = program.output.until(b"\n%d " % until)
        killed = time.monotonic()
        program.signal(signal.SIGKILL)
        said += program.output.rest()
    whole = said[: said.rindex(b"\n")].splitlines()
    return {int(number): float(when) for number, when in map(bytes.split, whole)}, killed


def found(state: Path, clock: Callable[[], float] = time.time) -> Kept:
    """What there is after a kill."""
    kept, found = storage.open(state, clock=clock)
    kept.close()
    return found


def test_the_last_moment_is_lost_and_no_number_is_given_twice(state: Path, tick: float) -> None:
    highest = 0
    ages: list[float] = []
    while not ages or (min(ages) > 4 * tick and len(ages) < 3):  # a machine that has more to do gets another chance
        used, killed = talked(state, highest + 600)
        assert min(used) > highest
        (room,) = found(state).rooms
        assert room.number >= max(used)
        highest, last = room.number, room.lines[-1].number
        assert [line.number for line in room.lines] == list(range(room.lines[0].number, last + 1))[-200:]
        ages.append(killed - min((when for number, when in used.items() if number > last), default=killed))
    assert min(ages) <= 4 * tick  # 200 ms


def test_nothing_waits_for_long(opened: Open, state: Path, tick: float) -> None:
    kept, _ = opened()
    waited = []
    with closing(sqlite3.connect(state / "chat.db")) as other:
        for number in range(3):
            put(kept, *lines(number))
            began = time.monotonic()
            while other.execute("SELECT count(*) FROM lines").fetchone() == (number,):
                assert time.monotonic() - began < PATIENCE
            waited.append(time.monotonic() - began)
    assert min(waited) < 4 * tick


def crash(state: Path, copy: Path) -> Path:
    """Leave a storage as a kill would leave it now. Its process goes on; what is left is elsewhere."""
    copy.mkdir()
    for name in ("chat.db", "chat.db-wal"):
        (copy / name).write_bytes((state / name).read_bytes())
    return copy


def test_numbers_that_were_reserved_stay_used(opened: Open, state: Path, tmp_path: Path, clock: Clock) -> None:
    kept, _ = opened()
    put(kept, Reserved("#a", 100), *lines(1, 2))
    assert all_of(kept) == lines(1, 2)
    crashed = crash(state, tmp_path / "crashed")
    first, second = found(crashed, clock), found(crashed, clock)
    assert first.rooms[0].number == second.rooms[0].number == 100  # also where nothing was said since
    assert first.rooms[0].lines == lines(1, 2)


def test_a_room_of_which_no_number_is_reserved_goes_on_higher(opened: Open, state: Path, tmp_path: Path) -> None:
    """What reserved them may be lost, with the lines. So may a room that was new."""
    kept, empty = opened()
    assert empty.start == 0
    put(kept, *lines(1, 2))
    assert all_of(kept) == lines(1, 2)
    crashed = crash(state, tmp_path / "crashed")
    after = found(crashed)
    assert (after.rooms[0].number, after.start) == (2 + MARGIN, MARGIN)
    assert found(crashed) == after
    kept, _ = storage.open(crashed)
    kept.put(Said("#b", MARGIN + 1, "ann", "hello"))
    assert kept.recall(Lines("#b", 0, 9)).result() == lines(MARGIN + 1, room="#b")
    assert found(crash(crashed, tmp_path / "again")).start == 2 * MARGIN
    kept.close()
    assert found(crashed).start == MARGIN
