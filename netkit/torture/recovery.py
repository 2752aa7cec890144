"""What must be so again when a fault is over: the server lets others in, is at rest, and holds no more than before."""

from __future__ import annotations

import asyncio

from .fault import Broken
from .subject import LOOK, REST_SHARE, Level, Subject
from .trial import Bounds, Trial
from .verdict import Recovery

#: Seconds for a server to close what its clients have left, and to give memory back.
CLOSING, GIVING_BACK = 10.0, 2.0


async def lets_in(trial: Trial) -> list[str]:
    """See that a newcomer gets in and is heard. What did not hold.

    Args:
        trial: a fresh one; it is closed.
    """
    try:
        await trial.newcomer()
    except Broken as why:
        return [f"afterwards, {why}"]
    finally:
        await trial.close()
    return []


async def gives_back(subject: Subject, before: Level, bounds: Bounds) -> tuple[Recovery | None, list[str]]:
    """See that the server comes to rest, and has closed what its clients have left.

    What it holds, and what did not hold. How much memory it may hold is left to who asks: what an allocator keeps for
    the next time is no leak.
    """
    try:
        busy = await subject.rests()
        after = await _settled(subject, before, bounds)
    except ProcessLookupError:
        return None, [subject.gone() or "the server has ended"]
    broken = []
    if busy > REST_SHARE:
        broken.append(f"afterwards it uses {busy:.0%} of a core while nobody says anything")
    if after.descriptors > before.descriptors:
        broken.append(f"afterwards it has {after.descriptors} descriptors open, before it was {before.descriptors}")
    return Recovery(before, after, busy), broken


async def _settled(subject: Subject, before: Level, bounds: Bounds) -> Level:
    """What it holds once it holds no more than before, or when that has been waited for."""
    began = asyncio.get_running_loop().time()
    while True:
        after = subject.level()
        waited = asyncio.get_running_loop().time() - began
        open_still = after.descriptors > before.descriptors and waited < CLOSING
        held_still = after.memory > before.memory + bounds.memory and waited < GIVING_BACK
        if not open_still and not held_still:
            return after
        await asyncio.sleep(LOOK)
