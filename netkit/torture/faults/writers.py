"""Those who write too slowly, or not at all."""

from __future__ import annotations

import asyncio

from ..fault import Broken, fault
from ..peer import OPEN
from ..trial import Trial

#: How many write a byte a second, and for how many seconds.
SLOW_WRITERS, SECONDS = 20, 3


@fault(
    "slow-writers",
    why="a client that writes one byte a second must not be waited for by anybody else",
    source="Slowloris (2009); Postfix has a deadline for a whole command for it",
    holds="others are not held up, and the line comes through whole when it is finished",
)
async def slow_writers(trial: Trial) -> str:
    """Write a line at one byte a second, on many connections, and finish it."""
    slow = await trial.enter_all(SLOW_WRITERS)
    words = [trial.word() for _ in slow]
    lines = [trial.profile.say(word) for word in words]
    loop = asyncio.get_running_loop()
    began = loop.time()
    for second in range(SECONDS):
        for one, line in zip(slow, lines, strict=True):
            await one.send(line[second : second + 1])
        await asyncio.sleep(began + second + 1 - loop.time())
    for one, word, line in zip(slow, words, lines, strict=True):
        if not await one.send(line[SECONDS:]):
            raise Broken(f"a client that wrote a byte a second for {SECONDS} s is {one.state}", one)
        if not await (await trial.hearer(one)).hears(word):
            raise Broken(f"the line of a client that wrote a byte a second did not come through: {word!r}", one)
    return f"{len(slow)} lines came through whole, after {SECONDS} s of one byte each"


@fault(
    "silent",
    why="connections that say nothing take the places of those who would",
    source="OpenSSH's MaxStartups; ergo closes the unregistered after 60 s",
    holds="whoever comes and talks is let in and heard",
)
async def silent(trial: Trial) -> str:
    """Connect as often as may be, and say nothing."""
    crowd = await trial.crowd(trial.bounds.connections)
    await trial.newcomer()
    closed = sum(each.state != OPEN for each in crowd)
    return f"{len(crowd)} said nothing, and a newcomer was heard; {closed} of them were closed"
