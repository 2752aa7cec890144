"""The server of a trace: a real one, on a real loop, that records what it does between two lines it is sent.

It is told what to serve by its arguments, a job in JSON, and writes one JSON object a line on standard output: where
it listens, ``{"seen": "recording"}`` once it has been told ``record``, ``{"seen": NAME}`` for the first call of each of
the functions that the job asks for, and the calls once it has been told ``stop``.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
from dataclasses import astuple
from typing import Any

from ... import loops, server, services
from ...errors import NetkitError
from ...limits import Limits
from ...service import Service
from ...tls import Development
from .record import Recorder, Watch, calls, place
from .words import TOLD

#: What was standard output. What a service prints goes to standard error, and not in between.
CHANNEL = os.fdopen(os.dup(1), "w", encoding="utf-8")

#: Turns of the loop until the recording ends, once it shall: what is under way comes to its end.
SETTLING = 10


async def until_told() -> None:
    """Wait for a line on standard input.

    ``add_reader`` calls back, and a future makes of that something to wait for: what tier 3 is there for.
    """
    loop = asyncio.get_running_loop()
    told: asyncio.Future[bytes] = loop.create_future()
    loop.add_reader(0, lambda: told.set_result(os.read(0, 100)) if not told.done() else None)
    try:
        await told
    finally:
        loop.remove_reader(0)


def tell(**what: Any) -> None:
    """Write a line to whoever asked, at once."""
    CHANNEL.write(json.dumps(what) + "\n")
    CHANNEL.flush()


def methods(service: Service) -> list[tuple[str, str]]:
    """File and name of each method that the service is told by."""
    found = (getattr(type(service), name) for name in TOLD)
    codes = [code for method in found if (code := getattr(method, "__code__", None)) is not None]
    return [(place(code.co_filename), code.co_qualname) for code in codes]


async def main(job: dict[str, Any]) -> None:
    """Serve, record, and tell what was recorded."""
    limits = Limits(**job["limits"]).without_rates()  # a flood shall not be slowed
    service = services.make(job["service"], limits)
    development = Development() if job["tls"] else None
    scheme, context = ("tls", development.context) if development else ("tcp", None)
    record = Recorder(Watch(job["watch"], lambda name: tell(seen=name)))
    try:
        async with server.serve(
            service, listen=[f"{scheme}://127.0.0.1:0"], layer=job["layer"], limits=limits, tls=context
        ) as running:
            tell(listening=str(running.endpoints[0]), ca=str(development.ca) if development else None)
            await until_told()
            tell(seen="recording")
            gc.disable()  # a collection takes longer than a message
            record.start()
            await until_told()
            for _ in range(SETTLING):
                await asyncio.sleep(0)
            record.stop()
            running.abort()
    finally:
        if development is not None:
            development.remove()
    tell(calls=[astuple(call) for call in calls(record.events)], service=methods(service))


if __name__ == "__main__":
    os.dup2(2, 1)
    given = json.loads(sys.argv[1])
    signal.alarm(given["seconds"])  # ends it, even where a service blocks for ever and whoever started it has gone
    try:
        with asyncio.Runner(loop_factory=loops.factory(given["loop"])[1]) as runner:
            runner.run(main(given))
    except NetkitError as why:
        tell(error=type(why).__name__, text=str(why))
    except BrokenPipeError:
        os._exit(1)  # whoever asked has gone, and so has standard output, which must not be flushed
