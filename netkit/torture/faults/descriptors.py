"""Descriptors that run out."""

from __future__ import annotations

import asyncio
import resource

from ..fault import Broken, Untried, fault
from ..peer import OPEN, Peer
from ..trial import Trial, looked_at

#: Descriptors that are left to each process of the server, and connections above these.
LEFT, ABOVE = 8, 8

#: Seconds for which it is watched while it has none left, and the share of them in which it may be at work then. What
#: others say is in it, and a report for each failed accept (asyncio: one for each of its backlog, once a second).
WATCHED, SHARE = 1.0, 0.8

#: Seconds until newcomers must be let in again, and between two tries.
AGAIN, EACH = 5.0, 0.1


@fault(
    "descriptors-run-out",
    why="accept fails while the connection waits on: a loop that tries again at once spins, or gives up for ever",
    source="accept(2): EMFILE; gh-151615 (asyncio); libev's manual: accept()ing when you can't",
    holds="those who are there are served, it does not spin, and when some leave others are let in within seconds",
    process=True,
)
async def descriptors_run_out(trial: Trial) -> str:
    """More connections than the server has descriptors left for."""
    if not hasattr(resource, "prlimit"):
        raise Untried("needs prlimit(2), which only Linux has")
    try:
        with trial.process().few_descriptors(LEFT) as processes:
            crowd = await trial.crowd(processes * LEFT + ABOVE, raw=True)
            share = await busy(trial)
            if share > SHARE:
                raise Broken(f"it is at work {share:.0%} of the time while it has no descriptors left")
            closed = sum(each.state != OPEN for each in crowd)
            await let_in_again(trial, crowd)
    except PermissionError:
        raise Untried("the limits of that process may not be changed: run it as the same user, or as root") from None
    return (
        f"with {LEFT} descriptors left and {len(crowd)} connections more it was at work {share:.0%} of the "
        f"time, and closed {closed}; when these had left, newcomers were heard"
    )


async def busy(trial: Trial) -> float:
    """The share of the time in which the server is at work.

    Raises:
        Broken: it is gone.
    """
    subject = trial.process()
    with looked_at(subject):
        return await subject.busy(WATCHED)


async def let_in_again(trial: Trial, crowd: list[Peer]) -> None:
    """See that somebody new comes in, soon after all of a crowd have left.

    Raises:
        Broken: nobody does.
    """
    for each in crowd:
        each.close()
    loop = asyncio.get_running_loop()
    until = loop.time() + AGAIN
    while True:
        try:
            return await trial.newcomer()
        except Broken as why:  # who was turned away at once comes again
            if loop.time() > until:
                raise Broken(f"{AGAIN:g} s after all of them had left, {why}", why.peer) from None
        await asyncio.sleep(EACH)
