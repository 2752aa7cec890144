"""Two minutes of a chat with 200 people in it, of whom 5 % do not read, 5 % break off and 5 % send without end.

One server for each layer, all at the same time, on both loops. ``NETKIT_SOAK`` makes it last longer (seconds).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvloop

from netkit.limits import Limits
from tests.process import Program
from tests.soak.crowd import Crowd

pytestmark = pytest.mark.soak

SECONDS = float(os.environ.get("NETKIT_SOAK", "120"))

#: People in each chat, and lines a second that the well-behaved of them say together. With what the others are
#: allowed to say that is more than ``Limits.room_rate``.
PEOPLE = 200
RATE = 30.0

#: Seconds for the last lines to arrive: in a storm everybody's lines wait in turn.
PATIENCE = 60.0

MIB = 1024 * 1024

#: What the memory may grow by once all is in full swing: what may wait for each who does not read, and be read from
#: each who sends without end, and some for the allocator.
GROWTH = PEOPLE // 20 * 2 * Limits().hard + 4 * MIB

CELLS = (("transports", "asyncio"), ("protocols", "uvloop"), ("streams", "uvloop"))


class Server:
    """One server of ``server.py``."""

    def __init__(self, layer: str, loop: str) -> None:
        self.name = f"{layer} on {loop}"
        self.program = Program(sys.executable, Path(__file__).with_name("server.py"), layer, loop)
        self.port = self._told()["port"]

    def look(self) -> dict[str, Any]:
        """How it stands."""
        self.program.types(b"\n")
        return self._told()

    def stop(self) -> dict[str, Any]:
        """Stop it, and tell what is left."""
        self.program.ends_input()
        return self._told()

    def _told(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.program.output.line())
        return told


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    """One for each layer."""
    started = [Server(layer, loop) for layer, loop in CELLS]
    with started[0].program, started[1].program, started[2].program:
        yield started


async def _soak(servers: list[Server], crowds: list[Crowd]) -> list[list[dict[str, Any]]]:
    """Let all talk, and look at the servers after a third of the time and at its end."""
    async with asyncio.TaskGroup() as coming:
        for crowd in crowds:
            coming.create_task(crowd.come())
    for crowd in crowds:
        crowd.disturb()
    looks: list[list[dict[str, Any]]] = []
    for part in (SECONDS / 3, SECONDS * 2 / 3):
        async with asyncio.TaskGroup() as talking:
            for crowd in crowds:
                talking.create_task(crowd.talk(part, RATE))
        looks.append([await asyncio.to_thread(server.look) for server in servers])
    async with asyncio.TaskGroup() as hearing:
        for crowd in crowds:
            hearing.create_task(crowd.all_heard(PATIENCE))
    for crowd in crowds:
        await crowd.leave()
    return looks


@pytest.mark.timeout(SECONDS + 2 * PATIENCE)
def test_nobody_well_behaved_notices_the_others(servers: list[Server]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:

        async def soak() -> tuple[list[Crowd], list[list[dict[str, Any]]]]:
            crowds = [Crowd(server.port, PEOPLE, seed) for seed, server in enumerate(servers)]
            return crowds, await _soak(servers, crowds)

        crowds, (early, late) = runner.run(soak())
    for server, crowd, before, after in zip(servers, crowds, early, late, strict=True):
        assert [fault for one in crowd.healthy for fault in one.faults] == [], server.name
        assert crowd.missing() == 0, server.name
        assert after["memory"] - before["memory"] < GROWTH, server.name
        # They did what they are for.
        assert after["endings"].get("too-slow", 0) > 0, server.name
        assert after["endings"].get("lost", 0) > 0, server.name
        end = server.stop()
        assert (end["connections"], end["people"], end["left"]) == (0, 0, []), server.name
