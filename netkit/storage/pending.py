"""Pending: what waits for the thread that writes. Bounded in memory, and safe to use from every thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from ..errors import StorageError
from ..services.chat.records import Lines, Said
from .changes import Changes, check_query, weigh

#: Seconds that a record waits for others to be written with it. What waits is lost when the process is killed.
GATHER = 0.05

#: As many records are not kept waiting for more.
MANY = 4096


@dataclass(slots=True)
class Asked:
    """A query, and where its answer goes."""

    query: Lines
    answer: Future[object] = field(default_factory=Future)

    def succeed(self, found: object) -> None:
        """Answer it, if anybody still waits."""
        if self.answer.set_running_or_notify_cancel():
            self.answer.set_result(found)

    def fail(self, error: StorageError) -> None:
        """Let whoever waits know that there is no answer."""
        if self.answer.set_running_or_notify_cancel():
            self.answer.set_exception(error)


def closed() -> StorageError:
    """What there is to say of a query that comes too late."""
    return StorageError("the storage is closed: nothing can be looked up any more")


class Pending:
    """Changes and queries, in their order.

    Args:
        bound: bytes that lines may take, those included that are being written. Beyond, they are left out.
        clock: the time of day, in seconds since the epoch.
    """

    def __init__(self, bound: int, clock: Callable[[], float]) -> None:
        #: The time of the newest line. The next is never older, so that one set right after a clock that was wrong
        #: does not pass for years old, and the lines of a room are in the order of their numbers and of time.
        self.newest = 0.0
        #: How many lines were left out.
        self.dropped = 0
        self._bound = bound
        self._clock = clock
        self._lock = threading.Lock()
        self._come = threading.Condition(self._lock)  # the lock alone is entered in a fourth of the time
        self._work: list[Changes | Asked] = []
        self._last: Changes | None = None  # of the work, if it can be added to
        self._count = 0  # records in the work
        self._weight = 0  # of the lines in the work, and of those that were taken and are not done
        self._urgent = False
        self._closed = False

    @property
    def left(self) -> int:
        """How many lines wait."""
        with self._lock:
            return sum(each.lines for each in self._work if isinstance(each, Changes))

    def put(self, record: object) -> None:
        """Add a record. Half a microsecond for a line; never waits for the disk.

        Raises:
            TypeError, ValueError: it cannot be stored, see ``Changes``. That is a fault of who made it.
        """
        if type(record) is Said:
            weight = weigh(record)
            with self._lock:
                if self._closed or self._weight + weight > self._bound:
                    self.dropped += 1
                    self._changes().skip(record)
                    return
                now = self._clock()
                if now > self.newest:
                    self.newest = now
                self._changes().say(record, self.newest, weight)
                self._weight += weight
                self._counted()
        else:
            with self._lock:
                self._weight -= self._changes().add(record, self._clock())
                self._counted()

    def ask(self, query: object) -> Future[object]:
        """Add a query. It is answered, and all before it written, without waiting for more.

        Raises:
            TypeError, ValueError: it is no query that can be answered.
        """
        if not isinstance(query, Lines):
            raise TypeError(f"the storage is asked for Lines, not for {query!r}")
        check_query(query)
        asked = Asked(query)
        with self._come:
            if self._closed:
                asked.fail(closed())
                return asked.answer
            self._work.append(asked)
            self._last = None
            self._urgent = True
            self._come.notify()
        return asked.answer

    def close(self) -> None:
        """Let ``take`` give what is left, and nothing be added any more."""
        with self._come:
            self._closed = True
            self._come.notify()

    def abandon(self) -> None:
        """Nobody takes anything any more: nobody shall wait either."""
        self.close()
        for each in self.take(0.0)[0]:
            if isinstance(each, Asked):
                each.fail(closed())

    def take(self, patience: float) -> tuple[list[Changes | Asked], bool]:
        """Wait for something, and take all there is; the second value tells whether it is the last.

        Args:
            patience: seconds after which it is given up, and nothing taken.
        """
        with self._come:
            self._come.wait_for(lambda: self._work or self._closed, patience)
            if self._work:
                self._come.wait_for(lambda: self._urgent or self._closed or self._count >= MANY, GATHER)
            work, self._work, self._last, self._count, self._urgent = self._work, [], None, 0, False
            return work, self._closed

    def pause(self, seconds: float) -> None:
        """Wait for so long, or until it is closed."""
        until = time.monotonic() + seconds
        with self._come:
            while not self._closed and (left := until - time.monotonic()) > 0:
                self._come.wait(left)

    def done(self, changes: list[Changes]) -> None:
        """What was taken is written."""
        weight = sum(each.weight for each in changes)
        with self._come:
            self._weight -= weight

    def give_back(self, taken: list[Changes]) -> None:
        """Changes that were taken could not be written: they come first again, as one."""
        if not taken:
            return
        with self._come:
            if self._work and isinstance(first := self._work[0], Changes):
                del self._work[0]
                taken = [*taken, first]
            before = sum(each.weight for each in taken)
            whole, *later = taken
            for each in later:
                whole.extend(each)
            if self._last is taken[-1] or not self._work:
                self._last = whole
            self._work.insert(0, whole)
            self._weight -= before - whole.weight  # lines of rooms that have been forgotten since

    def _changes(self) -> Changes:
        """What the next record is to be added to."""
        if self._last is None:
            self._last = Changes()
            self._work.append(self._last)
        return self._last

    def _counted(self) -> None:
        """A record was added: the first one wakes who waits, and so does one that makes many of them."""
        self._count += 1
        if self._count == 1 or self._count == MANY:
            self._come.notify()
