"""Readings of a server: what all of its processes together have used until now.

On Linux the CPU clock of another process is read in nanoseconds (clock_getcpuclockid(3)), where ``/proc/PID/stat``
counts in ticks of 10 ms. Elsewhere psutil says what it can.

A reading is taken at each edge of a window. The clock is read last at the first edge and first at the second one, next
to the counting of messages, so that the slower readings stay outside.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

LINUX = sys.platform == "linux"

#: The CPU clock of a process and of all its threads: CPUCLOCK_SCHED in the kernel's own encoding.
_SCHED_CLOCK = 2

#: Seconds between two looks at a process that should come to rest, and the share of a core that counts as rest.
REST_INTERVAL, REST_SHARE = 0.1, 0.005

#: Looks in a row that must find it at rest: a sweep, say, comes by less often.
REST_LOOKS = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """What a server has used until now.

    Attributes:
        reaped: nanoseconds of CPU time of children that have ended, which no clock has any more. In ticks of 10 ms.
        newcomers: nanoseconds on the clocks of processes that were not known before this reading.
        memory: resident bytes.
        peak: the most that was ever resident, in bytes; 0 where that is not known.
        switches: context switches.
        waited: nanoseconds in which it could have run and did not; 0 where that is not known.
    """

    reaped: int
    newcomers: int
    memory: int
    peak: int
    switches: int
    waited: int


class Server:
    """A process and its descendants, read from outside. It need not know."""

    def __init__(self, pid: int) -> None:
        """Look at the process for the first time.

        Raises:
            ProcessLookupError: there is none.
        """
        self.pid = pid
        self.pids = [pid]
        self.find()

    def find(self) -> None:
        """Look for descendants that have come or gone."""
        try:
            children = psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            raise ProcessLookupError(f"the server, process {self.pid}, has ended") from None
        self.pids = [self.pid, *(child.pid for child in children)]

    def cpu(self) -> int:
        """Nanoseconds of CPU time until now, of the processes that are known: a microsecond for each."""
        return sum(cpu_clock(pid) for pid in self.pids)

    def memory(self) -> int:
        """Resident bytes now, of the processes that are known."""
        return sum(_psutil(pid, lambda process: int(process.memory_info().rss)) for pid in self.pids)

    def waited(self) -> int:
        """Nanoseconds until now in which the processes that are known could have run and did not; 0 if not known."""
        return sum(_waited(task) for pid in self.pids for task in _tasks(pid))

    def read(self) -> Reading:
        """All but the clocks, for which descendants are looked for first.

        Raises:
            ProcessLookupError: the server has ended.
        """
        known = set(self.pids)
        self.find()
        newcomers = sum(cpu_clock(pid) for pid in self.pids if pid not in known)
        memory = peak = switches = 0
        for pid in self.pids:
            status = _status(pid)
            memory += status.get("VmRSS", 0) * 1024
            peak += status.get("VmHWM", 0) * 1024
            switches += sum(map(_switches, _tasks(pid)))
        if not LINUX:
            memory = self.memory()
            switches = sum(_psutil(pid, lambda process: int(sum(process.num_ctx_switches()))) for pid in self.pids)
        return Reading(self._reaped(), newcomers, memory, peak, switches, self.waited())

    def _reaped(self) -> int:
        if not LINUX:
            return 0
        ticks = 0
        for pid in self.pids:
            with suppress(OSError):
                # The name may have spaces and parentheses in it: count from behind the last one.
                rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += int(rest[13]) + int(rest[14])  # cutime and cstime, proc(5)
        return ticks * 1_000_000_000 // os.sysconf("SC_CLK_TCK")

    def rest(self, within: float) -> bool:
        """Wait until it does next to nothing, for so many seconds at most. Whether it came to rest."""
        until = time.monotonic() + within
        quiet = 0
        before = self.cpu()
        while quiet < REST_LOOKS and time.monotonic() < until:
            time.sleep(REST_INTERVAL)
            now = self.cpu()
            quiet = quiet + 1 if now - before <= REST_SHARE * REST_INTERVAL * 1e9 else 0
            before = now
        return quiet >= REST_LOOKS


def cpu_clock(pid: int) -> int:
    """The CPU clock of a process in nanoseconds; 0 once it has ended."""
    if LINUX:
        try:
            return time.clock_gettime_ns((~pid << 3) | _SCHED_CLOCK)
        except OSError:
            return 0
    return _psutil(pid, lambda process: int(sum(process.cpu_times()[:2]) * 1e9))


def _psutil(pid: int, ask: Callable[[psutil.Process], int]) -> int:
    try:
        return ask(psutil.Process(pid))
    except psutil.Error:
        return 0


def _status(path: int | Path) -> dict[str, int]:
    """The numbers of ``/proc/.../status``, in the units that are given there."""
    found = {}
    with suppress(OSError):
        where = path if isinstance(path, Path) else Path(f"/proc/{path}")
        for line in (where / "status").read_text().splitlines():
            name, _, value = line.partition(":")
            first = value.split(maxsplit=1)[:1]
            if first and first[0].isdecimal():
                found[name] = int(first[0])
    return found


def _tasks(pid: int) -> list[Path]:
    """The threads of a process: both counts below are of one thread each."""
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []


def _switches(task: Path) -> int:
    status = _status(task)
    return status.get("voluntary_ctxt_switches", 0) + status.get("nonvoluntary_ctxt_switches", 0)


def _waited(task: Path) -> int:
    """The second field of ``schedstat``: time spent waiting on a run queue."""
    with suppress(OSError, IndexError, ValueError):
        return int((task / "schedstat").read_text().split()[1])
    return 0
