"""The server as a process: started, signalled, and read from outside."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import resource
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import psutil

from ..processes.guard import Guard
from ..processes.reading import Server
from ..processes.start import START, NotServing, end, environment, last_line, launch
from .target import Target

#: Seconds between two looks at it.
LOOK = 0.05

#: The share of a core below which it counts as at rest, the seconds over which that is seen, and for how long at most
#: it may take to come to rest.
REST_SHARE, REST_LOOK, REST = 0.10, 0.2, 3.0


@dataclass(frozen=True, slots=True)
class Level:
    """What the server holds: resident bytes and open descriptors, of it and of all that it has started."""

    memory: int
    descriptors: int


class Subject:
    """The process of a server. Use as a context manager: what we have started is gone at its end.

    Args:
        command: what starts it, with ``{port}``, ``{path}``, ``{endpoint}``, ``{cert}``, ``{key}`` and ``{python}``
            where it wants them; empty for one that runs already.
        pid: of one that runs already.
        given: what is filled in.
        target: where it is to listen.
        guard: ends what we start if we cannot; None where there is no command.

    Attributes:
        pid: of the process now.
        starts: how often it was started.
    """

    def __init__(
        self,
        command: str,
        pid: int,
        given: Mapping[str, str],
        target: Target,
        guard: Guard | None = None,
    ) -> None:
        self.command = command
        self.pid = pid
        self.starts = 0
        self._argv = [
            re.sub(r"\{(port|path|endpoint|cert|key|python)\}", lambda found: given[found[1]], word)
            for word in shlex.split(command)
        ]
        self._target = target
        self._guard = guard
        self._process: subprocess.Popen[bytes] | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed by __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        self._errors.close()

    @property
    def ours(self) -> bool:
        """Whether we can start it again."""
        return bool(self.command)

    async def start(self) -> None:
        """Start it, and wait until it listens.

        Raises:
            NotServing: it does not come up.
        """
        assert self._guard is not None
        self._process = launch(self._argv, environment(), self._errors, self._guard)
        self.pid = self._process.pid
        self.starts += 1
        deadline = asyncio.get_running_loop().time() + START
        while not self.listens():
            if self._process.poll() is not None:
                said = last_line(self._errors.fileno())
                raise NotServing(f"the server exited with {self._process.returncode} before it listened{said}")
            if asyncio.get_running_loop().time() > deadline:
                raise NotServing(f"the server did not listen within {START:g} s{last_line(self._errors.fileno())}")
            await asyncio.sleep(LOOK)

    def listens(self) -> bool:
        """Whether it has a socket there. Asked of the system: to connect and leave again is a fault of its own."""
        unix = self._target.scheme == "unix"
        wanted = self._target.address if unix else self._target.port
        for pid in Server(self.pid).pids if not self.gone() else ():
            with suppress(psutil.Error):
                for each in psutil.Process(pid).net_connections("unix" if unix else "inet"):
                    found = each.laddr if unix else each.laddr and each.laddr.port
                    if found == wanted and not each.raddr and each.status in (psutil.CONN_LISTEN, psutil.CONN_NONE):
                        return True
        return False

    def stop(self) -> None:
        """End what we have started, if it runs."""
        if self._process is not None and self._guard is not None:
            end(self._process)
            self._guard.tell(f"-{self._process.pid}")
            self._process = None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it and all that it has started, without a warning."""
        with suppress(ProcessLookupError):
            for pid in Server(self.pid).pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def gone(self) -> str:
        """How it has ended, in words; empty while it runs."""
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                return ""
            how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"has exited with {code}"
            return f"the server {how}{last_line(self._errors.fileno())}"
        with suppress(psutil.NoSuchProcess):
            if psutil.Process(self.pid).status() != psutil.STATUS_ZOMBIE:
                return ""
        return f"the server, process {self.pid}, has ended"

    async def exits(self, within: float) -> int | None:
        """Wait for it to end by itself. Its exit code, negative for a signal; None if it did not in time."""
        assert self._process is not None
        deadline = asyncio.get_running_loop().time() + within
        # Not Process.wait in a thread: it could not be given up.
        while (code := self._process.poll()) is None and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(LOOK)
        return code

    def level(self) -> Level:
        """What it holds now.

        Raises:
            ProcessLookupError: it has ended.
        """
        server = Server(self.pid)
        descriptors = 0
        for pid in server.pids:
            with suppress(psutil.Error):
                descriptors += psutil.Process(pid).num_fds()
        return Level(server.memory(), descriptors)

    async def busy(self, seconds: float = REST_LOOK) -> float:
        """The share of a core that it uses over some seconds; of the time, that is, in which others had none of it.

        So one that spins uses all on a busy machine too, where it gets a tenth, and one that rests next to nothing.

        Raises:
            ProcessLookupError: it has ended.
        """
        server = Server(self.pid)
        before, waited = server.cpu(), server.waited()
        began = time.monotonic_ns()
        await asyncio.sleep(seconds)
        used = max(0, server.cpu() - before)
        took = time.monotonic_ns() - began
        return used / max(1, used, took - max(0, server.waited() - waited))

    async def rests(self, within: float = REST) -> float:
        """Wait until it does next to nothing. The share of a core that it used in the last look: above ``REST_SHARE``
        if it did not come to rest in time.

        Raises:
            ProcessLookupError: it has ended.
        """
        deadline = asyncio.get_running_loop().time() + within
        while (share := await self.busy()) > REST_SHARE and asyncio.get_running_loop().time() < deadline:
            pass
        return share

    @contextmanager
    def few_descriptors(self, more: int) -> Iterator[int]:
        """Let each of its processes open only so many more descriptors than it has now (prlimit(2), Linux).

        Gives how many processes there are.

        Raises:
            OSError: that is not permitted.
            ProcessLookupError: it has ended.
        """
        before: dict[int, tuple[int, int]] = {}
        try:
            for pid in Server(self.pid).pids:
                with suppress(ProcessLookupError, FileNotFoundError):
                    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
                    resource.prlimit(pid, resource.RLIMIT_NOFILE, (min(room(pid, more), hard), hard))
                    before[pid] = soft, hard
            yield len(before)
        finally:
            for pid, limits in before.items():
                with suppress(ProcessLookupError):
                    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)


def room(pid: int, more: int) -> int:
    """The limit below which a process has so many numbers left for descriptors (Linux)."""
    taken = {int(number) for number in os.listdir(f"/proc/{pid}/fd")}
    free = (number for number in itertools.count() if number not in taken)
    return next(itertools.islice(free, more, None))
