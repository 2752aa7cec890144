"""A thread that waits where the loop must not: in ``read`` and ``write`` on standard input and output.

Why not the loop itself: it cannot poll a regular file, and to poll a terminal or a pipe ``connect_read_pipe`` sets
``O_NONBLOCK`` on it, which every other process that has it open then meets too, the shell that waits for us included.
Why not asyncio's own threads: the interpreter waits for those at its end, and one of them may be in ``read`` until
somebody presses Enter. This one is a daemon, which nobody waits for.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Worker(Executor):
    """One daemon thread for ``loop.run_in_executor``: it makes one call after another, until the process ends."""

    def __init__(self, name: str) -> None:
        """Start it. The name is for whoever looks at threads."""
        self._calls = SimpleQueue[tuple[Future[Any], Callable[[], object]]]()
        Thread(target=self._run, name=name, daemon=True).start()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a call made, after those that were asked for before."""
        future = Future[T]()
        self._calls.put((future, partial(fn, *args, **kwargs)))
        return future

    def _run(self) -> None:
        while True:
            future, call = self._calls.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = call()
            except BaseException as why:
                future.set_exception(why)
            else:
                future.set_result(result)
                del result
            del future, call  # not to keep what was read or written while waiting for the next call
