"""One story on one layer and loop: a server in a process of its own, a client in a thread, and what was recorded.

The server is another process so that nothing else runs on the loop that is watched, and so that one that never
answers can be ended. This side is a small program on asyncio too: see tier 5.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import platform
import ssl
import sys
from asyncio.subprocess import Process
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from threading import Event
from typing import Any
from urllib.parse import urlsplit

from ... import __version__, errors
from ...errors import TraceError
from .model import Call, Comparison, Trace
from .steps import Watched, count, follow
from .stories import LOST, OPENED, PAUSED, RESUMED, STORIES, NoAnswer, Scene

#: Most bytes in a line of the server: all that it recorded is one.
LINE_LIMIT = 256 * 1024 * 1024

#: What the server tells once it records.
RECORDING = "recording"

#: Seconds more than for an answer that a process is given to start, and to write down what it has recorded.
STARTING, WRITING = 20.0, 20.0

#: Of the slow reader, in bytes: so little is waited for that it soon is too much.
SMALL_LIMITS = {"high": 32 * 1024, "low": 8 * 1024, "hard": 16 * 1024 * 1024}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to trace.

    Attributes:
        what: one of ``STORIES``.
        service: as ``netkit serve`` takes it.
        patience: seconds that the server is given for an answer.
    """

    what: str = "message"
    service: str = "echo"
    patience: float = 5.0

    def job(self, layer: str, loop: str) -> str:
        """For the server, in JSON."""
        return json.dumps(
            {
                "layer": layer,
                "loop": loop,
                "service": self.service,
                "tls": self.what == "tls",
                "limits": SMALL_LIMITS if self.what == "slow-reader" else {},
                "watch": [OPENED, LOST, PAUSED, RESUMED],
                "seconds": math.ceil(3 * self.patience + STARTING + WRITING),
            }
        )


async def trace(plan: Plan, layer: str, loop: str) -> Trace:
    """Play the plan's story on one layer and loop.

    Args:
        plan: what to trace.
        layer: ``transports``, ``protocols`` or ``streams``.
        loop: ``asyncio`` or ``uvloop``.

    Raises:
        TraceError: the server did not answer in time, or went away.
        NetkitError: the loop or the service cannot be had, as ``netkit serve`` says it too.
    """
    process = await start(plan, layer, loop)
    try:
        told, scene = await play(plan, process)
    except NoAnswer as why:
        raise TraceError(f"no trace of {plan.what} with {plan.service} on {layer}, {loop}: {why}") from None
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
    calls = [Call(*each) for each in told["calls"]]
    service = {(file, name) for file, name in told["service"]}
    steps = follow(calls, scene.marks, Watched(layer, service))
    return Trace(layer=layer, loop=loop, steps=steps, counts=count(calls))


async def start(plan: Plan, layer: str, loop: str) -> Process:
    """The server's process."""
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "netkit.tower.trace", plan.job(layer, loop)),
        stdin=pipe,
        stdout=pipe,
        limit=LINE_LIMIT,
        start_new_session=True,  # a Ctrl-C is for us, who end it
        env={name: value for name, value in os.environ.items() if name != "PYTHONASYNCIODEBUG"},
    )


async def play(plan: Plan, process: Process) -> tuple[dict[str, Any], Scene]:
    """Play a story with a server that has been started. Returns what it recorded, and what the client did.

    Raises:
        NoAnswer: the server did not do what the story waits for.
        NetkitError: it could not be started.
    """
    output, input = process.stdout, process.stdin
    assert output is not None
    assert input is not None
    began = await _line(output, plan)
    seen: dict[str, Event] = {name: Event() for name in (OPENED, LOST, PAUSED, RESUMED, RECORDING)}
    loop = asyncio.get_running_loop()

    def record() -> None:
        loop.call_soon_threadsafe(input.write, b"record\n")
        if not seen[RECORDING].wait(plan.patience):
            raise NoAnswer("its loop is blocked")

    scene = Scene(
        address=_address(began["listening"]),
        tls=ssl.create_default_context(cafile=began["ca"]) if began["ca"] else None,
        chat=plan.service == "chat",
        patience=plan.patience,
        record=record,
        seen=seen,
    )
    listening = loop.create_task(_listen(output, seen))
    try:
        await asyncio.to_thread(STORIES[plan.what], scene)
        input.write(b"stop\n")
        async with asyncio.timeout(plan.patience + WRITING):
            return await listening, scene
    except TimeoutError:
        raise NoAnswer("its loop is blocked") from None
    finally:
        listening.cancel()
        for event in seen.values():  # a story that was given up must not go on waiting
            event.set()
        scene.open.close()


async def _line(output: asyncio.StreamReader, plan: Plan) -> dict[str, Any]:
    """The first line: where the server listens, or why it does not."""
    try:
        async with asyncio.timeout(plan.patience + STARTING):
            line = await output.readline()
    except TimeoutError:
        raise NoAnswer("it did not start to listen") from None
    told: dict[str, Any] = json.loads(line or b"{}")
    if "error" in told:
        raise getattr(errors, told["error"])(told["text"])
    if not told:
        raise NoAnswer("its process ended before it listened")
    return told


async def _listen(output: asyncio.StreamReader, seen: dict[str, Event]) -> dict[str, Any]:
    """Hear what the server tells, until it tells what it has recorded."""
    async for line in output:
        told: dict[str, Any] = json.loads(line)
        if "calls" in told:
            return told
        seen[told["seen"]].set()
    raise NoAnswer("its process ended")


def _address(endpoint: str) -> tuple[str, int]:
    parts = urlsplit(endpoint)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


async def compare(plan: Plan, cells: Sequence[tuple[str, str]]) -> Comparison:
    """The same story on each of some layers and loops, one after the other: they shall not disturb one another.

    Raises:
        As ``trace``.
    """
    traces = [await trace(plan, layer, loop) for layer, loop in cells]
    machine = {"netkit": __version__, "python": platform.python_version(), "platform": platform.platform(terse=True)}
    if any(loop == "uvloop" for _, loop in cells):
        machine["uvloop"] = metadata.version("uvloop")
    when = datetime.now(UTC).isoformat(timespec="seconds")
    return Comparison(what=plan.what, service=plan.service, machine=machine, when=when, traces=tuple(traces))
