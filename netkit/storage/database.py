"""The database: changes written, lines looked up, and what is too old removed. Belongs to the thread that made it.

Each step of a statement lets go of the interpreter's lock, and has to get it back afterwards: where the event loop is
busy that may take 5 ms. ``executemany`` makes a step for each row, and 500 rows took anything from one millisecond to
five seconds. So one statement writes many rows here, and what could be a loop is left to SQL.
"""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from ..services.chat import history
from ..services.chat.records import Ban, Kept, KeptRoom, Lines, Said
from . import schema
from .changes import HIGHEST, Changes

#: Rows of one statement. SQLite allows 32,766 values in one; before its version 3.32, 999.
ROWS = 512

#: What is kept: so many lines of a room, and none that is older than a week (in seconds). As ergo has it.
LINES_KEPT, AGE_KEPT = 2048, 7 * 24 * 3600.0

#: A room may have so many lines more before they are removed, all at once.
SLACK = 256

#: What is given at the start, the newest of it: as many lines of a room, and as many bytes in all, as a chat remembers.
LINES_GIVEN, BYTES_GIVEN = history.LINES, history.SIZE

#: After a kill a room of which no number is reserved goes on so much higher: its first lines in that run may be lost,
#: together with what reserved their numbers. In the 200 ms that a kill may take that is 5,000 lines a second.
MARGIN = 1024

#: Lines of a room that are read at a time at the start. It goes into ``LINES_GIVEN``.
PAGE = 20

ROOMS = """
INSERT INTO rooms (name, topic, number, reserved, time) VALUES {}
ON CONFLICT (name) DO UPDATE SET topic = ifnull(excluded.topic, topic), number = max(number, excluded.number),
    reserved = max(reserved, excluded.reserved), time = max(time, excluded.time)
"""
LINES = """
WITH said (room, number, time, nick, text, action) AS (VALUES {})
INSERT OR REPLACE INTO lines SELECT rooms.id, said.number, said.time, nick, text, action
FROM said CROSS JOIN rooms ON rooms.name = said.room
"""
BACKWARDS = f"""
SELECT number, time, nick, text, action FROM lines WHERE room = ? AND number <= ? ORDER BY number DESC LIMIT {PAGE}
"""
BANS = "INSERT OR REPLACE INTO bans (target, by, why, made, until) VALUES {}"
UNBAN = "DELETE FROM bans WHERE target IN (VALUES {})"
FORGET_LINES = "DELETE FROM lines WHERE room IN (SELECT id FROM rooms WHERE name IN (VALUES {}))"
FORGET_ROOM = "DELETE FROM rooms WHERE name IN (VALUES {})"

# The lines to remove are the first of each room. By age, that is a look at one line where there are none. By number it
# is a walk over all that are kept, and done only for rooms that have grown.
REMOVE = """
DELETE FROM lines WHERE (room, number) IN (
    SELECT old.room, old.number FROM rooms CROSS JOIN lines AS old ON old.room = rooms.id WHERE old.number {})
"""
OLD = REMOVE.format(
    f"< ifnull((SELECT number FROM lines WHERE room = rooms.id AND time >= ? ORDER BY number LIMIT 1), {HIGHEST})"
)
MANY = REMOVE.format(
    f"<= (SELECT number FROM lines WHERE room = rooms.id ORDER BY number DESC LIMIT 1 OFFSET {LINES_KEPT})"
    " AND rooms.name IN (VALUES {})"
)


