"""A bad network in user space: a relay between a client and a server that loses, reorders and repeats datagrams.

Without a clock: how long a datagram is held back is counted in those that overtake it. So the same seed and the same
datagrams meet the same fate on every loop and every machine.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

#: Of a hundred datagrams, so many are lost, held back and repeated.
LOST, HELD, REPEATED = 15, 20, 15

#: At most so many overtake one that is held back.
OVERTAKERS = 6

#: Seconds until a wait for datagrams counts as failed.
PATIENCE = 20.0


class Way(asyncio.DatagramProtocol):
    """One direction.

    Attributes:
        arrived: what came in, in its order.
        passed: what went out, in its order.
        lost, held, repeated: how many met that fate.
    """

    def __init__(self, seed: int, send: Callable[[bytes], None]) -> None:
        self.arrived: list[bytes] = []
        self.passed: list[bytes] = []
        self.lost = self.held = self.repeated = 0
        self.sender: tuple[Any, ...] = ()
        self._source = random.Random(seed)
        self._send = send
        self._waiting: list[tuple[int, bytes]] = []
        self._news = asyncio.Event()

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self.sender = addr
        self.arrived.append(data)
        fate = self._source.randrange(100)
        if fate < LOST:
            self.lost += 1
        elif fate < LOST + HELD:
            self.held += 1
            self._waiting.append((len(self.arrived) + self._source.randint(1, OVERTAKERS), data))
        else:
            again = fate < LOST + HELD + REPEATED
            self.repeated += again
            self._pass_on(*[data] * (1 + again))
        self.release(len(self.arrived))
        self._news.set()

    def release(self, now: float = float("inf")) -> None:
        """Let go of what has been overtaken enough, or of all."""
        due = [data for when, data in self._waiting if when <= now]
        self._waiting = [(when, data) for when, data in self._waiting if when > now]
        self._pass_on(*due)

    def _pass_on(self, *datagrams: bytes) -> None:
        for data in datagrams:
            self.passed.append(data)
            self._send(data)

    async def until(self, count: int) -> None:
        """Wait until so many have arrived."""
        async with asyncio.timeout(PATIENCE):
            while len(self.arrived) < count:
                self._news.clear()
                await self._news.wait()


class Relay:
    """Both directions, for one client.

    Attributes:
        address: where the client sends to.
        there: from the client to the server.
        back: from the server to the client.
    """

    def __init__(self, address: tuple[str, int], there: Way, back: Way) -> None:
        self.address = address
        self.there = there
        self.back = back


@asynccontextmanager
async def relay(server: tuple[str, int], seed: int) -> AsyncIterator[Relay]:
    """Relay to a server for as long as the block lasts."""
    loop = asyncio.get_running_loop()
    there = Way(seed, lambda data: behind.sendto(data))
    back = Way(seed + 1, lambda data: front.sendto(data, there.sender))
    front, _ = await loop.create_datagram_endpoint(lambda: there, local_addr=("127.0.0.1", 0))
    behind, _ = await loop.create_datagram_endpoint(lambda: back, remote_addr=server)
    try:
        yield Relay(front.get_extra_info("sockname"), there, back)
    finally:
        front.close()
        behind.close()
        await asyncio.sleep(0)  # or their sockets outlive the loop
