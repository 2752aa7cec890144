"""The bystanders, as whoever runs a trial sees them: a process that is told to talk, and asked what came of it."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from ..errors import TortureError
from .target import Target

#: Seconds that all of them may take to come in, and to answer otherwise.
COMING, ANSWER = 60.0, 30.0


@dataclass(frozen=True, slots=True)
class Told:
    """What came of the messages of all bystanders in one window; times in seconds, None where nothing came."""

    said: int = 0
    due: int = 0
    came: int = 0
    p50: float | None = None
    p99: float | None = None
    worst: float | None = None
    trouble: tuple[str, ...] = ()
    kinds: dict[str, int] = field(default_factory=dict)


class Bystanders:
    """The process of ``witness``. Use as an asynchronous context manager: at its end they are gone.

    Args:
        target: the server.
        service: the name of the profile.
        mark: tells them from those of another run, in hexadecimal digits.
    """

    def __init__(self, target: Target, service: str, mark: str) -> None:
        self.target = target
        self.service = service
        self.mark = mark
        self.came = 0
        self._process: Process

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "netkit.torture.witness", stdin=PIPE, stdout=PIPE, start_new_session=True
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def come(self) -> str:
        """Connect all of them. Why they cannot, empty if they can."""
        self.came += 1  # a chat may still have the names of those who were there before
        order = {"endpoint": str(self.target.endpoint), "service": self.service, "mark": f"{self.mark}{self.came:x}"}
        answer = await self._ask("come", order, COMING)
        return str(answer.get("unable", ""))

    async def talk(self) -> None:
        """They talk from now on."""
        await self._ask("talk", True, ANSWER)

    async def settle(self, within: float, lossy: bool = False) -> Told:
        """They fall silent. What is still under way is waited for, so many seconds at most.

        Args:
            within: that many seconds.
            lossy: see ``Fault.lossy``: what is lost is no trouble then.
        """
        answer = await self._ask("settle", {"within": within, "lossy": lossy}, ANSWER + within)
        return Told(**answer | {"trouble": tuple(answer["trouble"])})

    async def leave(self) -> None:
        """They go, all at once."""
        await self._ask("leave", True, ANSWER)

    async def _ask(self, order: str, given: Any, within: float) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({order: given}).encode() + b"\n")
            async with asyncio.timeout(within):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise TortureError(f"the bystanders gave no answer within {within:g} s") from None
        except ConnectionError:
            line = b""
        if not line:
            raise TortureError("the process of the bystanders has ended: its own words are above")
        answer: dict[str, Any] = json.loads(line)
        return answer