class Database:
    """One connection to the database.

    Args:
        path: of the file, which may be empty.

    Raises:
        StorageError, sqlite3.Error: see ``schema.connect``.
    """

    def __init__(self, path: Path) -> None:
        self._connection = schema.connect(path)
        self._rows = min(ROWS, self._connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER) // 6)
        self._grown: dict[str, int] = {}  # lines that a room may have beyond what was there when it was last looked at

    def close(self) -> None:
        """Close it. SQLite moves its log into it, and removes the log."""
        self._connection.close()

    @contextmanager
    def transaction(self, *, sync: bool = False) -> Iterator[None]:
        """All that is written in the block, or nothing of it, also after a kill.

        Args:
            sync: whether it shall outlast a power cut too, once it is done; see ``schema.PRAGMAS``.
        """
        if sync:
            self._connection.execute("PRAGMA synchronous = FULL")
        try:
            self._connection.execute("BEGIN")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        finally:
            if sync:
                self._connection.execute("PRAGMA synchronous = NORMAL")

    # Inside of a transaction.

    def start(self, now: float) -> tuple[Kept, float]:
        """Make numbers safe, remove what is too old, and give what there is.

        Args:
            now: the time of day, in seconds since the epoch.

        Returns:
            What was kept, and the time of the newest line.
        """
        clean, first = self._connection.execute("SELECT clean, start FROM run").fetchone()
        if not clean:
            first += MARGIN
            self._connection.execute(
                f"UPDATE rooms SET number = max(number + {MARGIN} * (reserved <= number), reserved)"
            )
        self._connection.execute("UPDATE run SET clean = 0, start = ?", (first,))
        rooms = self._connection.execute("SELECT id, name, topic, number, time FROM rooms ORDER BY name").fetchall()
        self.expire(now)
        self._remove([name for _, name, *_ in rooms])
        given = self._newest([(identity, name, time) for identity, name, _, _, time in rooms])
        kept = Kept(
            rooms=tuple(
                KeptRoom(name, topic or "", number, tuple(reversed(given[name]))) for _, name, topic, number, _ in rooms
            ),
            bans=tuple(self._bans(now)),
            start=first,
        )
        return kept, max((time for *_, time in rooms), default=0.0)

    def write(self, changes: Changes) -> None:
        """Write changes, all of them. What is there already is written over."""
        rooms = changes.rooms.items()
        forgotten = [(name,) for name, room in rooms if room.forgotten]
        self._each(FORGET_LINES, forgotten)
        self._each(FORGET_ROOM, forgotten)
        self._each(
            ROOMS,
            [
                (name, room.topic, room.number, room.reserved, room.lines[-1][0] if room.lines else 0.0)
                for name, room in rooms
                if room.there
            ],
        )
        self._each(
            LINES,
            [
                (name, said.number, time, said.nick, said.text, said.action)
                for name, room in rooms
                for time, said in room.lines
            ],
        )
        self._each(UNBAN, [(target,) for target, ban in changes.bans.items() if ban is None])
        self._each(BANS, [_ban_row(*ban) for ban in changes.bans.values() if ban is not None])
        for name, room in rooms:
            before = 0 if room.forgotten else self._grown.pop(name, 0)
            if room.there:
                self._grown[name] = before + len(room.lines)

    def find(self, query: Lines) -> tuple[Said, ...]:
        """The lines that were asked for, the oldest first."""
        side, order = ("<", "DESC") if query.before else (">=", "ASC")
        rows = self._connection.execute(
            "SELECT number, nick, text, action FROM lines WHERE room = (SELECT id FROM rooms WHERE name = ?) "
            f"AND number {side} ? ORDER BY number {order} LIMIT ?",
            (query.room, min(max(query.number, 0), HIGHEST), min(max(query.limit, 0), LINES_KEPT)),
        ).fetchall()
        if query.before:
            rows.reverse()
        return tuple(Said(query.room, number, nick, text, bool(action)) for number, nick, text, action in rows)

    def tidy(self) -> None:
        """Remove the lines of rooms that have grown by so much that it is worth it."""
        grown = [name for name, lines in self._grown.items() if lines >= SLACK]
        self._remove(grown)
        for name in grown:
            del self._grown[name]

    def expire(self, now: float) -> None:
        """Remove lines and bans whose time is over."""
        self._connection.execute(OLD, (now - AGE_KEPT,))
        self._connection.execute("DELETE FROM bans WHERE until <= ?", (now,))

    def settle(self) -> None:
        """Give back the numbers that were reserved and not used: nothing is under way any more."""
        self._connection.execute("UPDATE rooms SET reserved = number WHERE reserved > number")
        self._connection.execute("UPDATE run SET clean = 1")

    # The parts.

    def _each(self, sql: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Execute for all rows, many at a time. ``{}`` in the statement stands for them."""
        for at in range(0, len(rows), self._rows):
            block = rows[at : at + self._rows]
            marks = "(" + ",".join("?" * len(block[0])) + ")"
            self._connection.execute(sql.format(",".join([marks] * len(block))), tuple(chain.from_iterable(block)))

    def _remove(self, names: Sequence[str]) -> None:
        """Remove the oldest lines of rooms that have more than are kept."""
        self._each(MANY, [(name,) for name in names])

    def _newest(self, rooms: Sequence[tuple[int, str, float]]) -> dict[str, list[Said]]:
        """The last lines of each room, the newest first, as far as they are given at the start.

        Args:
            rooms: of each its id, its name, and the time of its newest line.
        """
        given: dict[str, list[Said]] = {name: [] for _, name, _ in rooms}
        left = BYTES_GIVEN
        # A page of the room whose next line is the newest of all, and then of the one for which that is true then.
        heap = [(-time, identity, name, HIGHEST) for identity, name, time in rooms]
        heapq.heapify(heap)
        while heap and left > 0:
            _, identity, name, below = heapq.heappop(heap)
            page = self._connection.execute(BACKWARDS, (identity, below)).fetchall()
            for number, _, nick, text, action in page:
                left -= len((nick + text).encode())
                if left < 0:
                    break
                given[name].append(Said(name, number, nick, text, bool(action)))
            if len(page) == PAGE and len(given[name]) < LINES_GIVEN:
                number, time, *_ = page[-1]
                heapq.heappush(heap, (-time, identity, name, number - 1))
        return given

    def _bans(self, now: float) -> Iterator[Ban]:
        """The bans that are left, in the order in which they were made."""
        rows = self._connection.execute("SELECT target, by, why, made, until FROM bans ORDER BY made, target")
        for target, by, why, made, until in rows:
            # Where the clock was set back since, not longer than it was to last then.
            yield Ban(target, by, why, None if until is None else min(until - now, until - made))


def _ban_row(made: float, ban: Ban) -> tuple[object, ...]:
    return ban.target, ban.by, ban.why, made, None if ban.seconds is None else made + ban.seconds
