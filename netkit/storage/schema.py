"""The schema: the tables, how a database is opened, and what SQLite's errors mean for who runs the server."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ..errors import StorageError

#: What a file of netkit's says of itself ("nkit"), and the version of the tables in it.
APPLICATION, VERSION = 0x6E6B6974, 1

#: Seconds to wait for another program that has the database open, such as one that makes a copy of it.
BUSY = 1.0

#: Statements that SQLite keeps prepared: those of ``database``, some of them in many lengths.
PREPARED = 32

TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE rooms (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    topic TEXT,                         -- NULL: never had one
    number INTEGER NOT NULL,            -- the highest that was given to a line
    reserved INTEGER NOT NULL,          -- the highest that may be given to one before the next record comes
    time REAL NOT NULL                  -- of the newest line, in seconds since the epoch
);
-- The table is its own index: a page of history is one range of it, and a batch for one room is one leaf.
CREATE TABLE lines (
    room INTEGER NOT NULL,
    number INTEGER NOT NULL,
    time REAL NOT NULL,                 -- never goes down within a room as the number goes up
    nick TEXT NOT NULL,
    text TEXT NOT NULL,
    action INTEGER NOT NULL,
    PRIMARY KEY (room, number)
) WITHOUT ROWID;
CREATE TABLE bans (
    target TEXT PRIMARY KEY,
    by TEXT NOT NULL,
    why TEXT NOT NULL,
    made REAL NOT NULL,
    until REAL                          -- NULL: for ever
) WITHOUT ROWID;
CREATE TABLE run (
    clean INTEGER NOT NULL,             -- whether the last one closed the database in order
    start INTEGER NOT NULL              -- rooms that are not known begin after this number
);
INSERT INTO run VALUES (1, 0);
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
COMMIT;
"""

# A commit is one append to the log, chat.db-wal. What can be lost:
# - kill -9 takes only what was not committed, whatever `synchronous` is: the rest is with the kernel.
# - A power cut takes also what came since the log was last synced. NORMAL does that only when it moves the log into the
#   database, every 4 MiB; FULL does it at each commit, ten milliseconds of a disk. With both, what is left is whole and
#   in order. So lines are written with NORMAL, and with FULL what shall not be lost: see `Changes.vital`.
PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA journal_size_limit = 16777216",  # after a great removal, the log gets small again
)


def connect(path: Path) -> sqlite3.Connection:
    """Open the database, an empty file included, for the thread that calls. Transactions are begun by hand.

    Raises:
        StorageError: it is another program's, or of a newer netkit.
        sqlite3.Error: it cannot be read or written, see ``explain``.
    """
    connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None, cached_statements=PREPARED)
    try:
        _check(connection, path)
        for pragma in PRAGMAS:
            connection.execute(pragma)
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        if mode != "wal":
            raise StorageError(
                f"{path} is on a file system that cannot hold its log: choose a directory on a local disk"
            )
        if not connection.execute("PRAGMA user_version").fetchone()[0]:
            connection.executescript(TABLES)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse what is not ours, before anything is written to it."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION and (application or version or tables):
        raise StorageError(f"{path} is the database of another program: give another directory")
    if version > VERSION:
        raise StorageError(
            f"{path} was written by a newer netkit (its tables are version {version}, known here is {VERSION}): "
            "upgrade netkit, or give another directory"
        )


def explain(error: sqlite3.Error) -> str:
    """What went wrong and what to do about it, to be put behind the path and a colon."""
    # The low byte is the kind of error. What the module raises by itself has no code.
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return "the disk is full, make room"
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            return "it is no database or is damaged, restore a copy or move it away to start afresh"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return "it cannot be written, check its permissions"
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return "another program has locked it, end that one"
    return f"{error}, check the disk"
