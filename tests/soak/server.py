"""A chat server that tells how it is doing: ``python server.py LAYER LOOP``, which speaks JSON on standard output.

It prints its port, and after each line on standard input how it stands. When standard input ends it stops, and
prints what is left of it.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys

import psutil

import netkit
from netkit import loops
from netkit.limits import Limits
from netkit.services.chat import Chat


def _say(**what: object) -> None:
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


async def _serve(layer: str) -> None:
    process = psutil.Process()
    chat = Chat(Limits())
    async with netkit.serve(chat, listen=["tcp://127.0.0.1:0"], layer=layer) as server:
        _say(port=server.endpoints[0].port)
        while await asyncio.to_thread(sys.stdin.readline):
            _say(
                memory=process.memory_info().rss,
                connections=server.connections,
                tasks=len(asyncio.all_tasks()),
                endings=dict(chat.endings),
            )
    await asyncio.sleep(0)
    gc.collect()
    mine = asyncio.current_task()
    left = [repr(task) for task in asyncio.all_tasks() if task is not mine]
    _say(connections=server.connections, left=left, endings=dict(chat.endings), people=len(chat._house.people))


if __name__ == "__main__":
    _, layer, loop = sys.argv
    with asyncio.Runner(loop_factory=loops.factory(loop)[1]) as runner:
        runner.run(_serve(layer))
