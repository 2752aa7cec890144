"""The calls of a loop, cut into turns, from one look at the sockets to the next, and callbacks, each thing called then.

On asyncio's own loop the loop itself is Python, and seen: a callback is what ``Handle._run`` runs, and a turn what
``_run_once`` does. On uvloop the loop and its transports are C: a callback is what is called from nowhere, and turns
cannot be told apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, takewhile

from .model import Call

#: The file of the process that is traced: what it does to be told to stop is not part of any story.
CONTROL = "netkit/tower/trace/__main__.py"

RUN_ONCE, RUN_HANDLE, RUN_CALLBACK = "BaseEventLoop._run_once", "Handle._run", "Context.run"

#: How asyncio's own loop queues the callback of a socket that is ready.
QUEUED = "BaseEventLoop._add_callback"

#: How it waits for one, with any of its selectors.
WAITS = ("epoll.poll", "kqueue.control", "poll.poll", "select.select")


@dataclass(frozen=True)
class Callback:
    """What the loop called, and all that was called by it, in the order in which it began."""

    calls: Sequence[Call]

    @property
    def ours(self) -> bool:
        """Whether it is part of the story."""
        return all(call.file != CONTROL for call in self.calls)

    @cached_property
    def with_parents(self) -> Sequence[tuple[Call, Call | None]]:
        """Each call, with the one that called it."""
        above: list[Call] = []
        pairs = []
        for call in self.calls:
            while above and above[-1].depth >= call.depth:
                above.pop()
            pairs.append((call, above[-1] if above else None))
            above.append(call)
        return pairs

    def inside(self, index: int) -> set[str]:
        """The names of all that one of its calls called, and they in turn."""
        depth = self.calls[index].depth
        return {call.name for call in takewhile(lambda call: call.depth > depth, islice(self.calls, index + 1, None))}

    @property
    def task(self) -> Call | None:
        """The coroutine of the task that begins or goes on, if that is what it is."""
        return next((call for call, parent in self.with_parents if wakes(call, parent)), None)


@dataclass(frozen=True)
class Turn:
    """A turn of asyncio's own loop; on uvloop, all callbacks.

    Attributes:
        looked: the look for sockets that are ready, and what belongs to it.
        callbacks: what was called then.
    """

    looked: Sequence[Call]
    callbacks: Sequence[Callback]

    @property
    def ours(self) -> bool:
        """Whether all of it is part of the story."""
        return all(each.ours for each in self.callbacks)

    @property
    def found(self) -> Call | None:
        """The wait that ended since a socket was ready."""
        if not any(call.name == QUEUED for call in self.looked):
            return None
        return next((call for call in self.looked if call.name in WAITS), None)


def cut(calls: Sequence[Call]) -> list[Turn]:
    """Cut into turns, without what was under way when the recording began."""
    roots = list(_subtrees(calls, 0))
    turns = [_turn(root[1:]) for root in roots if root[0].name == RUN_ONCE]
    # On uvloop what is written in C and called from nowhere is a remnant of what was under way.
    return turns or [Turn((), [Callback(root) for root in roots if not root[0].in_c])]


def _turn(calls: Sequence[Call]) -> Turn:
    looked: list[Call] = []
    callbacks = []
    for each in _subtrees(calls, 1):
        if each[0].name == RUN_HANDLE:
            callbacks.append(Callback(each))
        else:
            looked += each
    return Turn(looked, callbacks)


def _subtrees(calls: Sequence[Call], depth: int) -> Iterator[Sequence[Call]]:
    """Each call of a depth, with all that it called."""
    starts = [index for index, call in enumerate(calls) if call.depth == depth]
    for start, end in zip(starts, [*starts[1:], len(calls)], strict=True):
        yield calls[start:end]


def wakes(call: Call, parent: Call | None) -> bool:
    """Whether a task begins or goes on with this call: a coroutine that no other one awaits."""
    return call.coroutine and (parent is None or parent.name == RUN_CALLBACK)
