"""The storage of a server: what goes there, and its answers, which come from another thread, in the order of questions.

A storage may work in a thread of its own, and answers with a ``concurrent.futures.Future``. What it calls when that is
done runs in that thread: it hands the news to the loop with ``call_soon_threadsafe``, and no more.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress

from ..service import Storage

log = logging.getLogger(__name__)


class Storing:
    """Between one service and its storage, if it has one."""

    def __init__(
        self, storage: Storage | None, loop: asyncio.AbstractEventLoop, told: Callable[[object, object], None]
    ) -> None:
        """Tell what was found with ``told(query, found)``, on the loop."""
        self.storage = storage
        self.loop = loop
        self.told = told
        # What was asked and not yet told, oldest first.
        self.asked: deque[tuple[object, Future[object]]] = deque()
        # Nothing is told any more.
        self.stopped = False

    def put(self, record: object) -> None:
        """Keep a record.

        Raises:
            TypeError: there is no storage.
        """
        self.needed().put(record)

    def recall(self, query: object) -> None:
        """Ask for something, unless its answer would come too late.

        Raises:
            TypeError: there is no storage.
        """
        if self.stopped:
            return
        future = self.needed().recall(query)
        self.asked.append((query, future))
        future.add_done_callback(self.done)

    def needed(self) -> Storage:
        """The storage."""
        if self.storage is None:
            raise TypeError("a service that answers with Store or Recall needs a storage: serve it with one")
        return self.storage

    def done(self, future: Future[object]) -> None:
        """One is found. This may run in any thread."""
        with suppress(RuntimeError):  # the loop is closed: the storage took longer than the grace
            self.loop.call_soon_threadsafe(self.tell)

    def tell(self) -> None:
        """Tell what is found, as far as everything before it is."""
        while self.asked and self.asked[0][1].done():
            query, future = self.asked.popleft()
            try:
                found = future.result()
            except Exception as error:
                log.error("the storage could not recall %r: %s", query, error)
                found = None
            self.told(query, found)

    def stop(self) -> None:
        """Tell nothing any more."""
        self.stopped = True
        self.asked.clear()

    async def close(self, seconds: float) -> None:
        """Let the storage write all it has and close, in a thread, since that blocks.

        Args:
            seconds: to wait for it. The thread goes on then, and an interpreter that exits waits for it too.
        """
        if self.storage is None:
            return
        deadline = asyncio.timeout(seconds)
        try:
            async with deadline:
                await asyncio.to_thread(self.storage.close)
        except Exception as error:
            late = f"it takes longer than {seconds:.3g} s"
            log.error("the storage is not closed: %s", late if deadline.expired() else error)
