"""The bystanders' own process: ``python -m netkit.torture.witness``.

It is told what to do in lines of JSON on standard input, and answers each with one on standard output:

- ``{"come": {...}}``: connect all of them to the endpoint, and see that everybody hears everybody;
- ``{"talk": true}``: talk from now on;
- ``{"settle": {...}}``: fall silent, wait until all has come, for so long at most, and tell what came of it;
- ``{"leave": true}``: go.

A process of its own, so that whatever does its worst does not slow those by whom that is judged.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from functools import partial
from typing import Any

from ..endpoints import Endpoint
from .bystander import Count, Party
from .peer import OPEN, Peer
from .profiles import PROFILES, Refused
from .target import Target, Unreachable

#: Seconds in which nothing comes, after which no more is waited for where messages may be lost.
QUIET = 0.3

#: What makes a message as long as lines of people are, in bytes.
PADDING = b" " + b"x" * 60


class Witness:
    """All bystanders of one server."""

    def __init__(self) -> None:
        self.peers: list[Peer] = []
        self.opened: list[Peer] = []
        self.talking: list[asyncio.Task[None]] = []
        self.party: Party

    async def come(self, endpoint: str, service: str, mark: str) -> dict[str, Any]:
        """Connect everybody: the first one, who hears the others come, and then all of these at once."""
        await self.leave()
        self.profile = PROFILES[service]
        target = Target(Endpoint.parse(endpoint), foreign=True)
        number = self.profile.bystanders
        clock = asyncio.get_running_loop().time
        self.party = Party(number, mark, self.profile.echoes, clock, ordered=target.scheme != "udp")
        try:
            self.peers.append(await self._enter(target, 0, mark))
            others = (self._enter(target, one, mark) for one in range(1, number))
            for each in await asyncio.gather(*others, return_exceptions=True):
                if isinstance(each, BaseException):
                    raise each
                self.peers.append(each)
        except (Unreachable, Refused, TimeoutError) as why:
            return {"unable": f"a bystander did not get in: {str(why) or 'it is not read from'}"}
        return {}

    async def _enter(self, target: Target, one: int, mark: str) -> Peer:
        peer = await target.open(answer=self.profile.answer, on_data=partial(self._take, one))
        self.opened.append(peer)
        await self.profile.enter(peer, f"w{one}{mark}", self.peers[0] if self.peers else None)
        return peer

    def _take(self, one: int, data: bytes) -> None:
        self.party.take(one, data)

    def talk(self) -> dict[str, Any]:
        """Everybody talks, each at their own time of the beat."""
        began = asyncio.get_running_loop().time()
        beat = 1 / self.profile.rate
        for one, peer in enumerate(self.peers):
            due = began + beat * one / len(self.peers)
            self.talking.append(asyncio.create_task(self._talk(one, peer, due, beat)))
        return {}

    async def _talk(self, one: int, peer: Peer, due: float, beat: float) -> None:
        loop = asyncio.get_running_loop()
        while peer.state == OPEN:
            await asyncio.sleep(due - loop.time())
            if peer.state == OPEN:
                peer.put(self.profile.say(self.party.next(one, due) + PADDING))
            due += beat

    async def settle(self, within: float, lossy: bool) -> dict[str, Any]:
        """Everybody falls silent, and what is still under way is waited for."""
        await self._hush()
        clock = asyncio.get_running_loop().time
        until, quiet = clock() + within, clock() + QUIET
        came = self.party.count.came
        while self.party.missing() and clock() < until and not (lossy and clock() > quiet):
            await asyncio.sleep(0.005)
            if came != self.party.count.came:
                came, quiet = self.party.count.came, clock() + QUIET
        for one, peer in enumerate(self.peers):
            if peer.state != OPEN:
                self.party.cut(one, peer.state)
        return told(self.party.settle(lossy))

    async def leave(self) -> dict[str, Any]:
        """Everybody goes."""
        await self._hush()
        for peer in self.opened:
            peer.close()
        self.peers, self.opened = [], []
        await asyncio.sleep(0)
        return {}

    async def _hush(self) -> None:
        for task in self.talking:
            task.cancel()
        await asyncio.gather(*self.talking, return_exceptions=True)
        self.talking = []


def told(count: Count) -> dict[str, Any]:
    """A count as it is told."""
    ordered = sorted(count.latencies)
    at = {"p50": 50, "p99": 99, "worst": 100}
    return {
        "said": count.said,
        "due": count.due,
        "came": count.came,
        "trouble": count.trouble,
        "kinds": dict(count.kinds),
        **{name: percentile(ordered, number) for name, number in at.items()},
    }


def percentile(ordered: list[float], number: int) -> float | None:
    """The nearest rank (no value is made up between two); None where there is nothing."""
    return ordered[max(0, -(-number * len(ordered) // 100) - 1)] if ordered else None


async def main() -> None:
    """Do what is asked until the input ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1024 * 1024)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    witness = Witness()
    while line := await reader.readline():
        [(order, given)] = json.loads(line).items()
        match order:
            case "come":
                answer = await witness.come(**given)
            case "talk":
                answer = witness.talk()
            case "settle":
                answer = await witness.settle(**given)
            case _:
                answer = await witness.leave()
        print(json.dumps(answer), flush=True)  # noqa: T201  it is what it answers with
    await witness.leave()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
