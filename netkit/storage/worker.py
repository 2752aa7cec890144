"""The thread that writes: it takes what waits, a batch at a time, and is the only one that touches the database.

While the disk fails, or another program holds the database, what waits goes on waiting and is tried again; lines beyond
the bound are left out and counted. Nobody else notices.
"""

from __future__ import annotations

import logging
import math
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self

from ..errors import StorageError
from ..services.chat.records import Kept
from . import schema
from .changes import Changes
from .database import Database
from .pending import Asked, Pending
from .place import DATABASE, claimed

log = logging.getLogger(__name__)

#: Bytes of memory that lines may take before they are written: about a second of what one processor can talk.
BOUND = 16 * 1024 * 1024

#: Seconds until what could not be written is tried again.
RETRY = 1.0

#: Seconds between two looks for lines and bans that are too old.
EXPIRE = 3600.0

#: Seconds between two lines in the log: that lines are left out, and that the disk fails.
DROP_REPORTS, FAILURE_REPORTS = 1.0, 60.0


def open(
    directory: Path, *, create: bool = True, clock: Callable[[], float] = time.time, bound: int = BOUND
) -> tuple[Worker, Kept]:
    """Open the storage in a directory. ``close`` it, or leave its ``with`` block, to lose nothing.

    Args:
        directory: it is made where it is missing, for nobody but its owner to look into.
        create: whether it may be made.
        clock: the time of day, in seconds since the epoch.
        bound: bytes of memory that lines may take before they are written.

    Returns:
        The storage, and all that was kept in it so far.

    Raises:
        StorageError: it cannot be had, is in use by another process, or what is in it cannot be used.
    """
    worker = Worker(directory, create=create, clock=clock, bound=bound)
    try:
        return worker, worker.start()
    except BaseException:
        worker.close()
        raise


class Worker:
    """A storage for the records of the chat. Comes from ``open``; every method may be called from any thread."""

    def __init__(self, directory: Path, *, create: bool, clock: Callable[[], float], bound: int) -> None:
        self.path = directory / DATABASE
        self._directory = directory
        self._create = create
        self._clock = clock
        self._pending = Pending(bound, clock)
        self._kept: Future[Kept] = Future()
        self._reports = Reports(self.path)
        self._expire_at = time.monotonic() + EXPIRE
        # A daemon: whoever forgets to close it shall still be able to end.
        self._thread = threading.Thread(target=self._run, name="netkit-storage", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def dropped(self) -> int:
        """How many lines were left out, as the disk could not keep up with them or failed."""
        return self._pending.dropped

    def start(self) -> Kept:
        """Begin, once, and give what was kept. See ``open``."""
        self._thread.start()
        return self._kept.result()

    def put(self, record: object) -> None:
        """Keep a record. Returns at once: it is written in a twentieth of a second, together with others.

        Raises:
            TypeError, ValueError: it is no record that can be stored. Whatever befalls the disk raises nothing.
        """
        self._pending.put(record)

    def recall(self, query: object) -> Future[object]:
        """Look something up, when all that was put before is written.

        Returns:
            What comes to hold the answer, see the query; or a ``StorageError``, where the disk fails or all is closed.

        Raises:
            TypeError, ValueError: it is no query that can be answered.
        """
        return self._pending.ask(query)

    def close(self) -> None:
        """Write all there is, and close the database. Blocks meanwhile. Whatever comes afterwards is lost."""
        self._pending.close()
        if self._thread.ident is not None:
            self._thread.join()

    # In the thread.

    def _run(self) -> None:
        """All of its life."""
        try:
            with claimed(self._directory, create=self._create) as path, closing(Database(path)) as database:
                with database.transaction(sync=True):
                    kept, self._pending.newest = database.start(self._clock())
                self._kept.set_result(kept)
                self._serve(database)
        except BaseException as error:
            wrong = StorageError(f"{self.path}: {schema.explain(error)}") if isinstance(error, sqlite3.Error) else error
            if self._kept.done():
                log.error("the state was not closed in order: %s", wrong)
            else:
                self._kept.set_exception(wrong)
        finally:
            self._pending.abandon()

    def _serve(self, database: Database) -> None:
        """Carry out what comes, until it is closed."""
        last = False
        while not last:
            work, last = self._pending.take(max(0.0, self._expire_at - time.monotonic()))
            done = self._carry_out(database, work)
            self._reports.dropped(self._pending.dropped, last=last)
            if not (done or last):
                self._pending.pause(RETRY)
        if done:  # so no number is in use whose line is not known
            with database.transaction():
                database.settle()
        else:
            self._reports.lost(self._pending.left)

    def _carry_out(self, database: Database, work: list[Changes | Asked]) -> bool:
        """Write changes and answer queries, in their order, and tell whether that was possible."""
        changes = [each for each in work if isinstance(each, Changes)]
        asked = [each for each in work if isinstance(each, Asked)]
        found = []
        try:
            with database.transaction(sync=any(each.vital for each in changes)):
                for each in work:
                    if isinstance(each, Changes):
                        database.write(each)
                    else:
                        found.append(database.find(each.query))
                self._tidy(database)
        except Exception as error:
            wrong = self._reports.failed(error, sum(each.lines for each in changes))
            self._pending.give_back(changes)
            for each in asked:
                each.fail(wrong)
            return False
        for each, lines in zip(asked, found, strict=True):
            each.succeed(lines)
        self._pending.done(changes)
        self._reports.recovered()
        return True

    def _tidy(self, database: Database) -> None:
        """Remove what is too much, and from time to time what is too old."""
        database.tidy()
        if time.monotonic() >= self._expire_at:
            database.expire(self._clock())
            self._expire_at = time.monotonic() + EXPIRE


class Reports:
    """What the log is told: that it goes wrong, so often and not more, and that it goes well again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told = False  # that it fails
        self._failed_at = self._dropped_at = -math.inf
        self._dropped = 0

    def failed(self, error: Exception, lines: int) -> StorageError:
        """Something could not be written or read, with which so many lines wait. Gives the error to answer with."""
        known = isinstance(error, sqlite3.Error)
        why = schema.explain(error) if isinstance(error, sqlite3.Error) else f"{type(error).__name__}: {error}"
        now = time.monotonic()
        if now - self._failed_at >= FAILURE_REPORTS:
            self._failed_at = now
            self._told = True
            log.error("%s fails, %d lines wait for it: %s", self._path, lines, why, exc_info=None if known else error)
        return StorageError(f"{self._path}: {why}")

    def recovered(self) -> None:
        """All is written."""
        if self._told:
            self._told = False
            log.warning("%s can be written again", self._path)

    def lost(self, lines: int) -> None:
        """It ends, and could not be written."""
        log.error("%s cannot be written: what waited for it is lost, %d lines among it", self._path, lines)

    def dropped(self, lines: int, *, last: bool = False) -> None:
        """So many lines were left out until now."""
        now = time.monotonic()
        if lines > self._dropped and (last or now - self._dropped_at >= DROP_REPORTS):
            log.warning("%d lines were not kept: %s does not keep up", lines - self._dropped, self._path)
            self._dropped, self._dropped_at = lines, now
